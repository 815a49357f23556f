// Figures as people read them.
#include "output/summary/figure_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <sstream>

namespace echoscan::figure_text_test {
namespace {

TEST(FigureText, Thousands) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
  EXPECT_EQ(with_thousands(1000000001), "1,000,000,001");
}

TEST(FigureText, OneIsNoPlural) {
  EXPECT_STREQ(plural(0), "s");
  EXPECT_STREQ(plural(1), "");
  EXPECT_STREQ(plural(2, "es"), "es");
}

TEST(FigureText, NumbersAndTimesHaveAUnit) {
  EXPECT_EQ(short_number(999), "999 ");
  EXPECT_EQ(short_number(12'345), "12.3 k");
  EXPECT_EQ(short_number(1'234'567), "1.23 M");
  EXPECT_EQ(duration_text(5'900), "5.9 us");
  EXPECT_EQ(duration_text(1'500'000), "1.5 ms");
  EXPECT_EQ(percent(1, 0), 0);
  EXPECT_EQ(percent(1, 4), 25);
}

// Against a count of seconds that is divided another way; each second of three days, and each
// quarter of a second where units change.
TEST(FigureText, SpansAreTheirSeconds) {
  EXPECT_EQ(span_text(0.4), "0 s");
  EXPECT_EQ(span_text(42), "42 s");
  EXPECT_EQ(span_text(59.6), "1 min 0 s");
  EXPECT_EQ(span_text(7 * 3600 + 21 * 60 + 29), "7 h 21 min");
  EXPECT_EQ(span_text(3599.6), "1 h 0 min");
  EXPECT_EQ(span_text(86399), "1 d 0 h");
  EXPECT_EQ(span_text(3 * 86400 + 4 * 3600), "3 d 4 h");
  const std::map<std::string, std::uint64_t> units = {
      {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
  for (std::uint64_t quarters = 0; quarters < 4 * 3 * 86400; ++quarters) {
    const double seconds = static_cast<double>(quarters) / 4;
    std::istringstream text(span_text(seconds));
    double sum = 0;
    std::uint64_t smallest = 0;
    std::uint64_t number = 0;
    for (std::string unit; text >> number >> unit; smallest = units.at(unit)) {
      if (smallest > 0) {
        ASSERT_LT(number * units.at(unit), smallest) << seconds;
      }
      sum += static_cast<double>(number * units.at(unit));
    }
    ASSERT_LE(std::abs(sum - seconds), static_cast<double>(smallest) / 2) << seconds;
  }
}

}  // namespace
}  // namespace echoscan::figure_text_test
