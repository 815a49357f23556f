#include "scanner/process/clock.h"

#include <sys/prctl.h>
#include <time.h>

namespace echoscan {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kOffsetErrorNs = 1000;
constexpr int kOffsetTriesMax = 8;

std::uint64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecondNs +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t MonotonicClock::now_ns() {
  return read_clock(CLOCK_MONOTONIC);
}

void MonotonicClock::wait_until(std::uint64_t when_ns) {
  std::uint64_t now = now_ns();
  if (when_ns > now + kTimerGrainNs) {
    timespec when{};
    when.tv_sec = static_cast<time_t>(when_ns / kSecondNs);
    when.tv_nsec = static_cast<long>(when_ns % kSecondNs);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr);
    return;
  }
  for (; now < when_ns; now = now_ns()) __builtin_ia32_pause();
}

// A thread that loses its CPU between two readings is wrong by the time it was away. So the offset
// comes from the narrowest of a few tries; as a rule the first is narrow enough.
std::int64_t realtime_offset_ns() {
  std::uint64_t narrowest = ~std::uint64_t{0};
  std::int64_t offset = 0;
  for (int tries = 0; tries < kOffsetTriesMax && narrowest > kOffsetErrorNs; ++tries) {
    const std::uint64_t before = read_clock(CLOCK_MONOTONIC);
    const std::uint64_t realtime = read_clock(CLOCK_REALTIME);
    const std::uint64_t after = read_clock(CLOCK_MONOTONIC);
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    offset = static_cast<std::int64_t>(realtime - (before + narrowest / 2));
  }
  return offset;
}

void reduce_timer_slack() {
  prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
}

}  // namespace echoscan
