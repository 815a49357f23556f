// The sequential test of --min-hit-rate, against sums of binomial probabilities and against
// thousands of simulated scans: how often a good one is stopped, and how soon one without replies.
#include "scanner/pipeline/hit_rate_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace echoscan::hit_rate_watch_test {
namespace {

constexpr std::uint64_t kReplyTimeNs = HitRateWatch::kReplyTimeMinNs;
constexpr std::uint64_t kTickNs = 100'000'000;
constexpr std::size_t kTicksOfReply = kReplyTimeNs / kTickNs;
constexpr std::uint64_t kStartNs = 3'000'000'000;

// The probability of `successes` or fewer in `trials`, summed up.
long double probability_of_at_most(std::uint64_t successes, std::uint64_t trials,
                                   long double rate) {
  long double sum = 0;
  for (std::uint64_t k = 0; k <= successes; ++k) {
    const auto n = static_cast<long double>(trials);
    const auto i = static_cast<long double>(k);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(i + 1) - std::lgamma(n - i + 1) +
                    i * std::log(rate) + (n - i) * std::log1p(-rate));
  }
  return sum;
}

// The number of targets after which no reply at all is too few.
double targets_until_stop(double rate) {
  return std::ceil(std::log(HitRateWatch::kFalseStops / 2) / std::log1p(-rate));
}

// A scan that sends `per_tick` targets in each of `ticks`, and whose replies come at random within
// the time that they may take. `hits`: how many of the next so many targets reply. Returns how many
// had been sent when it was stopped; 0: never.
std::uint64_t simulate(double min_rate, std::uint64_t per_tick, std::size_t ticks,
                       const std::function<std::uint64_t(std::uint64_t)>& hits,
                       std::mt19937_64& random) {
  HitRateWatch watch(min_rate, 0);
  std::vector<std::uint64_t> arriving(ticks + kTicksOfReply + 1);
  HitRateWatch::Figures figures;
  std::uint64_t now_ns = kStartNs;
  for (std::size_t tick = 0; tick < ticks; ++tick, now_ns += kTickNs) {
    figures.probed += per_tick;
    std::uint64_t left = hits(per_tick);
    // In up to four groups, each of which comes at some moment.
    for (int group = 3; left > 0; --group) {
      const std::uint64_t count = group == 0 ? left : random() % (left + 1);
      arriving[tick + random() % kTicksOfReply] += count;
      left -= count;
    }
    figures.replied += arriving[tick];
    if (watch.is_due(now_ns) && watch.look(now_ns, figures)) return figures.probed;
  }
  return 0;
}

TEST(HitRateWatch, BoundsAreThoseOfClopperAndPearson) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 5'000; ++i) {
    const std::uint64_t trials = 1 + random() % (std::uint64_t{1} << (random() % 20));
    const std::uint64_t successes = random() % std::min<std::uint64_t>(trials, 50);
    const double error = std::ldexp(HitRateWatch::kFalseStops, -static_cast<int>(random() % 30));
    const double rate = rate_at_most(trials, successes, error);
    ASSERT_GT(rate, 0);
    ASSERT_LT(rate, 1);
    EXPECT_NEAR(static_cast<double>(probability_of_at_most(successes, trials, rate)) / error, 1,
                1e-3)  // doubles near 1 are no finer for the smallest errors
        << successes << " of " << trials << " at " << error;
  }
  EXPECT_EQ(rate_at_most(5, 5, 0.001), 1);
}

// Ten thousand scans with just the rate that is asked for, and with more: the share that is stopped
// is what is promised, whenever one looks.
TEST(HitRateWatch, AGoodScanIsHardlyEverStopped) {
  constexpr int kScans = 10'000;
  std::mt19937_64 random(2);
  for (const double min_rate : {0.3, 0.0005}) {
    const auto per_tick = static_cast<std::uint64_t>(targets_until_stop(min_rate) / 6) + 1;
    for (const double times : {1.0, 1.3}) {
      const double rate = min_rate * times;
      int stopped = 0;
      for (int i = 0; i < kScans; ++i)
        stopped += simulate(
                       min_rate, per_tick, 6 * 8 + kTicksOfReply,
                       [&](std::uint64_t targets) {
                         return std::binomial_distribution<std::uint64_t>(targets, rate)(random);
                       },
                       random) > 0;
      EXPECT_LE(stopped, HitRateWatch::kFalseStops * kScans) << min_rate << " times " << times;
    }
  }
}

