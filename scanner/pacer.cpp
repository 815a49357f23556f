#include "scanner/pacer.h"

#include <algorithm>
#include <cmath>

namespace echoscan {
namespace {

constexpr double kSecondNs = 1e9;

std::uint64_t nanoseconds(double value) {
  return static_cast<std::uint64_t>(std::llround(value));
}

}  // namespace

// The origin lies one depth back, so that virtual time never has to be negative.
TokenBucket::TokenBucket(double rate_pps, std::uint64_t depth_ns, std::uint64_t now_ns)
    : token_ticks_(nanoseconds(kSecondNs * static_cast<double>(kTicksPerNs) / rate_pps)) {
  depth_ticks_ = std::max(depth_ns * kTicksPerNs, token_ticks_);
  origin_ns_ = now_ns - depth_ticks_ / kTicksPerNs - 1;
  emptied_at_.store(ticks(now_ns) - token_ticks_, std::memory_order_relaxed);
}

std::uint64_t TokenBucket::take(std::uint64_t least, std::uint64_t most, std::uint64_t now_ns) {
  const std::uint64_t now = ticks(now_ns);
  std::uint64_t seen = emptied_at_.load(std::memory_order_relaxed);
  while (true) {
    const std::uint64_t emptied = std::max(seen, now - depth_ticks_);
    const std::uint64_t available = now > emptied ? (now - emptied) / token_ticks_ : 0;
    const std::uint64_t taken = std::min(available, most);
    if (taken < least || taken == 0) return 0;
    if (emptied_at_.compare_exchange_weak(seen, emptied + taken * token_ticks_,
                                          std::memory_order_relaxed))
      return taken;
  }
}

void TokenBucket::give_back(std::uint64_t tokens) {
  emptied_at_.fetch_sub(tokens * token_ticks_, std::memory_order_relaxed);
}

std::uint64_t TokenBucket::ready_ns(std::uint64_t tokens) const {
  const std::uint64_t ready = emptied_at_.load(std::memory_order_relaxed) + tokens * token_ticks_;
  return origin_ns_ + ready / kTicksPerNs + 1;
}

// Without a limit the buckets stand unused, at any rate that is valid.
Pacer::Pacer(std::uint64_t rate_pps, std::uint64_t now_ns)
    : unlimited_(rate_pps == kUnlimited),
      burst_(unlimited_ ? ~std::uint64_t{0} : std::max<std::uint64_t>(1, rate_pps / 1000)),
      average_(unlimited_ ? 1.0 : static_cast<double>(rate_pps),
               unlimited_ ? 0
                          : nanoseconds(kSecondNs * static_cast<double>(burst_) /
                                        static_cast<double>(rate_pps)) +
                                kCatchUpNs,
               now_ns),
      peak_(unlimited_ ? 1.0 : kPeakFactor * static_cast<double>(rate_pps),
            unlimited_ ? 0
                       : nanoseconds(kSecondNs * static_cast<double>(burst_) / kPeakFactor /
                                     static_cast<double>(rate_pps)),
            now_ns) {}

Pacer::Grant Pacer::take(std::uint64_t wanted, std::uint64_t now_ns) {
  if (unlimited_) return {wanted, 0};
  const std::uint64_t least = std::min(burst_, wanted);
  const std::uint64_t at_peak = peak_.take(least, wanted, now_ns);
  if (at_peak > 0) {
    const std::uint64_t on_average = average_.take(least, at_peak, now_ns);
    peak_.give_back(at_peak - on_average);
    if (on_average > 0) return {on_average, 0};
  }
  const std::uint64_t waited_for = std::min(burst_, kWaitTokensMax);
  return {0, std::max(peak_.ready_ns(waited_for), average_.ready_ns(waited_for))};
}

void Pacer::give_back(std::uint64_t count) {
  if (unlimited_) return;
  peak_.give_back(count);
  average_.give_back(count);
}

}  // namespace echoscan
