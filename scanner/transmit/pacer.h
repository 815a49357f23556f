// The pacer: how many probes may leave now, over all queues together.
//
// Two token buckets in series. The first holds the average: it keeps the tokens of a sender that
// wakes up to kCatchUpNs late, so that the rate is kept to 1 % over any 2 s on a busy machine (one
// bucket of one burst's depth loses whatever a late wake-up misses). The second bounds the burst to
// max(1, rate / 1000) probes; it is refilled a quarter faster than the rate, so that catching up is
// spread out too. A bucket is one atomic virtual time (the generic cell rate algorithm of ITU-T
// I.371): no lock, one compare-and-swap a batch. Depths are computed from whole tokens (PaceShape):
// a depth that is rounded on its own can be smaller than the burst that is waited for, which then
// never comes, as for 31,412 of the rates below 200,000. Time is an argument. Any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "scanner/transmit/probe_rate.h"

namespace echoscan {

// The two buckets of a rate, in ticks of virtual time: one computation for the pacer here and for
// the in-kernel sender's (bpf/live_queue.h), whose ticks are coarser.
struct PaceShape {
  static constexpr std::uint64_t kCatchUpNs = 15'000'000;
  static constexpr std::uint64_t kBurstsPerSecond = 1000;

  struct Bucket {
    std::uint64_t token_ticks;  // at least 1
    std::uint64_t depth_ticks;  // at least burst * token_ticks
  };

  // A rate of at most 10^9. Tokens are rounded up, so that nothing is faster than asked for.
  PaceShape(ProbeRate rate, std::uint64_t ticks_per_ns);

  std::uint64_t burst;  // probes that may leave at once: max(1, rate / 1000)
  Bucket average;
  Bucket peak;  // a quarter faster than the rate, one burst deep
};

class TokenBucket {
 public:
  // Virtual time in 1/1024 ns since origin_ns_: exact to 0.01 % at 100 M tokens a second, good for
  // 200 days.
  static constexpr std::uint64_t kTicksPerNs = 1024;

  // Holds one token at `now_ns`, and never more than its depth.
  TokenBucket(const PaceShape::Bucket& shape, std::uint64_t now_ns);

  // Takes as many tokens as it holds, up to `most`; none when it holds fewer than `least`.
  std::uint64_t take(std::uint64_t least, std::uint64_t most, std::uint64_t now_ns);
  void give_back(std::uint64_t tokens);
  // When it will hold `tokens` tokens (at most its depth), if nobody takes any before.
  [[nodiscard]] std::uint64_t ready_ns(std::uint64_t tokens) const;

 private:
  [[nodiscard]] std::uint64_t ticks(std::uint64_t now_ns) const {
    return (now_ns - origin_ns_) * kTicksPerNs;
  }

  std::uint64_t origin_ns_;
  std::uint64_t token_ticks_;
  std::uint64_t depth_ticks_;
  std::atomic<std::uint64_t>
      emptied_at_;  // when the bucket held nothing, as if refilled ever since
};

class Pacer {
 public:
  static constexpr std::uint64_t kUnlimited = 0;
  static constexpr std::uint64_t kWaitTokensMax = 256;

  struct Grant {
    std::uint64_t count = 0;     // probes that may leave now
    std::uint64_t ready_ns = 0;  // when to ask again; set when count is 0
  };

  // A rate of at most 10^9, or kUnlimited.
  Pacer(ProbeRate rate, std::uint64_t now_ns);

  // Grants up to `wanted` (at least 1) probes: `wanted` or a burst, whichever is smaller, or
  // nothing. The caller then waits for a whole burst (kWaitTokensMax at most, unless `wanted` and
  // the burst are larger): a wake-up costs some 30 us, and 10 kpps so takes 1,000 of them a second
  // instead of 10,000.
  Grant take(std::uint64_t wanted, std::uint64_t now_ns);
  // Gives back probes that were granted and did not leave.
  void give_back(std::uint64_t count);

 private:
  Pacer(bool unlimited, const PaceShape& shape, std::uint64_t now_ns);

  bool unlimited_;
  std::uint64_t burst_;
  TokenBucket average_;
  TokenBucket peak_;
};

}  // namespace echoscan
