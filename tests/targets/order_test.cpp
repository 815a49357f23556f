// targets/: the order as an exact cover, its shards, blocks and places, and how it spreads.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "targets/permutation.h"
#include "targets/shard.h"
#include "targets/shard_blocks.h"
#include "targets/skipped_steps.h"
#include "targets/target_cursor.h"
#include "targets/target_set.h"

namespace echoscan::order_test {
namespace {

// Every address exactly once, whatever the size: small ones, either side of powers of two, random
// ones. Skipped steps are where the walk skips.
TEST(Permutation, EveryIndexExactlyOnce) {
  std::mt19937_64 random(11);
  std::vector<std::uint64_t> sizes = {1,   2,   3,   4,     5,     6,       7,
                                      255, 256, 257, 65536, 65537, 1000000, (1 << 24) + 1};
  for (int i = 0; i < 200; ++i) sizes.push_back(1 + random() % 5000);
  for (const std::uint64_t size : sizes) {
    const Permutation order(size, random() >> 11);
    std::vector<bool> seen(size);
    std::vector<std::uint64_t> skipped;
    std::uint64_t value = order.start();
    for (std::uint64_t step = 0; step < order.step_count(); ++step) {
      ASSERT_TRUE(value >= 1 && value < order.prime());
      if (value <= size) {
        ASSERT_FALSE(seen[value - 1]) << size;
        seen[value - 1] = true;
      } else {
        skipped.push_back(step);
      }
      value = order.next(value);
    }
    EXPECT_EQ(value, order.start());
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](bool bit) { return bit; })) << size;
    EXPECT_EQ(SkippedSteps(order).exponents(), skipped) << size;
  }
}

TEST(Permutation, RandomAccessAgreesWithWalking) {
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{79'000'000},
                                   std::uint64_t{3702258432}, std::uint64_t{1} << 32}) {
    const Permutation order(size, 42);
    EXPECT_GT(order.prime(), size);
    EXPECT_LT(order.prime(), size + 400);
    std::uint64_t value = order.value_at(0);
    EXPECT_EQ(value, order.start());
    for (std::uint64_t step = 0; step < std::min<std::uint64_t>(1000, order.step_count()); ++step) {
      ASSERT_EQ(value, order.value_at(step));
      value = order.next(value);
    }
  }
}

TEST(Permutation, SeedDecidesTheOrder) {
  const Permutation a(1000, 1);
  const Permutation again(1000, 1);
  const Permutation b(1000, 2);
  EXPECT_EQ(a.generator(), again.generator());
  EXPECT_EQ(a.start(), again.start());
  EXPECT_TRUE(a.generator() != b.generator() || a.start() != b.start());
}

TEST(Permutation, PrimesAndFactors) {
  EXPECT_EQ(next_prime(1), 2U);
  EXPECT_EQ(next_prime(2), 3U);
  EXPECT_EQ(next_prime(65536), 65537U);
  EXPECT_EQ(next_prime(std::uint64_t{1} << 32), 4294967311U);
  EXPECT_EQ(prime_factors(1), (std::vector<std::uint64_t>{}));
  std::uint64_t product = 1;
  for (const std::uint64_t factor : prime_factors(1966110)) product *= factor;
  EXPECT_EQ(product, 1966110U);  // 2 * 3 * 5 * 65537
  EXPECT_EQ(prime_factors(72), (std::vector<std::uint64_t>{2, 3}));
}

TEST(TargetCursor, SeekContinuesExactly) {
  const TargetSet targets(
      {{Ipv4{0x0a000000}, Ipv4{0x0a0003ff}}, {Ipv4{0x0a090000}, Ipv4{0x0a0900ff}}});
  const Permutation order(targets.size(), 3);
  TargetCursor cursor(targets, order);
  std::vector<Ipv4> all(targets.size());
  ASSERT_EQ(cursor.next(all), all.size());
  std::vector<Ipv4> rest(1);
  EXPECT_EQ(cursor.next(rest), 0U);
  EXPECT_TRUE(cursor.done());

  TargetCursor first(targets, order);
  std::vector<Ipv4> head(500);
  ASSERT_EQ(first.next(head), head.size());
  TargetCursor second(targets, order);
  second.seek(first.position(), order.step_count());
  std::vector<Ipv4> tail(targets.size() - head.size());
  ASSERT_EQ(second.next(tail), tail.size());
  head.insert(head.end(), tail.begin(), tail.end());
  EXPECT_EQ(head, all);
}

