#include "output/summary/rtt_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace echoscan {

// A value below 64 is its own bin. Above, the octave gives the row, and the six bits behind the
// leading one give the bin in the row.
void RttHistogram::add(std::uint64_t rtt_ns) {
  const auto width = static_cast<unsigned>(std::bit_width(rtt_ns));
  const unsigned shift = width > kBinBits + 1 ? width - kBinBits - 1 : 0;
  const std::size_t bin = (std::size_t{shift} << kBinBits) + (rtt_ns >> shift);
  ++bins_[bin];
  ++count_;
  min_ns_ = std::min(min_ns_, rtt_ns);
  max_ns_ = std::max(max_ns_, rtt_ns);
}

std::uint64_t RttHistogram::percentile_ns(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))), 1, count_);
  std::uint64_t seen = 0;
  std::size_t bin = 0;
  while ((seen += bins_[bin]) < wanted) ++bin;
  const std::uint64_t middle = low_ns(bin) + (std::uint64_t{1} << shift_of(bin)) / 2;
  return std::clamp(middle, min_ns_, max_ns_);
}

std::vector<RttHistogram::Bin> RttHistogram::bins() const {
  std::vector<Bin> found;
  for (std::size_t bin = 0; bin < bins_.size(); bin += kFineBinsOfABin) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < kFineBinsOfABin; ++i) count += bins_[bin + i];
    const std::size_t last = bin + kFineBinsOfABin - 1;
    const std::uint64_t to_ns = low_ns(last) + (std::uint64_t{1} << shift_of(last));
    if (count > 0) found.push_back({low_ns(bin), to_ns, count});
  }
  return found;
}

}  // namespace echoscan
