// Figures as people read them.
#include "output/summary/figure_text.h"

#include <gtest/gtest.h>

namespace echoscan {
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

}  // namespace
}  // namespace echoscan