TEST(ShardBlocks, ThreadsShareTheOrderWithoutGapsOrOverlaps) {
  const TargetSet targets({{Ipv4{0x0a000000}, Ipv4{0x0a000fff}}});
  const Permutation order(targets.size(), 9);
  constexpr std::uint32_t kPasses = 2;
  ShardBlocks blocks(0, order.step_count(), kPasses, 100);
  std::vector<std::vector<Ipv4>> drawn(3);
  std::vector<std::thread> threads;
  threads.reserve(drawn.size());
  for (std::vector<Ipv4>& mine : drawn)
    threads.emplace_back([&] {
      TargetCursor cursor(targets, order);
      std::vector<Ipv4> batch(64);
      while (const std::optional<Block> block = blocks.claim()) {
        cursor.seek(block->begin, block->end);
        while (!cursor.done()) {
          const std::size_t count = cursor.next(batch);
          mine.insert(mine.end(), batch.begin(),
                      batch.begin() + static_cast<std::ptrdiff_t>(count));
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::vector<Ipv4> all;
  for (const std::vector<Ipv4>& mine : drawn) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), targets.size() * kPasses);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], targets.at(i / kPasses));
}

TEST(ShardBlocks, PassesFollowOneAnother) {
  ShardBlocks blocks(10, 25, 2, 10);
  const auto expect = [&blocks](std::uint32_t pass, std::uint64_t begin, std::uint64_t end) {
    const std::optional<Block> block = blocks.claim();
    ASSERT_TRUE(block);
    EXPECT_EQ(block->pass, pass);
    EXPECT_EQ(block->begin, begin);
    EXPECT_EQ(block->end, end);
  };
  expect(0, 10, 20);
  expect(0, 20, 25);
  expect(1, 10, 20);
  expect(1, 20, 25);
  EXPECT_FALSE(blocks.claim());
}

// --max-targets: the first N of the order, so that a larger N contains the smaller.
TEST(SkippedSteps, CountsAreThoseOfAWalk) {
  for (const std::uint64_t size : {1, 2, 3, 4, 113, 256, 1327, 31397}) {
    for (const std::uint64_t seed : {1, 2, 3}) {
      const Permutation order(size, seed);
      const SkippedSteps skipped(order);
      std::uint64_t value = order.start();
      std::uint64_t found = 0;
      for (std::uint64_t step = 0; step < order.step_count(); ++step) {
        ASSERT_EQ(skipped.targets_before(step), found);
        if (value <= size) {
          ++found;
          ASSERT_EQ(skipped.steps_to(found), found == size ? order.step_count() : step + 1);
        }
        value = order.next(value);
      }
      EXPECT_EQ(skipped.targets_before(order.step_count()), size);
      EXPECT_EQ(skipped.steps_to(0), 0U);
      EXPECT_EQ(skipped.steps_to(size + 1), order.step_count());
    }
  }
}

// All of IPv4 less the registry: too far to walk here, but each exponent can be tried.
TEST(SkippedSteps, AllOfThemAtFullSize) {
  for (const std::uint64_t size : {std::uint64_t{3702258432}, std::uint64_t{79'000'000}}) {
    const Permutation order(size, 5);
    const std::vector<std::uint64_t> skipped = SkippedSteps(order).exponents();
    ASSERT_EQ(skipped.size(), order.step_count() - size);
    std::set<std::uint64_t> values;
    for (const std::uint64_t exponent : skipped) {
      EXPECT_GT(order.value_at(exponent), size);
      values.insert(order.value_at(exponent));
    }
    EXPECT_EQ(values.size(), skipped.size());
  }
}

TEST(Shard, OnlyWholePairsOfNumbersInOrder) {
  EXPECT_EQ(parse_shard("0/1"), (Shard{0, 1}));
  EXPECT_EQ(parse_shard("999999/1000000"), (Shard{999999, 1000000}));
  for (const char* text : {"", "/", "1", "1/1", "0/0", "-1/2", "+1/2", "1/2/3", " 0/1", "0/1 ",
                           "0x0/1", "0/1000001", "99999999999999999999/2", "a/b"})
    EXPECT_FALSE(parse_shard(text)) << text;
}

// Union and order: the shards one after another are the order, and so are those of its first N.
TEST(Shard, TogetherTheyAreTheOrder) {
  for (const std::uint64_t size : {1, 5, 1000, 65536}) {
    const TargetSet targets({{Ipv4{0x09000000}, Ipv4{0x09000000 + std::uint32_t(size) - 1}}});
    const Permutation order(size, 17);
    const SkippedSteps skipped(order);
    TargetCursor cursor(targets, order);
    std::vector<Ipv4> whole(size);
    ASSERT_EQ(cursor.next(whole), size);
    for (const std::uint64_t first : {size, size / 2 + 1}) {
      for (const std::uint32_t count : {1U, 2U, 3U, 7U, 64U}) {
        std::vector<Ipv4> drawn;
        std::uint64_t end = 0;
        for (std::uint32_t index = 0; index < count; ++index) {
          const StepRange steps = shard_steps({index, count}, skipped.steps_to(first));
          EXPECT_EQ(steps.begin, end);
          end = steps.end;
          std::vector<Ipv4> part(skipped.targets_before(steps.end) -
                                 skipped.targets_before(steps.begin));
          cursor.seek(steps.begin, steps.end);
          ASSERT_EQ(cursor.next(part), part.size());
          std::array<Ipv4, 1> more;
          EXPECT_EQ(cursor.next(more), 0U);
          drawn.insert(drawn.end(), part.begin(), part.end());
        }
        EXPECT_EQ(drawn, std::vector<Ipv4>(whole.begin(), whole.begin() + std::int64_t(first)));
      }
    }
  }
}

