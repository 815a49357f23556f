// The rate of --per-slash24: densities against a naive count over random lists, the rate against
// its definition, and orders walked at that rate against what chance allows.
#include "scanner/plan/slash24_pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>

#include "scanner/options/rate_text.h"
#include "scanner/transmit/pacer.h"
#include "targets/target_cursor.h"
#include "tests/scanner/plan_of.h"
#include "tests/scanner/refusal_of.h"

namespace echoscan::slash24_pace_test {
namespace {

// Ranges that lie close together, some of them across the borders of networks.
std::vector<AddressRange> random_ranges(std::mt19937_64& random, std::uint32_t span) {
  const std::uint32_t base = random() % 8 == 0 ? 0xffffffff - span : 0x01000000;
  std::vector<AddressRange> ranges;
  for (std::uint64_t i = 1 + random() % 20; i > 0; --i) {
    const auto first = static_cast<std::uint32_t>(random() % span);
    const auto size = static_cast<std::uint32_t>(random() % (random() % 4 == 0 ? 1500 : 90));
    ranges.push_back({{base + first}, {base + std::min(span, first + size)}});
  }
  return merge_ranges(std::move(ranges));
}

std::map<std::uint32_t, std::uint64_t> counts_by_slash24(std::span<const AddressRange> ranges) {
  std::map<std::uint32_t, std::uint64_t> counts;
  for (const AddressRange& range : ranges)
    for (std::uint64_t value = range.first.value; value <= range.last.value; ++value)
      ++counts[static_cast<std::uint32_t>(value >> 8)];
  return counts;
}

std::uint64_t densest(std::span<const AddressRange> ranges) {
  std::uint64_t most = 0;
  for (const auto& [network, count] : counts_by_slash24(ranges)) most = std::max(most, count);
  return most;
}

TEST(Slash24, TheDensestIsThatOfANaiveCount) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 5'000; ++i) {
    const std::vector<AddressRange> ranges = random_ranges(random, 256 << (random() % 6));
    EXPECT_EQ(count_in_densest_slash24(ranges), densest(ranges));
  }
  EXPECT_EQ(count_in_densest_slash24({}), 0U);
  EXPECT_EQ(count_in_densest_slash24(std::array{AddressRange{{0}, {0xffffffff}}}), 256U);
}