// The order is a permutation: what replies is drawn without putting it back.
TEST(HitRateWatch, AGoodListIsHardlyEverGivenUp) {
  constexpr int kScans = 10'000;
  constexpr std::size_t kTargets = 600;
  std::mt19937_64 random(3);
  std::vector<char> replies(kTargets);
  std::fill_n(replies.begin(), kTargets / 5, char{1});
  int stopped = 0;
  for (int i = 0; i < kScans; ++i) {
    std::shuffle(replies.begin(), replies.end(), random);
    std::size_t next = 0;
    stopped += simulate(
                   0.2, 6, kTargets / 6,
                   [&](std::uint64_t targets) {
                     std::uint64_t hits = 0;
                     for (; targets > 0; --targets) hits += replies[next++] == 1;
                     return hits;
                   },
                   random) > 0;
  }
  EXPECT_LE(stopped, HitRateWatch::kFalseStops * kScans);
}

TEST(HitRateWatch, AScanWithoutRepliesIsStoppedAsSoonAsThatIsCertain) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 2'000; ++i) {
    const double min_rate = std::pow(10, -std::uniform_real_distribution(0.0, 5.0)(random));
    const double needed = targets_until_stop(min_rate);
    const std::uint64_t per_tick = 1 + random() % static_cast<std::uint64_t>(needed / 3 + 2);
    const auto ticks = static_cast<std::size_t>(needed / static_cast<double>(per_tick)) + 1;
    if (ticks > 3'000) continue;
    const std::uint64_t sent = simulate(
        min_rate, per_tick, ticks + kTicksOfReply + 2, [](std::uint64_t) { return 0; }, random);
    // What is on its way does not count, nor does what a look cannot tell from it.
    EXPECT_GE(static_cast<double>(sent), needed) << min_rate;
    EXPECT_LE(static_cast<double>(sent),
              needed + static_cast<double>((kTicksOfReply + 2) * per_tick))
        << min_rate << " " << per_tick;
    // ln(1/error)/rate and a tenth, for the looks that did not come.
    const double ideal = std::log(1 / HitRateWatch::kFalseStops) / min_rate;
    EXPECT_LE(needed, 1 + 1.11 * ideal);
    if (min_rate < 0.05) {
      EXPECT_GE(needed, ideal);
    }
  }
}

TEST(HitRateWatch, FewRepliesAreFoundTooFewInTheEnd) {
  std::mt19937_64 random(5);
  int stopped = 0;
  for (int i = 0; i < 500; ++i)
    stopped += simulate(
                   0.01, 500, 400,
                   [&](std::uint64_t targets) {
                     return std::binomial_distribution<std::uint64_t>(targets, 0.005)(random);
                   },
                   random) > 0;
  EXPECT_EQ(stopped, 500);
}

// Nobody is called silent whose reply had no time to come: not while it is too early, not while
// replies are held up on this side, not after this process did not run, and not what was lost.
TEST(HitRateWatch, WaitsForWhatMayStillCome) {
  for (const std::uint64_t cooldown_ns : {std::uint64_t{0}, 8 * kReplyTimeNs}) {
    const std::uint64_t reply_time_ns = std::max(cooldown_ns, kReplyTimeNs);
    const std::uint64_t step_ns = reply_time_ns / 50;
    // When the watch stops a scan that sent everything at once; `change` makes it wait.
    const auto stops_after =
        [&](const std::function<void(std::uint64_t&, HitRateWatch::Figures&)>& change) {
          HitRateWatch watch(0.01, cooldown_ns);
          std::uint64_t elapsed_ns = 0;
          while (elapsed_ns < 10 * reply_time_ns) {
            HitRateWatch::Figures figures{.probed = 1'000};
            change(elapsed_ns, figures);
            if (watch.look(kStartNs + elapsed_ns, figures)) break;
            elapsed_ns += step_ns;
          }
          return elapsed_ns;
        };
    EXPECT_EQ(stops_after([](auto&, auto&) {}), reply_time_ns);
    EXPECT_EQ(stops_after([&](const std::uint64_t& at_ns, HitRateWatch::Figures& figures) {
                figures.is_held_up = at_ns == 20 * step_ns;
              }),
              20 * step_ns + reply_time_ns);
    bool has_slept = false;
    EXPECT_GE(stops_after([&](std::uint64_t& at_ns, HitRateWatch::Figures&) {
                if (has_slept || at_ns < 20 * step_ns) return;
                has_slept = true;
                at_ns += 3 * reply_time_ns;
              }),
              20 * step_ns + 4 * reply_time_ns);
    EXPECT_GE(stops_after([](auto&, HitRateWatch::Figures& figures) { figures.lost = 300; }),
              10 * reply_time_ns);
  }
}

TEST(HitRateWatch, WithoutARateItNeverLooks) {
  const HitRateWatch watch(std::nullopt, 0);
  EXPECT_FALSE(watch.is_due(kStartNs));
}

}  // namespace
}  // namespace echoscan::hit_rate_watch_test
