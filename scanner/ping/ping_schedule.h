// When which target is asked: pure, so that a test goes through hours of it in a moment.
//
// First requests leave in the order of the targets, `interval_ns` apart at least, and so do further
// ones beside them, as they are due: fping's retries do not wait for its first requests, either.
// Without a count, a target is asked until it answers, each time with half as much patience again
// as before; with one, it is asked so often, `period_ns` apart, whatever it answers. Rejected: one
// pass after the other, in which a host that lost one request waits for all others; one interval
// for both, with which a silent /24 takes 11.9 s and fping's 9.8. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <vector>

namespace echoscan {

struct PingRules {
  std::uint64_t interval_ns = 10'000'000;   // between two first requests, and two others
  std::uint64_t timeout_ns = 500'000'000;   // for the answer to a first request
  std::uint64_t period_ns = 1'000'000'000;  // with a count, between two of one target
  std::uint32_t retries = 3;                // without a count
  std::optional<std::uint32_t> count = {};  // requests to each target
};

class PingSchedule {
 public:
  static constexpr std::uint64_t kNever = UINT64_MAX;

  // The first targets are due at once, at `now_ns`.
  PingSchedule(std::size_t targets, const PingRules& rules, std::uint64_t now_ns);

  // The target that is to be asked now; nullopt when none is. sent(), put_off() or settle() has to
  // follow. A target that is out of patience is settled here.
  std::optional<std::size_t> take(std::uint64_t now_ns);

  // The request of the target that take() gave has left.
  void sent(std::size_t target, std::uint64_t now_ns);
  // It could not leave just now: it is due again a little later.
  void put_off(std::size_t target, std::uint64_t now_ns);

  // The target needs nothing more.
  void settle(std::size_t target);

  // How many requests of the target have left.
  [[nodiscard]] std::uint32_t sent_count(std::size_t target) const { return sent_[target]; }
  [[nodiscard]] bool is_settled(std::size_t target) const { return is_settled_[target]; }
  // When take() has something to do next; kNever once all are settled.
  [[nodiscard]] std::uint64_t next_ns();
  [[nodiscard]] bool is_done() const { return unsettled_ == 0; }

 private:
  struct Due {
    std::uint64_t due_ns;
    std::uint64_t order;  // of what is due at one time
    std::size_t target;
    friend bool operator>(const Due& a, const Due& b) {
      return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.order > b.order;
    }
  };

  void put(std::size_t target, std::uint64_t due_ns);
  void drop_settled();
  [[nodiscard]] bool has_sent_all(std::size_t target) const;

  PingRules rules_;
  std::vector<std::uint32_t> sent_;
  std::vector<bool> is_settled_;
  std::size_t unsettled_;
  std::deque<std::size_t> first_;  // that were not asked yet, in their order
  std::priority_queue<Due, std::vector<Due>, std::greater<>> again_;
  std::uint64_t order_ = 0;
  // From then on the interval has passed.
  std::uint64_t first_free_ns_;
  std::uint64_t again_free_ns_;
  std::uint64_t ready_ns_ = 0;  // since when what take() gave could have left
};

}  // namespace echoscan
