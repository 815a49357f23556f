// The test of pairs: how often it speaks where there is a rate limit at the far end, and where
// there is none.
#include "output/summary/paired_change.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace echoscan::paired_change_test {
namespace {

// A bucket of tokens in front of a /24: one a second, ten at most.
struct Bucket {
  static constexpr double kTokensMax = 10;
  double tokens = kTokensMax;
  double at_s = 0;

  bool takes(double now_s) {
    tokens = std::min(kTokensMax, tokens + now_s - at_s);
    at_s = now_s;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }
};

// Targets of a control were asked slowly, and again in a scan of all that gave each /24 so many
// probes a second; every packet is lost once in a hundred times. One target in eight is alive.
PairedChange control_of(unsigned seed, double rate_pps_per_slash24) {
  constexpr int kNetworks = 400;
  constexpr double kLoss = 0.01;
  std::mt19937_64 random(seed);
  std::bernoulli_distribution lost_on_way(kLoss);
  std::bernoulli_distribution is_alive(0.125);
  std::exponential_distribution<double> gap_s(rate_pps_per_slash24);
  std::uint64_t gained = 0;
  std::uint64_t lost = 0;
  for (int network = 0; network < kNetworks; ++network) {
    Bucket bucket;
    double now_s = 0;
    for (int host = 0; host < 256; ++host) {
      now_s += gap_s(random);
      const bool passes = bucket.takes(now_s);
      const bool is_control = random() % 8 == 0;
      if (!is_alive(random) || !is_control) continue;
      const bool first = !lost_on_way(random);
      const bool second = passes && !lost_on_way(random);
      gained += second && !first ? 1U : 0U;
      lost += first && !second ? 1U : 0U;
    }
  }
  return paired_change(gained, lost);
}

TEST(PairedChange, SeesARateLimitAndNothingElse) {
  int seen = 0;
  int invented = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    const PairedChange limited = control_of(seed, 10);
    seen += !limited.is_chance() && limited.deviations < 0 ? 1 : 0;
    invented += control_of(seed, 0.3).is_chance() ? 0 : 1;
  }
  EXPECT_GE(seen, 99);
  EXPECT_LE(invented, 1);
}

TEST(PairedChange, IsTheDifferenceInStandardDeviations) {
  EXPECT_EQ(paired_change(0, 0).deviations, 0);
  EXPECT_TRUE(paired_change(0, 0).is_chance());
  EXPECT_DOUBLE_EQ(paired_change(10, 90).deviations, -8);
  EXPECT_DOUBLE_EQ(paired_change(90, 10).deviations, 8);
  EXPECT_TRUE(paired_change(0, 9).is_chance());
  EXPECT_FALSE(paired_change(0, 10).is_chance());
}

// By chance alone it speaks as often as the normal distribution says.
TEST(PairedChange, ChanceAloneIsSeldomCalledMore) {
  std::mt19937_64 random(3);
  int invented = 0;
  constexpr int kTrials = 20'000;
  for (int i = 0; i < kTrials; ++i) {
    std::binomial_distribution<std::uint64_t> gained(400, 0.5);
    const std::uint64_t count = gained(random);
    invented += paired_change(count, 400 - count).is_chance() ? 0 : 1;
  }
  EXPECT_LE(invented, kTrials / 200);
}

}  // namespace
}  // namespace echoscan::paired_change_test
