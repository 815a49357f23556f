// When something happened, counted by second; in a long scan, by several seconds.
//
// A scan of up to an hour has a bin a second. A longer one gets wider bins instead of more: when
// the last bin is passed, neighbours are added up and the width doubles. So memory and summary stay
// bounded (29 KB), and nothing is dropped or estimated. One thread adds; others read after that
// thread has ended.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace echoscan {

class TimeBins {
 public:
  static constexpr std::size_t kBinsMax = 3600;

  // Counts one event, `ns` nanoseconds after the beginning.
  void add(std::uint64_t ns) {
    while (ns / kSecondNs / bin_seconds_ >= kBinsMax) widen();
    ++bins_[ns / kSecondNs / bin_seconds_];
  }

  [[nodiscard]] std::uint64_t bin_seconds() const { return bin_seconds_; }

  // By bin, from the beginning to the last bin that is not empty.
  [[nodiscard]] std::vector<std::uint64_t> counts() const {
    auto end = bins_.end();
    while (end != bins_.begin() && *(end - 1) == 0) --end;
    return {bins_.begin(), end};
  }

  [[nodiscard]] std::uint64_t total() const {
    return std::accumulate(bins_.begin(), bins_.end(), std::uint64_t{0});
  }

 private:
  static constexpr std::uint64_t kSecondNs = 1'000'000'000;
  static_assert(kBinsMax % 2 == 0);

  void widen() {
    for (std::size_t i = 0; i < kBinsMax / 2; ++i) bins_[i] = bins_[2 * i] + bins_[2 * i + 1];
    for (std::size_t i = kBinsMax / 2; i < kBinsMax; ++i) bins_[i] = 0;
    bin_seconds_ *= 2;
  }

  std::array<std::uint64_t, kBinsMax> bins_{};
  std::uint64_t bin_seconds_ = 1;
};

}  // namespace echoscan
