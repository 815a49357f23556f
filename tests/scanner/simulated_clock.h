// Time for a test of many threads: it stands still while any of them works, and jumps to the
// nearest wake-up when all of them wait.
//
// So a scan of minutes runs in milliseconds, and what happens at which moment does not depend on
// the machine's load: a thread that gets no CPU keeps time from passing. A thread takes part from
// its first call until it ends. Time does not pass before `participants` threads have called, since
// one that has been created and has not run yet would miss it. A thread that waits for another by
// other means (a join) must leave() first. Each waits on a condition of its own: one for all woke
// every thread at every step of the one that polls, which was most of what a simulated scan took.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

#include "scanner/process/clock.h"

namespace echoscan {

class SimulatedClock : public Clock {
 public:
  explicit SimulatedClock(std::size_t participants) : expected_(participants) {}
  ~SimulatedClock() override {
    if (membership_of_this_thread().clock == this) membership_of_this_thread().clock = nullptr;
  }
  SimulatedClock(const SimulatedClock&) = delete;
  SimulatedClock& operator=(const SimulatedClock&) = delete;

  std::uint64_t now_ns() override {
    const std::lock_guard lock(mutex_);
    take_part();
    return now_ns_;
  }

  void wait_until(std::uint64_t when_ns) override {
    std::unique_lock lock(mutex_);
    take_part();
    if (when_ns <= now_ns_) return;
    std::condition_variable due;
    const auto place = wake_ups_.emplace(when_ns, &due);
    pass_time();
    due.wait(lock, [&] { return now_ns_ >= when_ns; });
    wake_ups_.erase(place);
  }

  void sleep_ms(std::uint64_t ms) { wait_until(now_ns() + ms * 1'000'000); }

  // The calling thread takes no part any more.
  void leave() {
    const std::lock_guard lock(mutex_);
    Membership& membership = membership_of_this_thread();
    if (membership.clock != this) return;
    membership.clock = nullptr;
    --present_;
    // One that has ended has been here: it is not waited for.
    if (expected_ > 0) --expected_;
    pass_time();
  }

 private:
  // Leaves the clock when its thread ends.
  struct Membership {
    SimulatedClock* clock = nullptr;
    ~Membership() {
      if (clock != nullptr) clock->leave();
    }
  };
  static Membership& membership_of_this_thread() {
    thread_local Membership membership;
    return membership;
  }

  void take_part() {
    Membership& membership = membership_of_this_thread();
    if (membership.clock == this) return;
    membership.clock = this;
    ++present_;
  }

  // Those whose time has come run, and only then may it pass on.
  void pass_time() {
    if (present_ < expected_ || wake_ups_.size() < present_ || wake_ups_.empty()) return;
    if (wake_ups_.begin()->first > now_ns_) now_ns_ = wake_ups_.begin()->first;
    const auto end = wake_ups_.upper_bound(now_ns_);
    for (auto place = wake_ups_.begin(); place != end; ++place) place->second->notify_one();
  }

  std::mutex mutex_;
  std::multimap<std::uint64_t, std::condition_variable*> wake_ups_;
  std::uint64_t now_ns_ = 1'000'000'000;
  std::size_t expected_;
  std::size_t present_ = 0;
};

}  // namespace echoscan
