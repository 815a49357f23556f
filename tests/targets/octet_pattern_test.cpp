// nmap's patterns: the ranges that they are, against every address one by one.
#include "targets/octet_pattern.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "targets/target_set.h"

namespace echoscan::octet_pattern_test {
namespace {

std::string reading_of(const std::string& text) {
  std::vector<AddressRange> ranges;
  const tl::expected<void, std::string> read = read_octet_pattern(text, ranges);
  if (!read) return "!" + read.error();
  std::string list;
  for (const AddressRange& range : ranges) list += (list.empty() ? "" : " ") + to_string(range);
  return list;
}

TEST(OctetPattern, IsTheRangesThatItStandsFor) {
  EXPECT_EQ(reading_of("198.51.100.*"), "198.51.100.0/24");
  EXPECT_EQ(reading_of("198.51.100-101.*"), "198.51.100.0/23");
  EXPECT_EQ(reading_of("198.51.100-101.1-50"),
            "198.51.100.1-198.51.100.50 198.51.101.1-198.51.101.50");
  EXPECT_EQ(reading_of("198.51-52.0-255.7").substr(0, 23), "198.51.0.7 198.51.1.7 1");
  EXPECT_EQ(reading_of("10.*.*.*"), "10.0.0.0/8");
  EXPECT_EQ(reading_of("*.*.*.*"), "0.0.0.0/0");
  EXPECT_EQ(reading_of("1-2.3-4.5.6-7"), "1.3.5.6/31 1.4.5.6/31 2.3.5.6/31 2.4.5.6/31");
}

TEST(OctetPattern, WhatIsWrongIsSaid) {
  for (const char* text :
       {"198.51.100-.1", "198.51.101-100.1", "198.51.*.256", "198.51.0-256.1", "198.51.**.1",
        "198.51.1-*.1", "198.51.01-2.1", "198..*.1", "198.51.*-9.1"})
    EXPECT_NE(reading_of(text).find("' is not an IPv4 address, nor four numbers"),
              std::string::npos)
        << text << ": " << reading_of(text);
  EXPECT_EQ(reading_of("*.*.*.1"), "!the pattern makes 16777216 ranges; at most 4096 are read");
  EXPECT_EQ(reading_of("1.0-16.*.1").substr(0, 30), "!the pattern makes 4352 ranges");
  EXPECT_EQ(reading_of("1.0-15.*.1").substr(0, 17), "1.0.0.1 1.0.1.1 1");
}

TEST(OctetPattern, AddressesAndRangesAreNone) {
  for (const char* text : {"198.51.100.1", "198.51.100.1-50", "198.51.100.1-198.51.100.9",
                           "198.51.100.0/24", "-", "*", "1-2", "198.51.100.1-", "a.b.c.*", ""})
    EXPECT_FALSE(is_octet_pattern(text)) << text;
  for (const char* text : {"198.51.100.*", "198.51.100-101.1", "1-2.3.4.5", "*.*.*.*", "1.2.3.1-*"})
    EXPECT_TRUE(is_octet_pattern(text)) << text;
}

// The addresses of a pattern are those whose four numbers each lie in their span.
TEST(OctetPattern, AgreesWithItsMeaningOnRandomPatterns) {
  std::mt19937 random(11);
  for (unsigned round = 0; round < 300; ++round) {
    std::array<std::pair<unsigned, unsigned>, 4> spans;
    std::string text;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const unsigned first = random() % 256;
      const unsigned last =
          std::min(255U, first + static_cast<unsigned>(random() % (i < 2 ? 3 : 99)));
      const bool is_star = i >= 2 && random() % 4 == 0;
      spans[i] = is_star ? std::pair(0U, 255U) : std::pair(first, last);
      text += (i == 0 ? "" : ".") + (is_star ? "*"
                                     : first == last
                                         ? std::to_string(first)
                                         : std::to_string(first) + "-" + std::to_string(last));
    }
    std::vector<AddressRange> ranges;
    ASSERT_TRUE(read_octet_pattern(text, ranges)) << text;
    std::uint64_t expected = 1;
    for (const auto& [first, last] : spans) expected *= last - first + 1;
    const std::vector<AddressRange> merged = merge_ranges(ranges);
    ASSERT_EQ(count_addresses(ranges), expected) << text;
    ASSERT_EQ(count_addresses(merged), expected) << text;
    for (const AddressRange& range : ranges)
      for (const Ipv4 end : {range.first, range.last})
        for (std::size_t i = 0; i < spans.size(); ++i) {
          const unsigned octet = end.value >> (24 - 8 * i) & 0xff;
          ASSERT_TRUE(octet >= spans[i].first && octet <= spans[i].second) << text;
        }
  }
}

}  // namespace
}  // namespace echoscan::octet_pattern_test
