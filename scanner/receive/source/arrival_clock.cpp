#include "scanner/receive/source/arrival_clock.h"

#include <algorithm>
#include <cstdlib>

namespace echoscan {
namespace {

// What two readings of the difference may be apart when nothing was set: what reading it may be
// wrong by, and what a clock that is slewed runs faster (500 ppm, adjtimex's most).
constexpr std::uint64_t kReadingNs = 100'000;
constexpr std::uint64_t kSlewShare = 2000;
// How far in the future a stamp may seem to be.
constexpr std::uint64_t kFutureNs = 1'000'000;
// Frames come in order, but for those that several CPUs receive at once.
constexpr std::uint64_t kDisorderNs = 1'000'000;

}  // namespace

void ArrivalClock::look(std::uint64_t now_ns, std::int64_t offset_ns) {
  const auto moved = static_cast<std::uint64_t>(std::abs(offset_ns - offset_ns_));
  if (now_ns_ != 0 && moved > kReadingNs + (now_ns - now_ns_) / kSlewShare) {
    const bool is_one = !step_;
    step_ = Step{offset_ns_, is_one ? now_ns_ : step_->after_ns, now_ns, is_one};
  }
  if (now_ns_ == 0) newest_ns_ = now_ns - std::min(now_ns, kInHandNs);
  now_ns_ = now_ns;
  offset_ns_ = offset_ns;
}

void ArrivalClock::note_empty() {
  if (step_ && now_ns_ - step_->before_ns > kInHandNs) step_.reset();
}

std::optional<std::uint64_t> ArrivalClock::when(std::int64_t stamp_ns) {
  const auto by_new = static_cast<std::uint64_t>(stamp_ns - offset_ns_);
  const bool is_past = by_new <= now_ns_ + kFutureNs;
  if (!step_) return is_past ? std::optional(newest_ns_ = by_new) : std::nullopt;
  const bool can_be_new = is_past && by_new >= step_->after_ns;
  const auto by_old = static_cast<std::uint64_t>(stamp_ns - step_->old_offset_ns);
  const bool can_be_old = by_old <= step_->before_ns && by_old + kDisorderNs >= newest_ns_;
  const bool is_one = step_->is_one;
  // Frames come in order: those behind it are stamped by the clock as it is now.
  if (can_be_new && !can_be_old && by_new > step_->before_ns) step_.reset();
  if (!is_one || can_be_new == can_be_old) return std::nullopt;
  return newest_ns_ = can_be_new ? by_new : by_old;
}

}  // namespace echoscan