// Whatever the number of threads, a shard's probes are its own and no other's.
TEST(Shard, ThreadsMakeNoDifference) {
  const TargetSet targets({{Ipv4{0x09000000}, Ipv4{0x09000fff}}});
  const Permutation order(targets.size(), 23);
  for (const std::uint32_t count : {1U, 2U, 3U, 7U, 64U}) {
    for (const std::size_t thread_count : {1U, 2U, 5U}) {
      std::vector<std::atomic<int>> hits(targets.size());
      for (std::uint32_t index = 0; index < count; ++index) {
        const StepRange steps = shard_steps({index, count}, order.step_count());
        ShardBlocks blocks(steps.begin, steps.end, 1, 10);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < thread_count; ++i)
          threads.emplace_back([&] {
            TargetCursor cursor(targets, order);
            std::array<Ipv4, 4> batch;
            while (const std::optional<Block> block = blocks.claim()) {
              cursor.seek(block->begin, block->end);
              while (const std::size_t drawn = cursor.next(batch))
                for (std::size_t j = 0; j < drawn; ++j)
                  hits[targets.index_of(batch[j]).value()].fetch_add(1, std::memory_order_relaxed);
            }
          });
        for (std::thread& thread : threads) thread.join();
      }
      for (const std::atomic<int>& hit : hits) ASSERT_EQ(hit, 1);
    }
  }
}

TEST(TargetCursor, SeekAnywhereIsTheUninterruptedTail) {
  std::mt19937_64 random(29);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t size = 1 + random() % 3000;
    const TargetSet targets(
        {{Ipv4{0x09000000}, Ipv4{static_cast<std::uint32_t>(0x09000000 + size - 1)}}});
    const Permutation order(size, random() >> 11);
    TargetCursor cursor(targets, order);
    std::vector<Ipv4> head(random() % (size + 1));
    ASSERT_EQ(cursor.next(head), head.size());
    TargetCursor other(targets, order);
    other.seek(cursor.position(), order.step_count());
    std::vector<Ipv4> tail(size - head.size());
    std::vector<Ipv4> other_tail(tail.size());
    ASSERT_EQ(cursor.next(tail), tail.size());
    ASSERT_EQ(other.next(other_tail), tail.size());
    EXPECT_EQ(tail, other_tail);
    EXPECT_EQ(cursor.next(head), 0U);
  }
}

// The chance that a binomial variable (n trials, chance p each) exceeds k, from above: the first
// term behind k, and a geometric series for the rest.
double binomial_tail(double n, double p, double k) {
  const double x = k + 1;
  const double log_term = std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) +
                          x * std::log(p) + (n - x) * std::log1p(-p);
  const double ratio = (n - x) / (x + 1) * p / (1 - p);
  return std::exp(log_term) / (1 - ratio);
}

// No network gets a burst: of 1 M targets in a row out of 79 M, no /24 gets more than in a random
// order. The bound is what a random order exceeds once in a million such windows. Several seeds,
// since each is an order of its own.
TEST(Spread, NoNetworkGetsMoreThanInARandomOrder) {
  constexpr std::uint64_t kTargets = 79'000'000;
  constexpr std::uint64_t kWindow = 1'000'000;
  constexpr double kNetworks = kTargets / 256;
  std::size_t bound = 2 * kWindow * 256 / kTargets;  // behind the peak, where the tail falls
  while (kNetworks * binomial_tail(kWindow, 256.0 / kTargets, static_cast<double>(bound)) > 1e-6)
    ++bound;
  const TargetSet targets({{Ipv4{0x09000000}, Ipv4{0x09000000 + kTargets - 1}}});
  for (const std::uint64_t seed : {1, 2, 42, 1000000007}) {
    const Permutation order(kTargets, seed);
    TargetCursor cursor(targets, order);
    for (const std::uint64_t begin : {std::uint64_t{0}, kTargets / 3}) {
      cursor.seek(begin, order.step_count());
      std::vector<Ipv4> window(kWindow);
      ASSERT_EQ(cursor.next(window), kWindow);
      std::vector<std::uint16_t> hits(kTargets / 256 + 1);
      for (const Ipv4 target : window) ++hits[(target.value - 0x09000000) / 256];
      EXPECT_LE(*std::max_element(hits.begin(), hits.end()), bound)
          << "bound " << bound << ", seed " << seed << ", from step " << begin;
    }
  }
}

}  // namespace
}  // namespace echoscan::order_test
