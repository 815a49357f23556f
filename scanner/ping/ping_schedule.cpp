#include "scanner/ping/ping_schedule.h"

#include <algorithm>
#include <numeric>

namespace echoscan {
namespace {

// A kernel that takes no request has a full queue, which empties in about that.
constexpr std::uint64_t kPutOffNs = 1'000'000;

// The patience with a target that was asked `sent` times: half as much again each time.
std::uint64_t patience_ns(std::uint64_t timeout_ns, std::uint32_t sent) {
  constexpr std::uint64_t kPatienceNsMax = 3'600'000'000'000;
  for (std::uint32_t i = 1; i < sent && timeout_ns < kPatienceNsMax; ++i)
    timeout_ns += timeout_ns / 2;
  return timeout_ns;
}

}  // namespace

PingSchedule::PingSchedule(std::size_t targets, const PingRules& rules, std::uint64_t now_ns)
    : rules_(rules),
      sent_(targets),
      is_settled_(targets),
      unsettled_(targets),
      first_(targets),
      first_free_ns_(now_ns),
      again_free_ns_(now_ns) {
  std::iota(first_.begin(), first_.end(), std::size_t{0});
}

void PingSchedule::put(std::size_t target, std::uint64_t due_ns) {
  again_.push({due_ns, order_++, target});
}

bool PingSchedule::has_sent_all(std::size_t target) const {
  return sent_[target] >= (rules_.count ? *rules_.count : rules_.retries + 1);
}

void PingSchedule::drop_settled() {
  while (!again_.empty() && is_settled_[again_.top().target]) again_.pop();
  while (!first_.empty() && is_settled_[first_.front()]) first_.pop_front();
}

std::optional<std::size_t> PingSchedule::take(std::uint64_t now_ns) {
  for (drop_settled(); !again_.empty() && again_.top().due_ns <= now_ns; drop_settled()) {
    const std::size_t target = again_.top().target;
    if (has_sent_all(target)) {
      settle(target);
      continue;
    }
    if (again_free_ns_ > now_ns) break;
    ready_ns_ = std::max(again_.top().due_ns, again_free_ns_);
    again_.pop();
    return target;
  }
  if (first_.empty() || first_free_ns_ > now_ns) return std::nullopt;
  const std::size_t target = first_.front();
  ready_ns_ = first_free_ns_;
  first_.pop_front();
  return target;
}

void PingSchedule::sent(std::size_t target, std::uint64_t now_ns) {
  // One that leaves late does not put off all that come behind it.
  (sent_[target] == 0 ? first_free_ns_ : again_free_ns_) =
      std::max(ready_ns_ + rules_.interval_ns, now_ns);
  ++sent_[target];
  const bool waits_for_last = !rules_.count || has_sent_all(target);
  put(target,
      now_ns + (waits_for_last ? patience_ns(rules_.timeout_ns, rules_.count ? 1 : sent_[target])
                               : rules_.period_ns));
}

void PingSchedule::put_off(std::size_t target, std::uint64_t now_ns) {
  if (sent_[target] > 0) {
    put(target, now_ns + kPutOffNs);
    return;
  }
  first_.push_front(target);
  first_free_ns_ = now_ns + kPutOffNs;
}

void PingSchedule::settle(std::size_t target) {
  if (is_settled_[target]) return;
  is_settled_[target] = true;
  --unsettled_;
}

std::uint64_t PingSchedule::next_ns() {
  drop_settled();
  std::uint64_t next_ns = first_.empty() ? kNever : first_free_ns_;
  if (again_.empty()) return next_ns;
  const Due& again = again_.top();
  return std::min(
      next_ns, has_sent_all(again.target) ? again.due_ns : std::max(again.due_ns, again_free_ns_));
}

}  // namespace echoscan
