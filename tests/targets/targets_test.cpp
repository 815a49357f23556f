// targets/: what lists may say, the set and its index.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

#include "targets/address.h"
#include "targets/distinct_ranges.h"
#include "targets/prefix.h"
#include "targets/special_purpose.h"
#include "targets/target_set.h"

namespace echoscan::targets_test {
namespace {

AddressRange range_of(const std::string& text) {
  const tl::expected<AddressRange, std::string> range = parse_range(text);
  EXPECT_TRUE(range) << text << ": " << range.error();
  return range.value_or(AddressRange{});
}

std::string error_of(const std::string& text) {
  const tl::expected<AddressRange, std::string> range = parse_range(text);
  EXPECT_FALSE(range) << text;
  return range ? "" : range.error();
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
  EXPECT_EQ(range_of("1.2.3.4-50"), (AddressRange{{0x01020304}, {0x01020332}}));
  EXPECT_EQ(range_of("1.2.3.0 / 24"), (AddressRange{{0x01020300}, {0x010203ff}}));
}

TEST(Prefix, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(error_of("1.2.3.4/24"), "host bits are set; the network is 1.2.3.0/24");
  EXPECT_NE(error_of("010.0.0.1").find("leading zero"), std::string::npos);
  EXPECT_NE(error_of("010.0.0.0/8").find("leading zero"), std::string::npos);
  EXPECT_NE(error_of("1.2.3.9-1.2.3.1").find("1.2.3.1-1.2.3.9"), std::string::npos);
  EXPECT_NE(error_of("2001:db8::1").find("IPv6"), std::string::npos);
  EXPECT_NE(error_of("1.2.3.4:80").find("has a port"), std::string::npos);
  EXPECT_NE(error_of("10").find("four numbers"), std::string::npos);
  for (const char* text : {"1.2.3.4/33", "1.2.3.4/", "1.2.3.4/24abc", "1.2.3.4/024", "1.2.3.4/-1",
                           "1.2.3.4/8/8", "1.2.3.4/+8", "1.2.3.4/8 8"})
    EXPECT_NE(error_of(text).find("from 0 to 32"), std::string::npos) << text;
  for (const char* text : {"", "-", "/", "1.2.3.4-", "-1.2.3.4", "1.2.3.4-3", "1.2.3.4-256",
                           "1.2.3.4-05", "1.2.3.4-6.7", "1.2.3.4 - 5", "1.2.3.4 x", "host"})
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

TEST(TargetSet, SubtractsAddressByAddress) {
  std::mt19937 generator(21);
  const auto random = [&generator] { return static_cast<std::uint32_t>(generator()); };
  for (unsigned round = 0; round < 500; ++round) {
    // As many ranges of the last 1,024 addresses as there may be, or few.
    const auto draw = [&random] {
      std::vector<AddressRange> ranges;
      for (unsigned i = random() % (random() % 2 == 0 ? 4 : 400); i > 0; --i) {
        const std::uint32_t first = 0xfffffc00 + random() % 1024;
        const std::uint32_t size = random() % 8 == 0 ? random() % 64 : random() % 2;
        ranges.push_back({Ipv4{first}, Ipv4{first > ~size ? ~0U : first + size}});
      }
      return merge_ranges(std::move(ranges));
    };
    const std::vector<AddressRange> ranges = draw();
    const std::vector<AddressRange> holes = draw();
    std::vector<AddressRange> expected;
    for (std::uint64_t value = 0xfffffc00; value <= 0xffffffff; ++value) {
      const auto lists = [value](const AddressRange& range) {
        return range.first.value <= value && value <= range.last.value;
      };
      const Ipv4 address{static_cast<std::uint32_t>(value)};
      if (std::any_of(ranges.begin(), ranges.end(), lists) &&
          std::none_of(holes.begin(), holes.end(), lists))
        expected.push_back({address, address});
    }
    EXPECT_EQ(text_of(merge_ranges(subtract_ranges(ranges, holes))),
              text_of(merge_ranges(expected)))
        << "round " << round;
  }
}

// More than several batches, sorted by digits and by comparing, with copies in and between batches.
TEST(DistinctRanges, AreThoseOfTheListInOrder) {
  std::mt19937 generator(22);
  const auto random = [&generator] { return static_cast<std::uint32_t>(generator()); };
  for (const std::uint32_t world : {1U << 12, 1U << 18, ~0U}) {
    for (const unsigned sizes : {1U, 3U, 5000U}) {
      for (const std::size_t count : {1U, 70'000U, 300'000U}) {
        std::vector<AddressRange> ranges;
        for (std::size_t i = 0; i < count; ++i) {
          const auto first = random() % world;
          const std::uint32_t size = random() % sizes;
          ranges.push_back({Ipv4{first}, Ipv4{first > ~size ? ~0U : first + size}});
        }
        // Lists ascend, descend, or do neither.
        if (random() % 3 == 0) std::sort(ranges.begin(), ranges.end());
        if (random() % 3 == 0) std::sort(ranges.begin(), ranges.end(), std::greater());
        DistinctRanges distinct;
        for (const AddressRange& range : ranges) distinct.add(range);

        std::sort(ranges.begin(), ranges.end());
        std::vector<AddressRange> repeated;
        append_overlaps(ranges, repeated);
        EXPECT_EQ(distinct.count_repeated(), count_addresses(repeated));
        ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
        EXPECT_TRUE(distinct.ranges() == ranges) << count << " ranges below " << world;
        EXPECT_TRUE(distinct.take_merged() == merge_ranges(ranges));
        EXPECT_EQ(distinct.size(), 0U);
        EXPECT_TRUE(distinct.take_merged().empty());
      }
    }
  }
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

}  // namespace
}  // namespace echoscan::targets_test
