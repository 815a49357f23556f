// targets/: what lists may say, the set and its index, and the order as an exact cover.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "targets/address.h"
#include "targets/permutation.h"
#include "targets/prefix.h"
#include "targets/shard_blocks.h"
#include "targets/special_purpose.h"
#include "targets/target_cursor.h"
#include "targets/target_set.h"

namespace echoscan {
namespace {

AddressRange range_of(const std::string& text) {
  std::string error;
  const std::optional<AddressRange> range = parse_range(text, error);
  EXPECT_TRUE(range) << text << ": " << error;
  return range.value_or(AddressRange{});
}

std::string error_of(const std::string& text) {
  std::string error;
  EXPECT_FALSE(parse_range(text, error)) << text;
  return error;
}

std::vector<AddressRange> ranges_of(const std::vector<std::string>& texts) {
  std::vector<AddressRange> ranges;
  ranges.reserve(texts.size());
  for (const std::string& text : texts) ranges.push_back(range_of(text));
  return ranges;
}

std::string text_of(const std::vector<AddressRange>& ranges) {
  std::string text;
  for (const AddressRange& range : ranges)
    text += to_string(range.first) + "-" + to_string(range.last) + " ";
  return text;
}

TEST(Address, TextGoesThereAndBack) {
  for (const std::uint32_t value : {0U, 1U, 0x01020304U, 0x0a00ff63U, 0x7fffffffU, 0xffffffffU}) {
    EXPECT_EQ(parse_ipv4(to_string(Ipv4{value})), Ipv4{value});
  }
  EXPECT_EQ(to_string(Ipv4{0xc0000201}), "192.0.2.1");
  EXPECT_EQ(to_string(Ipv4{0xffffffff}).size(), kIpv4TextBytesMax);
}

TEST(Address, OnlyStrictDottedQuads) {
  for (const char* text :
       {"",          "1",         "10",        "1.2.3",     "1.2.3.",           ".1.2.3",
        "1.2.3.4.",  "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "1.2.3.1000",       "01.2.3.4",
        "1.2.3.04",  "00.0.0.0",  "1.2.3.4 ",  " 1.2.3.4",  "1.2.3.-4",         "1.2.3.+4",
        "0x1.2.3.4", "1,2,3,4",   "1.2.3.4\n", "a.b.c.d",   "99999999999.1.1.1"})
    EXPECT_FALSE(parse_ipv4(text)) << "'" << text << "'";
}

TEST(Prefix, AddressBlockAndRange) {
  EXPECT_EQ(range_of("1.2.3.4"), (AddressRange{{0x01020304}, {0x01020304}}));
  EXPECT_EQ(range_of("1.2.3.0/24"), (AddressRange{{0x01020300}, {0x010203ff}}));
  EXPECT_EQ(range_of("1.2.3.4/32"), (AddressRange{{0x01020304}, {0x01020304}}));
  EXPECT_EQ(range_of("0.0.0.0/0"), (AddressRange{{0}, {0xffffffff}}));
  EXPECT_EQ(range_of("0.0.0.0/0").size(), std::uint64_t{1} << 32);
  EXPECT_EQ(range_of("1.2.3.4-1.2.3.9").size(), 6U);
  EXPECT_EQ(range_of("1.2.3.4 - 1.2.3.4").size(), 1U);
}

TEST(Prefix, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(error_of("1.2.3.4/24"), "host bits are set; the network is 1.2.3.0/24");
  EXPECT_NE(error_of("010.0.0.1").find("leading zero"), std::string::npos);
  EXPECT_NE(error_of("010.0.0.0/8").find("leading zero"), std::string::npos);
  EXPECT_NE(error_of("1.2.3.9-1.2.3.1").find("1.2.3.1-1.2.3.9"), std::string::npos);
  EXPECT_NE(error_of("2001:db8::1").find("IPv6"), std::string::npos);
  EXPECT_NE(error_of("10").find("four numbers"), std::string::npos);
  for (const char* text : {"1.2.3.4/33", "1.2.3.4/", "1.2.3.4/24abc", "1.2.3.4/024", "1.2.3.4/-1",
                           "1.2.3.4/8/8", "1.2.3.4/+8", "1.2.3.4/ 8"})
    EXPECT_NE(error_of(text).find("from 0 to 32"), std::string::npos) << text;
  for (const char* text : {"", "-", "/", "1.2.3.4-", "-1.2.3.4", "1.2.3.4-5", "1.2.3.4 x", "host"})
    error_of(text);
}

TEST(TargetSet, RangesMergeAndSubtract) {
  EXPECT_EQ(text_of(merge_ranges(ranges_of({"1.0.0.8/29", "1.0.0.0/29", "1.0.0.4-1.0.0.9",
                                            "9.9.9.9", "9.9.9.9", "0.0.0.0", "255.255.255.255"}))),
            "0.0.0.0-0.0.0.0 1.0.0.0-1.0.0.15 9.9.9.9-9.9.9.9 255.255.255.255-255.255.255.255 ");
  EXPECT_EQ(text_of(merge_ranges(ranges_of({"0.0.0.0/0", "255.255.255.255", "1.1.1.1"}))),
            "0.0.0.0-255.255.255.255 ");
  const auto left = [](const std::vector<std::string>& ranges,
                       const std::vector<std::string>& holes) {
    return text_of(
        subtract_ranges(merge_ranges(ranges_of(ranges)), merge_ranges(ranges_of(holes))));
  };
  EXPECT_EQ(left({"1.0.0.0/24"}, {}), "1.0.0.0-1.0.0.255 ");
  EXPECT_EQ(left({"1.0.0.0/24"}, {"1.0.0.0/24"}), "");
  EXPECT_EQ(left({"1.0.0.0/24"}, {"1.0.0.0", "1.0.0.255"}), "1.0.0.1-1.0.0.254 ");
  EXPECT_EQ(left({"1.0.0.0/30", "1.0.1.0/30"}, {"1.0.0.2-1.0.1.1"}),
            "1.0.0.0-1.0.0.1 1.0.1.2-1.0.1.3 ");
  EXPECT_EQ(left({"0.0.0.0/0"}, {"0.0.0.0", "255.255.255.255"}), "0.0.0.1-255.255.255.254 ");
  EXPECT_EQ(left({"1.0.0.0/30"}, {"0.0.0.0/0"}), "");
}

TEST(TargetSet, AtAndIndexOfAreInverse) {
  std::mt19937_64 random(7);
  for (const std::size_t range_count : {1U, 2U, 7U, 300U, 20000U}) {
    std::vector<AddressRange> ranges;
    for (std::size_t i = 0; i < range_count; ++i) {
      const auto first = static_cast<std::uint32_t>(random());
      const auto size = static_cast<std::uint32_t>(random() % 5000);
      ranges.push_back({Ipv4{first}, Ipv4{first > ~size ? ~std::uint32_t{0} : first + size}});
    }
    const TargetSet set(merge_ranges(ranges));
    EXPECT_EQ(set.size(), count_addresses(set.ranges()));
    for (int i = 0; i < 20000; ++i) {
      const std::uint64_t index = random() % set.size();
      ASSERT_EQ(set.index_of(set.at(index)), index);
    }
    EXPECT_EQ(set.at(0), set.ranges().front().first);
    EXPECT_EQ(set.at(set.size() - 1), set.ranges().back().last);
    for (const AddressRange& range : set.ranges()) {
      if (range.first.value > 0) {
        ASSERT_FALSE(set.index_of(Ipv4{range.first.value - 1}));
      }
      if (range.last.value < ~std::uint32_t{0}) {
        ASSERT_FALSE(set.index_of(Ipv4{range.last.value + 1}));
      }
    }
  }
}

TEST(TargetSet, WholeSpaceAndNothing) {
  const TargetSet all(ranges_of({"0.0.0.0/0"}));
  EXPECT_EQ(all.size(), std::uint64_t{1} << 32);
  EXPECT_EQ(all.at(0xffffffff), Ipv4{0xffffffff});
  EXPECT_EQ(all.index_of(Ipv4{0xffffffff}), 0xffffffffU);
  const TargetSet none({});
  EXPECT_EQ(none.size(), 0U);
  EXPECT_FALSE(none.index_of(Ipv4{1}));
}

TEST(SpecialPurpose, SortedDisjointAndEachWithItsDocument) {
  for (std::size_t i = 0; i < kSpecialPurposeRanges.size(); ++i) {
    const SpecialPurposeRange& entry = kSpecialPurposeRanges[i];
    EXPECT_LE(entry.range.first, entry.range.last);
    EXPECT_EQ(entry.rfc.substr(0, 4), "RFC ");
    if (i > 0) {
      EXPECT_LT(kSpecialPurposeRanges[i - 1].range.last, entry.range.first);
    }
  }
  std::uint64_t count = 0;
  for (const SpecialPurposeRange& entry : kSpecialPurposeRanges) count += entry.range.size();
  EXPECT_EQ((std::uint64_t{1} << 32) - count, 3702258432U);  // what a survey of all IPv4 probes
}

// Every address exactly once, whatever the size: small ones, either side of powers of two, random
// ones.
TEST(Permutation, EveryIndexExactlyOnce) {
  std::mt19937_64 random(11);
  std::vector<std::uint64_t> sizes = {1, 2, 3, 4, 5, 6, 7, 255, 256, 257, 65536, 65537, 1000000};
  for (int i = 0; i < 50; ++i) sizes.push_back(1 + random() % 5000);
  for (const std::uint64_t size : sizes) {
    const Permutation order(size, random() >> 11);
    std::vector<bool> seen(size);
    std::uint64_t value = order.start();
    for (std::uint64_t step = 0; step < order.step_count(); ++step) {
      ASSERT_GE(value, 1U);
      ASSERT_LT(value, order.prime());
      if (value <= size) {
        ASSERT_FALSE(seen[value - 1]) << size;
        seen[value - 1] = true;
      }
      value = order.next(value);
    }
    EXPECT_EQ(value, order.start());
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](bool bit) { return bit; })) << size;
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
  const TargetSet targets(ranges_of({"10.0.0.0/22", "10.9.0.0/24"}));
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
  const TargetSet targets(ranges_of({"10.0.0.0/20"}));
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
TEST(ShardBlocks, StepsToTargetsCountsOnlyTargets) {
  const TargetSet targets(ranges_of({"10.0.0.0/24"}));
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const Permutation order(targets.size(), seed);
    for (const std::uint64_t wanted : {1, 2, 100, 255, 256, 1000}) {
      TargetCursor cursor(targets, order);
      cursor.seek(0, steps_to_targets(order, wanted));
      std::vector<Ipv4> drawn(2000);
      EXPECT_EQ(cursor.next(drawn), std::min<std::uint64_t>(wanted, targets.size()));
    }
  }
}

}  // namespace
}  // namespace echoscan
