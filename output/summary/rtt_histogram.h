// Round-trip times, counted in logarithmic bins, for percentiles without keeping the samples.
//
// 64 bins to a factor of two, so that a percentile is at most 0.8 % off; minimum and maximum are
// exact. It costs an addition per reply, and 32 KiB whatever the number of replies: a survey has
// hundreds of millions. A t-digest would be smaller and slower. One thread adds; others read after
// that thread has ended.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace echoscan {

class RttHistogram {
 public:
  void add(std::uint64_t rtt_ns);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  // 0 when nothing was added.
  [[nodiscard]] std::uint64_t min_ns() const { return count_ == 0 ? 0 : min_ns_; }
  [[nodiscard]] std::uint64_t max_ns() const { return max_ns_; }

  // The smallest time that at least `share` (0 to 1) of the replies did not exceed; 0 without
  // replies.
  [[nodiscard]] std::uint64_t percentile_ns(double share) const;

  struct Bin {
    std::uint64_t from_ns = 0;  // included
    std::uint64_t to_ns = 0;    // not included
    std::uint64_t count = 0;
  };
  // The bins to draw, ascending: four to a factor of two, without the empty ones.
  [[nodiscard]] std::vector<Bin> bins() const;

 private:
  static constexpr unsigned kBinBits = 6;
  static constexpr std::size_t kBinsPerOctave = std::size_t{1} << kBinBits;

  static constexpr std::size_t kFineBinsOfABin = kBinsPerOctave / 4;

  // The smallest time of a bin.
  static std::uint64_t low_ns(std::size_t bin) {
    const std::size_t shift = shift_of(bin);
    return (bin - (shift << kBinBits)) << shift;
  }
  static std::size_t shift_of(std::size_t bin) {
    return bin < 2 * kBinsPerOctave ? 0 : (bin >> kBinBits) - 1;
  }

  std::array<std::uint64_t, kBinsPerOctave*(64 - kBinBits + 1)> bins_{};
  std::uint64_t count_ = 0;
  std::uint64_t min_ns_ = ~std::uint64_t{0};
  std::uint64_t max_ns_ = 0;
};

}  // namespace echoscan
