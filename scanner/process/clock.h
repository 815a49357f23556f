// Time as a seam: the monotonic clock that probes are stamped and paced with, and waiting.
//
// CLOCK_MONOTONIC is the clock of bpf_ktime_get_ns, so that a round-trip time is a subtraction.
// Waiting sleeps as long as the timer is exact enough and spins only for what is shorter than its
// grain; with the thread's timer slack at 1 us a sleep ends 5 to 60 us late on the machines
// measured. Tests drive a clock of their own. Any thread.
#pragma once

#include <cstdint>

namespace echoscan {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::uint64_t now_ns() = 0;
  // Returns at `when_ns` or shortly after; at once when that is past.
  virtual void wait_until(std::uint64_t when_ns) = 0;
};

class MonotonicClock : public Clock {
 public:
  // A shorter wait is spun: below this the timer is later than it is exact.
  static constexpr std::uint64_t kTimerGrainNs = 50'000;

  std::uint64_t now_ns() override;
  void wait_until(std::uint64_t when_ns) override;
};

// Nanoseconds of CLOCK_REALTIME ahead of CLOCK_MONOTONIC just now.
std::int64_t realtime_offset_ns();

// Lets the calling thread's sleeps end within about a microsecond of slack instead of the
// default 50.
void reduce_timer_slack();

}  // namespace echoscan
