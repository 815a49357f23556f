// Intervals of shares: by hand, and how often they hold the truth, for the first targets of a
// thousand orders over five shapes of truth.
#include "output/summary/share_interval.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "targets/target_cursor.h"

namespace echoscan::share_interval_test {
namespace {

constexpr std::uint64_t kHuge = std::uint64_t{1} << 53;

// Wilson 1927, as in Brown, Cai and DasGupta 2001.
TEST(ShareInterval, IsWilsons) {
  const auto none = share_interval(0, 100, kHuge).value();
  EXPECT_DOUBLE_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.0369935, 1e-6);
  const auto some = share_interval(10, 100, kHuge).value();
  EXPECT_NEAR(some.low, 0.055229, 1e-6);
  EXPECT_NEAR(some.high, 0.174366, 1e-6);
  const auto all = share_interval(100, 100, kHuge).value();
  EXPECT_NEAR(all.low, 0.9630065, 1e-6);
  EXPECT_DOUBLE_EQ(all.high, 1);
}

TEST(ShareInterval, IsAsNarrowAsThePopulationAllows) {
  EXPECT_FALSE(share_interval(0, 0, 10));
  EXPECT_FALSE(share_interval(3, ShareInterval::kTooFew - 1, 1000));
  EXPECT_TRUE(share_interval(3, ShareInterval::kTooFew, 1000));
  // All of them, however few they are: no sample.
  const auto all = share_interval(3, 4, 4).value();
  EXPECT_EQ(all.low, 0.75);
  EXPECT_EQ(all.high, 0.75);
  // More lines than targets, as in a file that is given twice, is no share above 1.
  EXPECT_EQ(share_interval(9, 4, 4)->high, 1);
  double before = 1;
  for (std::uint64_t asked = 30; asked <= 1000; asked += 10) {
    const auto interval = share_interval(asked / 10, asked, 1000).value();
    EXPECT_LE(interval.low, 0.1 + 1e-12);
    EXPECT_GE(interval.high, 0.1 - 1e-12);
    EXPECT_LT(interval.high - interval.low, before);
    before = interval.high - interval.low;
  }
  EXPECT_NEAR(expected_half_width(0.1, 100, kHuge), (0.174366 - 0.055229) / 2, 1e-6);
  EXPECT_EQ(expected_half_width(0.1, 100, 100), 0);
}

// Of 2^20 addresses the first 0.2 % of an order, which is what --max-targets and a signal leave.
TEST(ShareInterval, HoldsTheTruthNineteenTimesInTwenty) {
  constexpr std::uint32_t kCount = 1U << 20;
  constexpr std::size_t kAsked = 2096;
  constexpr int kOrders = 1000;
  std::mt19937_64 random(1);
  std::vector<bool> lives(kCount);
  for (std::uint32_t i = 0; i < kCount; ++i) lives[i] = random() % 8 == 0;
  std::vector<bool> networks(kCount >> 8);
  for (std::size_t i = 0; i < networks.size(); ++i) networks[i] = random() % 4 == 0;
  std::vector<bool> blocks(kCount >> 12);
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = random() % 10 == 0;
  struct Shape {
    const char* name;
    std::function<bool(std::uint32_t)> answers;
  };
  const std::array<Shape, 5> shapes = {
      {{"one in eight, anywhere", [&](std::uint32_t i) { return lives[i]; }},
       {"clustered by /24", [&](std::uint32_t i) { return networks[i >> 8] && i % 2 == 0; }},
       {"whole /20s", [&](std::uint32_t i) { return blocks[i >> 12]; }},
       {"every eighth address", [](std::uint32_t i) { return i % 8 == 0; }},
       {"the first tenth", [](std::uint32_t i) { return i < kCount / 10; }}}};
  const TargetSet targets{{{Ipv4{0}, Ipv4{kCount - 1}}}};
  std::array<std::uint64_t, 5> truth{};
  for (std::uint32_t i = 0; i < kCount; ++i)
    for (std::size_t shape = 0; shape < shapes.size(); ++shape)
      truth[shape] += shapes[shape].answers(i) ? 1 : 0;
  std::array<int, 5> held{};
  std::vector<Ipv4> asked(kAsked);
  for (int seed = 0; seed < kOrders; ++seed) {
    const Permutation permutation(kCount, static_cast<std::uint64_t>(seed));
    TargetCursor cursor(targets, permutation);
    cursor.seek(0, permutation.step_count());
    ASSERT_EQ(cursor.next(asked), kAsked);
    for (std::size_t shape = 0; shape < shapes.size(); ++shape) {
      std::uint64_t hits = 0;
      for (const Ipv4 address : asked) hits += shapes[shape].answers(address.value) ? 1 : 0;
      const auto interval = share_interval(hits, kAsked, kCount).value();
      const double share = double(truth[shape]) / kCount;
      held[shape] += interval.low <= share && share <= interval.high ? 1 : 0;
    }
  }
  for (std::size_t shape = 0; shape < shapes.size(); ++shape) {
    EXPECT_GE(held[shape], 935) << shapes[shape].name;
    EXPECT_LE(held[shape], 965) << shapes[shape].name;
    std::printf("%s: %d of %d\n", shapes[shape].name, held[shape], kOrders);
  }
}

}  // namespace
}  // namespace echoscan::share_interval_test
