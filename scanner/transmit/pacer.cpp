#include "scanner/transmit/pacer.h"

#include <algorithm>

namespace echoscan {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

std::uint64_t divide_rounded_up(std::uint64_t dividend, std::uint64_t divisor) {
  return (dividend + divisor - 1) / divisor;
}

}  // namespace

// Tokens are rounded once; depths are multiples of them, so that a whole burst always fits.
PaceShape::PaceShape(ProbeRate rate, std::uint64_t ticks_per_ns)
    : burst(std::max<std::uint64_t>(1, rate.whole_pps() / kBurstsPerSecond)) {
  const std::uint64_t dividend = kSecondNs * ticks_per_ns * ProbeRate::kParts;
  average.token_ticks = divide_rounded_up(dividend, rate.thousandths());
  peak.token_ticks = divide_rounded_up(dividend * 4, rate.thousandths() * 5);
  average.depth_ticks = burst * average.token_ticks + kCatchUpNs * ticks_per_ns;
  peak.depth_ticks = burst * peak.token_ticks;
}

// The origin lies one depth back, so that virtual time never has to be negative.
TokenBucket::TokenBucket(const PaceShape::Bucket& shape, std::uint64_t now_ns)
    : origin_ns_(now_ns - shape.depth_ticks / kTicksPerNs - 1),
      token_ticks_(shape.token_ticks),
      depth_ticks_(shape.depth_ticks),
      emptied_at_(ticks(now_ns) - token_ticks_) {}

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

// Without a limit the buckets are not used; they get any valid rate.
Pacer::Pacer(ProbeRate rate, std::uint64_t now_ns)
    : Pacer(rate == kUnlimited, PaceShape(rate == kUnlimited ? 1 : rate, TokenBucket::kTicksPerNs),
            now_ns) {}

Pacer::Pacer(bool unlimited, const PaceShape& shape, std::uint64_t now_ns)
    : unlimited_(unlimited),
      burst_(shape.burst),
      average_(shape.average, now_ns),
      peak_(shape.peak, now_ns) {}

Pacer::Grant Pacer::take(std::uint64_t wanted, std::uint64_t now_ns) {
  if (unlimited_) return {wanted, 0};
  const std::uint64_t least = std::min(burst_, wanted);
  const std::uint64_t at_peak = peak_.take(least, wanted, now_ns);
  if (at_peak > 0) {
    const std::uint64_t on_average = average_.take(least, at_peak, now_ns);
    peak_.give_back(at_peak - on_average);
    if (on_average > 0) return {on_average, 0};
  }
  const std::uint64_t waited_for = std::max(least, std::min(burst_, kWaitTokensMax));
  return {0, std::max(peak_.ready_ns(waited_for), average_.ready_ns(waited_for))};
}

void Pacer::give_back(std::uint64_t count) {
  if (unlimited_) return;
  peak_.give_back(count);
  average_.give_back(count);
}

}  // namespace echoscan
