// Makes a process's clocks wrong, where it is preloaded (LD_PRELOAD): LAB_CLOCK is three numbers,
// "MONOTONIC_SECONDS REALTIME_STEP_SECONDS STEP_AFTER_SECONDS".
//
// CLOCK_MONOTONIC is ahead all the time, as in a time namespace, which has no clock below 0.
// CLOCK_REALTIME steps once, so long after its first reading: the process sees that while the
// kernel's stamps go on as before.
#include <dlfcn.h>
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

using ClockGettime = int (*)(clockid_t, timespec*);

struct Wrongness {
  double monotonic_s = 0;
  double step_s = 0;
  double after_s = 0;
};

ClockGettime real_clock() {
  static const auto real = reinterpret_cast<ClockGettime>(dlsym(RTLD_NEXT, "clock_gettime"));
  return real;
}

const Wrongness& wrongness() {
  static const Wrongness wrong = [] {
    Wrongness read;
    const char* text = std::getenv("LAB_CLOCK");
    if (text != nullptr)
      std::sscanf(text, "%lf %lf %lf", &read.monotonic_s, &read.step_s, &read.after_s);
    return read;
  }();
  return wrong;
}

std::int64_t read_ns(clockid_t id) {
  timespec now{};
  real_clock()(id, &now);
  return now.tv_sec * kSecondNs + now.tv_nsec;
}

void add(timespec* time, double seconds) {
  const std::int64_t ns =
      time->tv_sec * kSecondNs + time->tv_nsec + static_cast<std::int64_t>(seconds * 1e9);
  time->tv_sec = ns / kSecondNs;
  time->tv_nsec = ns % kSecondNs;
}

}  // namespace

extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
  const int result = real_clock()(id, time);
  if (result != 0) return result;
  static const std::int64_t first_ns = read_ns(CLOCK_MONOTONIC);
  const bool is_stepped =
      static_cast<double>(read_ns(CLOCK_MONOTONIC) - first_ns) >= wrongness().after_s * 1e9;
  if (id == CLOCK_MONOTONIC) add(time, wrongness().monotonic_s);
  if (id == CLOCK_REALTIME && is_stepped) add(time, wrongness().step_s);
  return result;
}

// What sleeps until a time that it was told sleeps as long as it should.
extern "C" int clock_nanosleep(clockid_t id, int flags, const timespec* until, timespec* left) {
  using Sleep = int (*)(clockid_t, int, const timespec*, timespec*);
  static const auto real = reinterpret_cast<Sleep>(dlsym(RTLD_NEXT, "clock_nanosleep"));
  timespec time = *until;
  if (id == CLOCK_MONOTONIC && (flags & TIMER_ABSTIME) != 0) add(&time, -wrongness().monotonic_s);
  return real(id, flags, &time, left);
}
