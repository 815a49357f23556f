// A rate of probes, in thousandths of a probe a second: 0.5 is one probe in two seconds.
//
// It is a limit that somebody was promised, so it never rounds up: a rate was a whole number once,
// and 0.5 was sent as 1. A double would do too, but would neither compare exactly nor divide among
// queues without a rest. Converts from whole probes a second by itself, since nearly every rate is
// one.
#pragma once

#include <cstdint>

namespace echoscan {

class ProbeRate {
 public:
  static constexpr std::uint64_t kParts = 1000;  // of a probe a second

  // 0 stands for no limit (Pacer::kUnlimited).
  constexpr ProbeRate(std::uint64_t pps) : milli_pps_(pps * kParts) {}
  static constexpr ProbeRate of_thousandths(std::uint64_t milli_pps) {
    ProbeRate rate(0);
    rate.milli_pps_ = milli_pps;
    return rate;
  }

  [[nodiscard]] constexpr std::uint64_t thousandths() const { return milli_pps_; }
  // Rounded down, so 0 below 1 a second.
  [[nodiscard]] constexpr std::uint64_t whole_pps() const { return milli_pps_ / kParts; }
  [[nodiscard]] constexpr double pps() const {
    return static_cast<double>(milli_pps_) / static_cast<double>(kParts);
  }
  // From one probe to the next, rounded up. Not without a limit.
  [[nodiscard]] constexpr std::uint64_t interval_ns() const {
    return (1'000'000'000 * kParts + milli_pps_ - 1) / milli_pps_;
  }

  friend constexpr bool operator==(ProbeRate, ProbeRate) = default;

 private:
  std::uint64_t milli_pps_;
};

}  // namespace echoscan
