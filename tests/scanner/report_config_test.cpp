// The options of `echoscan report`: sizes of any unit, titles that are a line of text, and what
// does not go together. tests/end_to_end/report_test.sh has bundles and files.
#include "scanner/options/report_config.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/scanner/refusal_of.h"

namespace echoscan::report_config_test {
namespace {

std::vector<std::string> with(std::vector<std::string> options) {
  std::vector<std::string> arguments = {"results.jsonl", "--summary", "s.json", "-o", "p.html"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return arguments;
}

// Against whole numbers: a size is taken as it is, or is refused where it is out of bounds.
TEST(ReportConfig, BudgetsAreBytes) {
  std::mt19937_64 random(2);
  int taken = 0;
  for (int i = 0; i < 3'000; ++i) {
    const std::uint64_t number = random() % (std::uint64_t{1} << (1 + i % 40));
    const std::uint64_t unit = i % 3 == 0 ? 1 : i % 3 == 1 ? 1'000 : 1'000'000;
    const std::string text = std::to_string(number) + (unit == 1 ? "" : unit == 1'000 ? "k" : "M");
    const std::uint64_t bytes = number * unit;
    if (bytes < 100'000 || bytes > 1'000'000'000) {
      ASSERT_NE(refusal_of(parse_report_config, with({"--budget", text})).find("--budget: '"),
                std::string::npos)
          << text;
      continue;
    }
    ++taken;
    ASSERT_EQ(parse_report_config(with({"--budget", text}))->budget_bytes, bytes) << text;
  }
  EXPECT_GT(taken, 300);
  for (const char* wrong : {"", "M", "k", "-1", "2.5M", "2m", "2 M", "2MB", "0x10", "1e6",
                            "18446744073709551616", "18446744073709552k"})
    EXPECT_NE(refusal_of(parse_report_config, with({"--budget", wrong})).find("--budget: '"),
              std::string::npos)
        << wrong;
}

TEST(ReportConfig, ATitleIsALineOfText) {
  EXPECT_EQ(parse_report_config(with({}))->title, "A ping survey");
  EXPECT_EQ(parse_report_config(with({"--title", "Zürich <2026>"}))->title, "Zürich <2026>");
  for (const std::string& wrong : {std::string(), std::string("a\nb"), std::string("a\xff"),
                                   std::string("a\x1b[1m"), std::string(3'000, 'a')})
    EXPECT_NE(refusal_of(parse_report_config, with({"--title", wrong})).find("--title: '"),
              std::string::npos);
}

TEST(ReportConfig, WhatMakesNoSenseIsRefused) {
  const auto refused = [](const std::vector<std::string>& arguments) {
    return refusal_of(parse_report_config, arguments);
  };
  EXPECT_NE(refused({}).find("no results"), std::string::npos);
  EXPECT_NE(refused({"r"}).find("--summary FILE, or the folder of a bundle"), std::string::npos);
  EXPECT_NE(refused(with({"--mmdb", "m"})).find("-t FILE"), std::string::npos);
  EXPECT_NE(refused(with({"-x", "1.1.1.1"})).find("-t FILE"), std::string::npos);
  EXPECT_NE(refused(with({"--against", "b"})).find("-t FILE"), std::string::npos);
  EXPECT_NE(refused(with({"second.jsonl", "-t", "l", "--against", "b"})).find("two scans"),
            std::string::npos);
  EXPECT_NE(refused(with({"--layer", "speed"})).find("one of: rate, rtt, loss, label, change"),
            std::string::npos);
}

}  // namespace
}  // namespace echoscan::report_config_test
