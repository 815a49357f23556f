// Lines of text lists: what is written as a target is one or an error, and never a label.
#include "targets/target_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <regex>
#include <string>
#include <vector>

namespace echoscan::target_line_test {
namespace {

// "1.2.3.0/24 9.9.9.9=label", or "!" and what is wrong.
std::string reading_of(const std::string& line) {
  std::vector<AddressRange> ranges;
  const tl::expected<std::string_view, LineFault> label = read_target_line(line, ranges);
  if (!label) return "!" + label.error().what;
  std::string text;
  for (const AddressRange& range : ranges) text += (text.empty() ? "" : " ") + to_string(range);
  return label->empty() ? text : text + "=" + std::string(*label);
}

TEST(TargetLine, ReadsWhatCanOnlyMeanOneThing) {
  const std::vector<std::pair<const char*, const char*>> lines = {
      {"", ""},
      {"# 1.2.3.4", ""},
      {"; Spamhaus DROP List 2026/01/01 - (c) 2026", ""},
      {"198.51.100.0/24 ; SBL256894", "198.51.100.0/24"},
      {"198.51.100.0 /24", "198.51.100.0/24"},
      {"198.51.100.0/ 24 web", "198.51.100.0/24=web"},
      {"198.51.100.0 / 24", "198.51.100.0/24"},
      {"198.51.100.0 255.255.255.0", "198.51.100.0/24"},
      {"198.51.100.0\t255.255.255.0\tweb", "198.51.100.0/24=web"},
      {"198.51.100.7 255.255.255.255", "198.51.100.7"},
      {"198.51.100.1 - 198.51.100.9", "198.51.100.1-198.51.100.9"},
      {"198.51.100.1 -198.51.100.9 web", "198.51.100.1-198.51.100.9=web"},
      {"198.51.100.1-50", "198.51.100.1-198.51.100.50"},
      {"10.2.0.1-20", "10.2.0.1-10.2.0.20"},
      {"198.51.100.1 198.51.100-101.* web", "198.51.100.1 198.51.100.0/23=web"},
      {"198.51.100.*,203.0.113.9", "198.51.100.0/24 203.0.113.9"},
      {"// a comment of masscan's", ""},
      {"  -- another", ""},
      {"198.51.100.1,198.51.100.9", "198.51.100.1 198.51.100.9"},
      {"198.51.100.1, 198.51.100.9", "198.51.100.1 198.51.100.9"},
      {"198.51.100.9 198.51.100.1", "198.51.100.9 198.51.100.1"},
      {"198.51.100.1 198.51.100.2 web", "198.51.100.1 198.51.100.2=web"},
      {"198.51.100.1 198.51.100.5 198.51.100.9", "198.51.100.1 198.51.100.5 198.51.100.9"},
      {"198.51.100.0/25 203.0.113.0/24,192.0.2.1 - 192.0.2.3 x",
       "198.51.100.0/25 203.0.113.0/24 192.0.2.1-192.0.2.3=x"},
      {"198.51.100.0/24,US,US-NJ,North Bergen,07047",
       "198.51.100.0/24=US,US-NJ,North Bergen,07047"},
      {"198.51.100.1 ,", "198.51.100.1"},
      // What only resembles a target is a label.
      {"198.51.100.1 1.100.51.198.in-addr.arpa", "198.51.100.1=1.100.51.198.in-addr.arpa"},
      {"198.51.100.1 198.51.100.1-static.example.net",
       "198.51.100.1=198.51.100.1-static.example.net"},
      {"198.51.100.1 2024-01-01 12:30:00", "198.51.100.1=2024-01-01 12:30:00"},
      {"198.51.100.1 02:00:5e:10:00:01", "198.51.100.1=02:00:5e:10:00:01"},
      {"198.51.100.1 rack 3/8", "198.51.100.1=rack 3/8"},
      {"198.51.100.1 64500", "198.51.100.1=64500"},
      {"198.51.100.0/24 24", "198.51.100.0/24=24"},
      {"198.51.100.1 1.2.3", "198.51.100.1=1.2.3"},
  };
  for (const auto& [line, expected] : lines) EXPECT_EQ(reading_of(line), expected) << line;
}

TEST(TargetLine, RefusesWhatCanMeanTwoThings) {
  const std::vector<std::pair<const char*, const char*>> lines = {
      {"198.51.100.0 198.51.100.255", "write 198.51.100.0-198.51.100.255 for the range"},
      {"198.51.100.0,198.51.100.255,US", "two addresses may be two targets"},
      {"198.51.100.0 24", "may be a prefix length or a label; write 198.51.100.0/24"},
      {"198.51.100.0\t24\t64500", "may be a prefix length"},
      {"198.51.100.0 0.0.0.255", "0.0.0.255 may be a mask or a target"},
      {"0.0.0.0 0.0.0.0", "may be a mask"},
      {"128.0.0.0 192.0.0.0", "may be a mask"},
      {"198.51.100.1 255.255.255.0", "host bits are set; the network is 198.51.100.0/24"},
      {"198.51.100.0 255.255.255.0 192.0.2.1", "behind a network and its mask"},
      {"198.51.100.1 web 198.51.100.2", "a label cannot hold what is written as a target"},
      {"198.51.100.1 to 198.51.100.9", "a label cannot hold"},
      {"198.51.100.1 (198.51.100.2)", "a label cannot hold"},
      {"198.51.100.1 gw=198.51.100.2", "a label cannot hold"},
      {"198.51.100.1 | 198.51.100.2", "a label cannot hold"},
      {"198.51.100.1 netmask 0xffffff00", "a label cannot hold"},
      {"198.51.100.1 x\xc2\xa0"
       "198.51.100.2",
       "a label cannot hold"},
      {"198.51.100.1 web /24", "a label cannot hold"},
      {"198.51.100.1 \xe2\x80\x93 50", "a range is written with '-'"},
      {"198.51.100.1 \xe2\x80\x93 198.51.100.9", "a range is written with '-'"},
      {"198.51.100.1 ; 198.51.100.2", "in a comment stands what may be a target"},
      {"; 198.51.100.2", "in a comment stands what may be a target"},
      {"198.51.100.1;198.51.100.2", "is not an IPv4 address"},
      {"198.51.100.1 198.51.100.300", "is not an IPv4 address"},
      {"198.51.100.1 198.51.1-*.1", "is not an IPv4 address"},
      {"198.51.100.1 198.51.101-100.1", "is not an IPv4 address"},
      {"198.51.100.0 255.255.255.0 192.0.2.*", "behind a network and its mask"},
      {"198.51.100.1 web 198.51.100.*", "a label cannot hold"},
      {"// 198.51.100.2", "in a comment stands what may be a target"},
      {"-- 198.51.100.0/24", "in a comment stands what may be a target"},
      {"198.51.100.1 10.1/16", "is not an IPv4 address"},
      {"198.51.100.1 10/8", "is not an IPv4 address"},
      {"198.51.100.1 /33", "the prefix length behind '/'"},
      {"198.51.100.1 198.51.100.2:80", "has a port"},
      {"198.51.100.1 2001:db8::1", "IPv6"},
      {"198.51.100.1 - fifty", "is not an IPv4 address"},
      {"198.51.100.1 - 50", "is not an IPv4 address"},
      {"web 198.51.100.1", "is not an IPv4 address"},
  };
  for (const auto& [line, expected] : lines) {
    const std::string reading = reading_of(line);
    EXPECT_EQ(reading.substr(0, 1), "!") << line << ": " << reading;
    EXPECT_NE(reading.find(expected), std::string::npos) << line << ": " << reading;
  }
}

// A line of few bytes does not take the memory of a list of millions.
TEST(TargetLine, PatternsOfALineAreBounded) {
  std::string line;
  for (int i = 0; i < 16; ++i) line += std::to_string(i + 1) + ".0-15.*.1 ";
  std::vector<AddressRange> ranges;
  ASSERT_TRUE(read_target_line(line, ranges));
  EXPECT_EQ(ranges.size(), 65'536U);
  EXPECT_NE(reading_of(line + "20.1.1-2.1").find("more than 65536 ranges"), std::string::npos);
}

// Lines put together at random: each address that stands in an accepted one is covered by its
// ranges, or is their mask.
TEST(TargetLine, NoAddressOfALineIsLost) {
  const std::vector<std::string> parts = {"198.51.100.0",
                                          "198.51.100.0/24",
                                          "203.0.113.9",
                                          "192.0.2.1-192.0.2.7",
                                          "192.0.2.1-9",
                                          "255.255.255.0",
                                          "0.0.0.255",
                                          "255.255.255.255",
                                          "web",
                                          "a b",
                                          "24",
                                          "/24",
                                          "-",
                                          "64500",
                                          ";",
                                          "(203.0.113.9)",
                                          "=",
                                          "to",
                                          "\xe2\x80\x93",
                                          "\xc2\xa0",
                                          "host.example.net",
                                          "|",
                                          "3/8",
                                          ":80"};
  const std::vector<std::string> gaps = {" ", "  ", ",", ", ", "\t", "", ";", " - ", " /"};
  const std::regex quad("(^|[^\\w.-])([0-9]{1,3}(\\.[0-9]{1,3}){3})(?![\\w.-])");
  std::mt19937 random(7);
  unsigned accepted = 0;
  for (unsigned round = 0; round < 8'000; ++round) {
    std::string line = parts[random() % 6];
    for (unsigned i = random() % 4; i > 0; --i)
      line += gaps[random() % gaps.size()] + parts[random() % parts.size()];
    std::vector<AddressRange> ranges;
    const tl::expected<std::string_view, LineFault> label = read_target_line(line, ranges);
    if (!label) continue;
    ++accepted;
    ASSERT_FALSE(ranges.empty()) << line;
    for (std::sregex_iterator found(line.begin(), line.end(), quad), end; found != end; ++found) {
      const std::string text = (*found)[2];
      const Ipv4 address = parse_ipv4(text).value();
      const bool is_covered =
          std::any_of(ranges.begin(), ranges.end(), [address](const AddressRange& range) {
            return range.first <= address && address <= range.last;
          });
      const bool is_mask = ranges.size() == 1 && text.starts_with("255.") &&
                           ranges[0].size() == std::uint64_t{~address.value} + 1;
      EXPECT_TRUE(is_covered || is_mask) << text << " is lost of: " << line;
    }
    EXPECT_FALSE(std::regex_search(std::string(*label), quad)) << line;
    // A length that stands alone was applied, or is behind something that has one.
    if (std::regex_search(line, std::regex("^198\\.51\\.100\\.0\\s*/24"))) {
      EXPECT_EQ(ranges[0].size(), 256U) << line;
    }
  }
  EXPECT_GT(accepted, 800U);
}

}  // namespace
}  // namespace echoscan::target_line_test
