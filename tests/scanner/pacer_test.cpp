// The pacers, the one of user space and the in-kernel sender's: every rate sends, none too fast.
#include "scanner/transmit/pacer.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "bpf/live_queue.h"
#include "tests/scanner/fakes.h"
#include "tests/sweep_step.h"

namespace echoscan::pacer_test {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kStartNs = 7'000'000'123;

// Runs a sender's way of asking for `seconds` s against a clock whose wake-ups are late, and
// returns how many probes left. Checks that no burst is larger than allowed.
std::uint64_t paced_count(std::uint64_t rate_pps, double seconds, std::uint64_t lateness_ns) {
  FakeClock clock;
  clock.lateness_ns = lateness_ns;
  const std::uint64_t start_ns = clock.now;
  const std::uint64_t end_ns = start_ns + static_cast<std::uint64_t>(seconds * 1e9);
  Pacer pacer(rate_pps, start_ns);
  const std::uint64_t burst_max = std::max<std::uint64_t>(1, rate_pps / 1000);
  std::uint64_t total = 0;
  std::uint64_t burst = 0;
  while (clock.now < end_ns) {
    const Pacer::Grant grant = pacer.take(64, clock.now);
    total += grant.count;
    burst += grant.count;
    EXPECT_LE(burst, burst_max) << "at " << rate_pps;
    if (grant.count > 0) continue;
    burst = 0;
    EXPECT_GT(grant.ready_ns, clock.now);
    clock.wait_until(std::min(grant.ready_ns, end_ns));
  }
  return total;
}

TEST(Pacer, KeepsTheRateHoweverLateItsSenderWakes) {
  for (const std::uint64_t rate_pps :
       {1, 10, 999, 10'000, 64'000, 200'000, 1'000'000, 14'880'000}) {
    for (const std::uint64_t lateness_ns : {0, 60'000, 1'000'000}) {
      // At rates whose burst is shorter than the lateness no pacer can keep up with bursts that
      // small.
      if (lateness_ns > 500'000) continue;
      const double seconds = rate_pps < 1000 ? 20 : 2;
      const auto expected = static_cast<double>(rate_pps) * seconds;
      EXPECT_NEAR(static_cast<double>(paced_count(rate_pps, seconds, lateness_ns)), expected,
                  expected * 0.01 + 1)
          << rate_pps << " pps, " << lateness_ns << " ns late";
    }
  }
}

// One stall of 10 ms is made up for, and never by a burst.
TEST(Pacer, MakesUpForAStall) {
  constexpr std::uint64_t kRate = 100'000;
  FakeClock clock;
  Pacer pacer(kRate, clock.now);
  const std::uint64_t start_ns = clock.now;
  std::uint64_t total = 0;
  bool has_stalled = false;
  while (clock.now < start_ns + kSecondNs) {
    if (!has_stalled && clock.now > start_ns + kSecondNs / 2) {
      has_stalled = true;
      clock.now += 10'000'000;
    }
    const Pacer::Grant grant = pacer.take(64, clock.now);
    total += grant.count;
    if (grant.count == 0) clock.wait_until(grant.ready_ns);
  }
  EXPECT_NEAR(static_cast<double>(total), 1e5, 1e5 * 0.002);
}

TEST(Pacer, DoesNotSaveUpWhileIdle) {
  constexpr std::uint64_t kRate = 100'000;
  FakeClock clock;
  Pacer pacer(kRate, clock.now);
  clock.now += 10 * kSecondNs;
  std::uint64_t burst = 0;
  for (Pacer::Grant grant; (grant = pacer.take(64, clock.now)).count > 0;) burst += grant.count;
  EXPECT_LE(burst, kRate / 1000);
  std::uint64_t total = burst;
  const std::uint64_t start_ns = clock.now;
  while (clock.now < start_ns + kSecondNs) {
    const Pacer::Grant grant = pacer.take(64, clock.now);
    total += grant.count;
    if (grant.count == 0) clock.wait_until(grant.ready_ns);
  }
  EXPECT_LE(static_cast<double>(total), 1e5 * 1.02);
}

TEST(Pacer, WhatComesBackIsGrantedAgain) {
  FakeClock clock;
  Pacer pacer(1000, clock.now);
  EXPECT_EQ(pacer.take(1, clock.now).count, 1U);
  EXPECT_EQ(pacer.take(1, clock.now).count, 0U);
  pacer.give_back(1);
  EXPECT_EQ(pacer.take(1, clock.now).count, 1U);
}

TEST(Pacer, MaxDoesNotLimit) {
  Pacer pacer(Pacer::kUnlimited, 5);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(pacer.take(64, 5).count, 64U);
}

// 1 Mpps, bursts of 1 ms, 15 ms of catching up at 1.25 times the rate: as scanner/transmit/pacer.h.
TEST(LivePacer, KeepsTheRateAndForgivesAPause) {
  constexpr __u64 kToken = 1000 * LIVE_TICKS_PER_NS;
  constexpr __u64 kStart = 1'000'000'000;
  live_pacer pacer{{kToken, 16'000 * kToken, 0}, {kToken * 4 / 5, 800 * kToken, 0}};
  live_pacer_start(&pacer, kStart);
  const auto run = [&pacer](__u64 from_ns, __u64 to_ns) {
    unsigned taken = 0;
    for (__u64 ns = from_ns; ns < to_ns; ns += 100) taken += live_pacer_take(&pacer, ns) != 0;
    return taken;
  };
  EXPECT_EQ(run(kStart, kStart + 100'000'000), 100'000U);
  // Not run for 10 ms: at most a burst at once, then 1.25 times the rate until it has caught up.
  __u64 now_ns = kStart + 110'000'000;
  unsigned burst = 0;
  while (live_pacer_take(&pacer, now_ns)) ++burst;
  EXPECT_NEAR(burst, 1000, 1);
  EXPECT_NEAR(run(now_ns, now_ns + 10'000'000), 12'500, 10);
  EXPECT_NEAR(run(now_ns + 10'000'000, now_ns + 100'000'000), 110'000 - 12'500 - 1000, 20);
  // Not run for a second: what is beyond 16 ms is not made up for.
  now_ns += 1'100'000'000;
  EXPECT_NEAR(run(now_ns, now_ns + 1'000'000'000), 1'016'000, 20);
  // What was refused is granted again.
  now_ns += 2'000'000'000;
  while (live_pacer_take(&pacer, now_ns)) continue;
  live_pacer_give_back(&pacer, 5);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(live_pacer_take(&pacer, now_ns));
  EXPECT_FALSE(live_pacer_take(&pacer, now_ns));

  live_pacer unlimited{};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(live_pacer_take(&unlimited, kStart));
}

// When `tokens` more tokens are there at rate, in exact arithmetic.
double exact_ns(std::uint64_t tokens, ProbeRate rate) {
  return static_cast<double>(tokens) * 1e9 / rate.pps();
}

// `tokens` were granted over `elapsed_ns`, not faster than asked for and at most 1 % slower; beside
// that a token is rounded up to a tick, each wait to a nanosecond, and up to `left_over` tokens
// stood in the bucket at one end of the span.
void expect_rate(ProbeRate rate, std::uint64_t tokens, std::uint64_t left_over, std::uint64_t waits,
                 std::uint64_t elapsed_ns) {
  const double expected_ns = exact_ns(tokens, rate);
  const double slack_ns = exact_ns(left_over, rate) + 2 * static_cast<double>(waits);
  const double rounded_ns = static_cast<double>(tokens / LIVE_TICKS_PER_NS + 1);
  ASSERT_GE(static_cast<double>(elapsed_ns), expected_ns - slack_ns)
      << rate.pps() << " pps, " << tokens << " tokens: too fast";
  ASSERT_LE(static_cast<double>(elapsed_ns), expected_ns * 1.01 + rounded_ns + slack_ns)
      << rate.pps() << " pps, " << tokens << " tokens: too slow";
}

// Virtual time to sweep: 2 s, or twelve probes' time where they are rare.
std::uint64_t end_ns(ProbeRate rate) {
  return kStartNs + std::max(2 * kSecondNs, 12 * rate.interval_ns());
}

// Asks for `wanted` at once until `tokens` have been granted, or the time is over.
// Each wait lies in the future, and no instant sees more than a burst.
void sweep_pacer(ProbeRate rate, std::uint64_t wanted, std::uint64_t tokens) {
  const std::uint64_t burst_max = std::max<std::uint64_t>(1, rate.whole_pps() / 1000);
  Pacer pacer(rate, kStartNs);
  std::uint64_t now_ns = kStartNs;
  std::uint64_t granted = 0;
  std::uint64_t at_once = 0;
  std::uint64_t waits = 0;
  std::uint64_t before_last = 0;  // granted before the last wait ended, from the first wait's end
  std::uint64_t first_ns = 0;
  while (granted < tokens && now_ns < end_ns(rate)) {
    const Pacer::Grant grant = pacer.take(wanted, now_ns);
    granted += grant.count;
    at_once += grant.count;
    ASSERT_LE(at_once, burst_max) << rate.pps() << " pps, " << wanted << " at once";
    if (grant.count > 0) continue;
    ASSERT_GT(grant.ready_ns, now_ns) << rate.pps() << " pps, " << wanted << " at once";
    ASSERT_TRUE(at_once > 0 || waits == 0) << rate.pps() << " pps: a wait for nothing";
    now_ns = grant.ready_ns;
    at_once = 0;
    before_last = granted;
    if (++waits == 1) first_ns = now_ns, granted = 0, before_last = 0;
  }
  const bool leaves_some = wanted > 1 && wanted < burst_max;
  expect_rate(rate, before_last, leaves_some ? burst_max : 0, waits, now_ns - first_ns);
}

live_pacer live_pacer_of(ProbeRate rate) {
  const PaceShape shape(rate, LIVE_TICKS_PER_NS);
  return {{shape.average.token_ticks, shape.average.depth_ticks, 0},
          {shape.peak.token_ticks, shape.peak.depth_ticks, 0}};
}

// The in-kernel pacer is asked for one token, again and again: here at the moments at which its
// buckets say that there is one, and a nanosecond before.
void sweep_live_pacer(ProbeRate rate, std::uint64_t tokens) {
  const std::uint64_t burst_max = std::max<std::uint64_t>(1, rate.whole_pps() / 1000);
  live_pacer pacer = live_pacer_of(rate);
  live_pacer_start(&pacer, kStartNs);
  std::uint64_t now_ns = kStartNs;
  std::uint64_t granted = 0;
  std::uint64_t at_once = 0;
  std::uint64_t waits = 0;
  std::uint64_t last_ns = 0;  // the first is there at once
  while (granted < tokens && now_ns < end_ns(rate)) {
    if (live_pacer_take(&pacer, now_ns) != 0) {
      ++granted;
      last_ns = now_ns;
      ASSERT_LE(++at_once, burst_max) << rate.pps() << " pps";
      continue;
    }
    const std::uint64_t ready_ticks = std::max(pacer.average.emptied_at + pacer.average.token_ticks,
                                               pacer.peak.emptied_at + pacer.peak.token_ticks);
    const std::uint64_t ready_ns = (ready_ticks + LIVE_TICKS_PER_NS - 1) / LIVE_TICKS_PER_NS;
    ASSERT_GT(ready_ns, now_ns) << rate.pps() << " pps";
    now_ns = ready_ns;
    at_once = 0;
    ++waits;
  }
  ASSERT_GT(granted, 0) << rate.pps();
  expect_rate(rate, granted - 1, 0, waits, last_ns - kStartNs);
}

// A whole burst, the sender's batch, one at a time: 12k sent nothing, for ever, when a burst's
// depth in ticks was rounded by itself.
void sweep_rate(ProbeRate rate, std::uint64_t turns) {
  const std::uint64_t burst = std::max<std::uint64_t>(1, rate.whole_pps() / 1000);
  sweep_pacer(rate, burst, turns * burst);
  sweep_pacer(rate, 64, turns * std::min<std::uint64_t>(64, burst));
  sweep_pacer(rate, 1, turns * std::min<std::uint64_t>(burst, 8));
  sweep_live_pacer(rate, std::min<std::uint64_t>(burst, 8) * turns);
}

// A whole sweep takes every rate. The sanitizers are ten times as slow and look at the code, not at
// the arithmetic: one in 97 does.
const std::uint64_t kRateStep = kSweepStep == 1 ? 1 : 97;

TEST(Pacer, EveryRateUpToAMillionSends) {
  for (std::uint64_t rate_pps = 1; rate_pps <= 1'000'000; rate_pps += kRateStep) {
    sweep_rate(rate_pps, 12);
    if (HasFatalFailure()) return;
  }
}

TEST(Pacer, EveryRateUpToAThousandIsKeptForTwoSeconds) {
  for (std::uint64_t rate_pps = 1; rate_pps <= 1000; ++rate_pps) {
    sweep_rate(rate_pps, ~std::uint64_t{0} >> 20);
    if (HasFatalFailure()) return;
  }
}

// 0.5 was sent as 1, and 1.5 as 2.
TEST(Pacer, FractionsAreKept) {
  for (std::uint64_t thousandths = 1; thousandths <= 20'000; ++thousandths) {
    const ProbeRate rate = ProbeRate::of_thousandths(thousandths);
    sweep_pacer(rate, 1, 12);
    sweep_pacer(rate, 64, 12);
    // The in-kernel pacer has rates of thousands.
    sweep_live_pacer(ProbeRate::of_thousandths(1'000'000 + thousandths), 12);
    if (HasFatalFailure()) return;
  }
  const ProbeRate half = ProbeRate::of_thousandths(500);
  FakeClock clock;
  Pacer pacer(half, clock.now);
  EXPECT_EQ(pacer.take(64, clock.now).count, 1U);
  const Pacer::Grant second = pacer.take(64, clock.now + 1'999'000'000);
  EXPECT_EQ(second.count, 0U);
  EXPECT_NEAR(static_cast<double>(second.ready_ns - clock.now), 2e9, 10);
}

TEST(Pacer, RandomRatesAboveAMillionSend) {
  std::mt19937_64 random(20261125);
  std::uniform_int_distribution<std::uint64_t> rates(1'000'000, 1'000'000'000);
  for (int i = 0; i < 10'000; ++i) {
    sweep_rate(rates(random), 64);
    if (HasFatalFailure()) return;
  }
}

TEST(Pacer, RandomRatesAreKeptForTwoSeconds) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> rates{3000, 12'000, 13'000, 30'000, 44'000, 64'000, 1'000'000};
  std::uniform_int_distribution<std::uint64_t> drawn(1000, 1'000'000);
  for (int i = 0; i < 100; i += kSweepStep) rates.push_back(drawn(random));
  for (const std::uint64_t rate_pps : rates) {
    const std::uint64_t burst = std::max<std::uint64_t>(1, rate_pps / 1000);
    sweep_pacer(rate_pps, burst, 2 * rate_pps);
    sweep_pacer(rate_pps, 1, 2 * rate_pps);
    sweep_live_pacer(rate_pps, 2 * rate_pps);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace echoscan::pacer_test