// The rate is the greatest, to a thousandth, at which R N / (d m) holds, or that of --rate.
TEST(Slash24, TheRateIsTheGreatestThatKeepsTheBound) {
  std::mt19937_64 random(2);
  int lowered = 0;
  for (int i = 0; i < 20'000; ++i) {
    Slash24Density density;
    density.in_densest = 1 + random() % 256;
    density.targets = density.in_densest + (random() >> (32 + random() % 30));
    const Shard shard{0, static_cast<std::uint32_t>(1 + random() % (random() % 3 == 0 ? 1000 : 2))};
    PaceConfig pace;
    pace.rate_pps = random() % 5 == 0 ? ProbeRate(Pacer::kUnlimited)
                                      : ProbeRate::of_thousandths(1 + random() % 1'000'000'000);
    pace.per_slash24_pps = ProbeRate::of_thousandths(1000 + random() % 100'000);
    const ProbeRate allowed = allowed_rate(pace, density, shard);
    const auto parts = [&](std::uint64_t thousandths) {
      return static_cast<Uint128>(thousandths) * density.in_densest * shard.count;
    };
    const auto bound = static_cast<Uint128>(pace.per_slash24_pps->thousandths()) * density.targets;
    EXPECT_TRUE(parts(allowed.thousandths()) <= bound);
    EXPECT_GT(allowed.thousandths(), 0U);
    if (allowed == pace.rate_pps) continue;
    ++lowered;
    EXPECT_TRUE(parts(allowed.thousandths() + 1) > bound || allowed.whole_pps() == kRateMaxPps);
    EXPECT_LE(rate_of_densest(allowed, density, shard), pace.per_slash24_pps->pps() * (1 + 1e-12));
  }
  EXPECT_GT(lowered, 1'000);
  // Without the option it is --rate's.
  EXPECT_EQ(allowed_rate({}, {1000, 256}, {}), ProbeRate(10'000));
}

// In whole numbers: the greatest rate, to a thousandth or two by the last digit of a double, that
// is no more than a tenth and gives no /24 more than 0.1 a second; the lowest that there is where
// that is lower still.
TEST(Slash24, AControlGroupIsAskedSlowly) {
  std::mt19937_64 random(3);
  int by_network = 0;
  for (int i = 0; i < 20'000; ++i) {
    Slash24Density density;
    density.in_densest = 1 + random() % 256;
    density.targets = density.in_densest + (random() >> (32 + random() % 30));
    const Shard shard{0, static_cast<std::uint32_t>(1 + random() % (random() % 3 == 0 ? 1000 : 2))};
    const auto rate = ProbeRate::of_thousandths(1 + (random() >> (23 + random() % 40)));
    const std::uint64_t slow = control_rate(rate, density, shard).thousandths();
    const Uint128 bound = Uint128{100} * density.targets;  // thousandths a second
    const auto parts = [&](std::uint64_t thousandths) {
      return Uint128{thousandths} * density.in_densest * shard.count;
    };
    ASSERT_GE(slow, 1U);
    if (slow == 1) continue;
    ASSERT_LE(slow, rate.thousandths() / 10);
    ASSERT_TRUE(parts(slow - slow / 1'000'000'000'000) <= bound);
    if (slow == rate.thousandths() / 10) continue;
    ++by_network;
    // One thousandth less where the bound is a whole number that a double falls short of.
    ASSERT_TRUE(parts(slow + 1 + slow / 1'000'000'000'000) >= bound);
  }
  EXPECT_GT(by_network, 1'000);
}

TEST(Slash24, TooLowForEachShardIsRefused) {
  PaceConfig pace;
  pace.per_slash24_pps = ProbeRate::of_thousandths(1);
  EXPECT_EQ(allowed_rate(pace, {1000, 10}, {0, 100}), ProbeRate::of_thousandths(1));
  const std::string sentence = refusal_of(
      [&](const auto&) {
        allowed_rate(pace, {1000, 10}, {0, 101});
      },
      {});
  EXPECT_NE(sentence.find("--per-slash24 0.001 leaves each of 101 shards less than 0.001"),
            std::string::npos);
}

// Targets to which nothing is sent take no time, so that the others come sooner.
TEST(Slash24, OnlyTargetsWithAWayCount) {
  TargetPlan plan = plan_of({"1.0.0.0/16", "2.0.0.0/25", "3.0.0.0/26", "--seed", "1"});
  EXPECT_EQ(find_density(plan).targets, 65536U + 128 + 64);
  EXPECT_EQ(find_density(plan).in_densest, 256U);
  const auto add_way = [&plan](Way::Kind kind, AddressRange range) {
    WayShare share;
    share.way.kind = kind;
    share.ranges = {range};
    plan.ways.shares.push_back(share);
  };
  add_way(Way::Kind::blackhole, {{0x01000000}, {0x0100ffff}});
  add_way(Way::Kind::gateway, {{0x02000000}, {0x0200007f}});
  add_way(Way::Kind::direct, {{0x03000000}, {0x0300003f}});
  EXPECT_EQ(find_density(plan).targets, 192U);
  EXPECT_EQ(find_density(plan).in_densest, 128U);
}

// How many events one may expect at most where the mean is `mean`: the Poisson variable's tail
// beyond that is below `error`.
std::uint64_t poisson_bound(double mean, double error) {
  double term = std::exp(-mean);
  double rest = 1 - term;
  std::uint64_t count = 0;
  // Far out the rest is below what a double of it can tell.
  while (rest > error && term > 1e-18) {
    ++count;
    term *= mean / static_cast<double>(count);
    rest -= term;
  }
  return count;
}

// Walks orders as a sender does, second by second: no /24 gets more in a second than chance gives
// a Poisson variable of mean R, and the densest gets R on average. Shards and --max-targets too.
TEST(Slash24, NoNetworkGetsMoreThanChanceAllows) {
  std::mt19937_64 random(3);
  std::uint64_t seconds = 0;
  std::uint64_t probes = 0;
  double of_densest = 0;
  double expected = 0;
  for (int i = 0; i < 150; ++i) {
    const std::vector<AddressRange> ranges = random_ranges(random, 256 * 64);
    std::vector<std::string> arguments = {"--seed", std::to_string(random() >> 20)};
    for (const AddressRange& range : ranges) arguments.push_back(to_string(range));
    const auto shards = static_cast<std::uint32_t>(1 + random() % 3);
    if (shards > 1) arguments.insert(arguments.end(), {"--shard", "1/" + std::to_string(shards)});
    if (random() % 3 == 0) arguments.insert(arguments.end(), {"--max-targets", "70%"});
    if (ranges.front().first.value < 0x01000000 || ranges.back().last.value > 0x02000000) continue;
    const TargetPlan plan = plan_of(arguments);
    const Slash24Density density = find_density(plan);
    PaceConfig pace;
    pace.per_slash24_pps = 1 + random() % 8;
    const ProbeRate rate = allowed_rate(pace, density, plan.shard);
    const std::size_t per_second = std::max<std::uint64_t>(rate.whole_pps(), 1);
    const double mean = pace.per_slash24_pps->pps() / shards;
    const std::uint64_t most = poisson_bound(std::max(mean, 0.05), 1e-8);
    const auto in_network = counts_by_slash24(ranges);

    TargetCursor cursor(plan.targets, plan.permutation);
    cursor.seek(plan.steps.begin, plan.steps.end);
    std::vector<Ipv4> second(per_second);
    while (!cursor.done()) {
      const std::size_t count = cursor.next(second);
      std::map<std::uint32_t, std::uint64_t> got;
      for (std::size_t k = 0; k < count; ++k) ++got[second[k].value >> 8];
      for (const auto& [network, number] : got) {
        EXPECT_LE(number, most + (per_second > rate.whole_pps() ? 1 : 0))
            << "mean " << mean << ", seed " << plan.seed;
        if (in_network.at(network) == density.in_densest) of_densest += static_cast<double>(number);
      }
      ++seconds;
      probes += count;
      for (const auto& [network, size] : in_network)
        if (size == density.in_densest)
          expected += static_cast<double>(count * size) / static_cast<double>(density.targets);
    }
  }
  EXPECT_GT(seconds, 5'000U);
  EXPECT_GT(probes, 100'000U);
  EXPECT_NEAR(of_densest / expected, 1, 0.01);
}

TEST(Slash24, IsSaid) {
  PaceConfig pace;
  const Slash24Density density{25'600, 256};
  EXPECT_EQ(slash24_line(pace, density, {}),
            "256 of 25,600 targets are in the densest /24, which gets 100 probes a second: from "
            "about 1 on networks begin to answer less, and --per-slash24 keeps to that");
  EXPECT_EQ(slash24_line(pace, {2'560'000, 256}, {}), "");
  // 1e+04 is no number that people read.
  EXPECT_NE(slash24_line(pace, {256, 256}, {}).find("gets 10,000 probes a second"),
            std::string::npos);
  EXPECT_NE(slash24_line(pace, {8320, 65}, {}).find("gets 78.1 probes a second"),
            std::string::npos);
  pace.per_slash24_pps = 2;
  EXPECT_EQ(slash24_line(pace, density, {}),
            "--per-slash24 2 lowers the rate to 200 a second: 256 of 25,600 targets are in the "
            "densest /24");
  EXPECT_EQ(slash24_line(pace, density, {1, 4}),
            "--per-slash24 2 lowers the rate to 50 a second: 256 of 25,600 targets are in the "
            "densest /24, by 4 shards at once");
  pace.rate_pps = 20;
  EXPECT_EQ(slash24_line(pace, density, {}),
            "--per-slash24 2 leaves the rate as it is: 256 of 25,600 targets are in the densest "
            "/24");
}

}  // namespace
}  // namespace echoscan::slash24_pace_test
