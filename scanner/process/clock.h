// Time as a seam: the monotonic clock that probes are stamped and paced with, and waiting.
//
// CLOCK_MONOTONIC is the clock of bpf_ktime_get_ns, so that a round-trip time is a subtraction.
// A wait sleeps, unless it is shorter than the timer's grain, when it spins. With the thread's
// timer slack at 1 us a sleep ends 5 to 60 us late on the machines measured. Tests drive a clock of
// their own. Any thread.
#pragma once

#include <cstdint>

namespace echoscan {

inline double to_seconds(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::uint64_t now_ns() = 0;
  // Returns at `when_ns` or shortly after; at once when that is past.
  virtual void wait_until(std::uint64_t when_ns) = 0;
};

class MonotonicClock : public Clock {
 public:
  // Shorter waits are spun: the kernel's timer would be late by about as much as the wait.
  static constexpr std::uint64_t kTimerGrainNs = 50'000;

  std::uint64_t now_ns() override;
  void wait_until(std::uint64_t when_ns) override;
};

// By how many nanoseconds CLOCK_REALTIME is ahead of CLOCK_MONOTONIC just now.
std::int64_t realtime_offset_ns();

// Sets the calling thread's timer slack to 1 us, so that its sleeps end sooner than with the
// default of 50.
void reduce_timer_slack();

}  // namespace echoscan
