// Round-trip times of one of very many groups: percentiles in memory that grows with the samples.
//
// RttHistogram takes 32 KiB, which is nothing for a scan and 160 GB for five million /24 networks.
// Here a bin is 1/16 of a power of two, so that a percentile is at most 3 % off. Samples are kept
// as bin numbers of 2 bytes until they take as much memory as a table of counts, 2 KiB; from then
// on they are counted. A t-digest would need 1.5 KiB for 1 %, and ten times the work.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace echoscan {

class RttSketch {
 public:
  void add(std::uint64_t rtt_ns) {
    ++count_;
    const std::uint16_t bin = bin_of(rtt_ns);
    if (!counts_.empty()) {
      ++counts_[bin];
      return;
    }
    samples_.push_back(bin);
    if (samples_.size() < kSamplesMax) return;
    counts_.resize(kBins);
    for (const std::uint16_t sample : samples_) ++counts_[sample];
    samples_ = {};
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }

  // The smallest time that at least `share` (0 to 1) of the samples did not exceed; 0 without any.
  [[nodiscard]] std::uint64_t percentile_ns(double share) const {
    if (count_ == 0) return 0;
    const auto wanted = std::clamp<std::uint64_t>(
        static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))), 1, count_);
    if (counts_.empty()) {
      std::vector<std::uint16_t> sorted = samples_;
      const auto place = sorted.begin() + static_cast<std::ptrdiff_t>(wanted - 1);
      std::nth_element(sorted.begin(), place, sorted.end());
      return middle_ns(*place);
    }
    std::uint64_t seen = 0;
    std::uint16_t bin = 0;
    while ((seen += counts_[bin]) < wanted) ++bin;
    return middle_ns(bin);
  }

 private:
  static constexpr unsigned kUnitShift = 6;  // 64 ns: finer is noise
  static constexpr unsigned kBinBits = 4;
  static constexpr unsigned kWidthMax = 36;  // of a time in units: over an hour
  static constexpr std::size_t kBins = (kWidthMax - kBinBits + 1) << kBinBits;
  static constexpr std::size_t kSamplesMax = kBins * 2;

  // A value below 32 is its own bin. Above, the octave gives the row, and the four bits behind the
  // leading one give the bin in the row.
  static std::uint16_t bin_of(std::uint64_t rtt_ns) {
    const std::uint64_t units = std::min(rtt_ns >> kUnitShift, (std::uint64_t{1} << kWidthMax) - 1);
    const auto width = static_cast<unsigned>(std::bit_width(units));
    const unsigned shift = width > kBinBits + 1 ? width - kBinBits - 1 : 0;
    return static_cast<std::uint16_t>((shift << kBinBits) + (units >> shift));
  }
  static std::uint64_t middle_ns(std::uint16_t bin) {
    const unsigned shift = bin < 2U << kBinBits ? 0 : (bin >> kBinBits) - 1U;
    const std::uint64_t low = (bin - (std::uint64_t{shift} << kBinBits)) << (shift + kUnitShift);
    return low + (std::uint64_t{1} << (shift + kUnitShift)) / 2;
  }

  std::vector<std::uint16_t> samples_;
  std::vector<std::uint32_t> counts_;
  std::uint64_t count_ = 0;
};

}  // namespace echoscan
