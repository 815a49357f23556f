// A report's page without a browser: its size, its policy, that others' texts are inert, that the
// same scan gives the same bytes, and that what stands between a figure and the truth is said.
// tests/end_to_end/report_test.sh opens pages in a browser.
#include "output/report/report_page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>

#include "output/aggregate/line_source.h"
#include "output/report/page_figures.h"
#include "tests/output/sample_summary.h"
#include "tests/sweep_step.h"

namespace echoscan::report_page_test {
namespace {

constexpr std::uint64_t kBudget = 20'000'000;

// A scan of networks from 10.0.0.0 on, 256 asked in each, of which some answer.
struct Scan {
  Summary summary = sample_summary();
  Aggregate aggregate{{Grouping::slash24, Grouping::country, Grouping::asn, Grouping::label}};
  AggregateReport report;
  ReplyMap map;

  explicit Scan(std::size_t networks = 16) {
    std::mt19937_64 random(7);
    map.knows_asked = true;
    map.labels = {"", "eu-west-1/EC2"};
    for (std::size_t i = 0; i < networks; ++i) {
      ReplyMap::Cell cell;
      cell.number = (10U << 16) + static_cast<std::uint32_t>(i);
      cell.population = cell.asked = 256;
      cell.replies = random() % 2 == 0 ? 0 : static_cast<std::uint32_t>(random() % 40);
      cell.rtt_p50_us =
          cell.replies == 0 ? 0 : 1'000 + static_cast<std::uint32_t>(random() % 200'000);
      cell.label = 1;
      map.cells.push_back(cell);
    }
    summary.response = {1024, 1024, 122.0 / 1024, 122.0 / 1024, 122.0 / 1024};
    add_line(R"({"target":"10.0.0.1","rtt_us":1500.5,"label":"eu-west-1/EC2","country":"IE"})");
  }

  void add_line(std::string line) {
    line.append(LineSource::kPaddingBytes, ' ');
    const std::string_view text(line.data(), line.size() - LineSource::kPaddingBytes);
    ASSERT_TRUE(aggregate.add_line(text)) << line;
  }

  [[nodiscard]] std::string html(const std::string& title = "Pilot",
                                 std::uint64_t budget = kBudget) const {
    const auto page = report_page({summary, aggregate, report, map, title}, budget);
    EXPECT_TRUE(page) << page.error();
    return page ? page->html : "";
  }
};

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

TEST(ReportPage, SameScanGivesTheSameBytes) {
  EXPECT_EQ(Scan().html(), Scan().html());
}

TEST(ReportPage, OthersTextsAreInert) {
  const std::string evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'";
  Scan scan;
  const std::size_t scripts = count_of(scan.html(), "<script");
  scan.map.labels[1] = evil;
  scan.summary.outcome = evil;
  scan.summary.events = {{1.5, evil, evil}};
  scan.summary.receiving.errors = {{evil, 3, 1, 7, 5}};
  scan.summary.receiving.top_repeaters = {{evil, 900, 900}};
  scan.summary.targets.digest = evil;
  scan.add_line(R"({"target":"10.0.1.1","rtt_us":2,"country":"IE","asn":64500,"as_org":)" +
                nlohmann::json(evil).dump() + R"(,"label":)" + nlohmann::json(evil).dump() + "}");
  const std::string html = scan.html(evil);
  EXPECT_EQ(count_of(html, "<script"), scripts);
  EXPECT_EQ(count_of(html, "<img"), 1U) << "the still map";
  EXPECT_EQ(html.find("</script><script>alert"), std::string::npos);
  EXPECT_NE(html.find("&lt;/script&gt;"), std::string::npos) << "it is shown as it is";
}

// Nothing can be fetched by the policy, and nothing asks to be.
TEST(ReportPage, AsksForNothing) {
  const std::string html = Scan().html();
  EXPECT_NE(html.find("default-src 'none'; script-src 'sha256-"), std::string::npos);
  EXPECT_EQ(html.find("unsafe-inline"), std::string::npos);
  EXPECT_EQ(html.find("sourceMappingURL"), std::string::npos);
  const std::regex reference(
      "<(link|iframe|object|embed|base)\\b|<(script|img)[^>]* src=\"(?!data:)");
  EXPECT_FALSE(std::regex_search(html.substr(0, html.find("id=\"figures\"")), reference));
  EXPECT_EQ(count_of(html.substr(0, html.find("id=\"figures\"")), " style=\""), 0U)
      << "the policy refuses it";
}

TEST(ReportPage, AClouds308594NetworksTakeLessThanTwoMegabytes) {
  const std::string html = Scan(308'594).html();
  EXPECT_LT(html.size(), 2'000'000U);
  EXPECT_GT(html.size(), 500'000U);
  std::cout << "308,594 networks: " << html.size() << " bytes, none: " << Scan(0).html().size()
            << "\n";
}

// A map of 670 MB, which the sanitizers would make several times as large, and nothing else in it.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(ReportPage, AllOfIpv4TakesLessThanTwentyMegabytes) {
  Scan scan(0);
  scan.map.cells.resize(1U << 24);
  std::mt19937_64 random(1);
  std::uint32_t density = 0;
  std::size_t answering = 0;
  for (std::uint32_t number = 0; number < scan.map.cells.size(); ++number) {
    // Networks answer in clusters; three in ten do, as in censuses.
    if (number % 64 == 0)
      density = random() % 100 < 30 ? 1 + static_cast<std::uint32_t>(random() % 120) : 0;
    ReplyMap::Cell& cell = scan.map.cells[number];
    cell.number = number;
    cell.population = cell.asked = 256;
    if (density == 0) continue;
    cell.replies = std::min(256U, density / 2 + static_cast<std::uint32_t>(random() % density));
    if (cell.replies == 0) continue;
    ++answering;
    cell.rtt_p50_us =
        20'000 + (number >> 8) % 1'000 * 200 + static_cast<std::uint32_t>(random() % 20'000);
  }
  EXPECT_GT(answering, 4'500'000U);
  const auto page =
      report_page({scan.summary, scan.aggregate, scan.report, scan.map, "All"}, kBudget);
  ASSERT_TRUE(page) << page.error();
  EXPECT_EQ(page->map_prefix_length, 24U);
  EXPECT_LT(page->html.size(), 15'000'000U);
  std::cout << "all of IPv4: " << page->html.size() << " bytes, of " << answering
            << " networks that answer\n";
}
#endif

TEST(ReportPage, DetailFallsToMeetTheBudget) {
  const Scan scan(308'594);
  const ReportContent content{scan.summary, scan.aggregate, scan.report, scan.map, "Pilot"};
  unsigned before = 24;
  for (std::uint64_t budget = 2'000'000; budget > 0; budget -= budget / 8 + 1) {
    const auto page = report_page(content, budget);
    if (!page) {
      EXPECT_NE(page.error().find("/16"), std::string::npos) << page.error();
      EXPECT_EQ(before, 16U);
      return;
    }
    EXPECT_LE(page->html.size(), budget);
    EXPECT_LE(page->map_prefix_length, before);
    before = page->map_prefix_length;
    EXPECT_NE(page->html.find("A cell is a /" + std::to_string(before)), std::string::npos);
  }
  ADD_FAILURE() << "no budget is refused";
}

TEST(ReportPage, ManyGroupsMakeFewElements) {
  Scan scan;
  for (int i = 0; i < 20'000; ++i)
    scan.add_line(R"({"target":"10.0.0.2","rtt_us":2,"label":"region )" + std::to_string(i) +
                  R"(","asn":)" + std::to_string(i + 1) + R"(,"as_org":"one"})");
  // Results that somebody else has written may have labels of any length.
  for (int i = 0; i < 6'000; ++i)
    scan.add_line(R"({"target":"10.0.0.2","rtt_us":2,"label":"long )" + std::to_string(i) +
                  std::string(1'000, 'x') + "\"}");
  scan.summary.receiving.errors.assign(500, {"unreach", 3, 1, 7, 5});
  scan.summary.events.assign(500, {1.5, "the link is lost", "it waits"});
  const std::string html = scan.html();
  EXPECT_LT(html.size(), 4'000'000U);
  const std::regex element("<[a-z]");
  const std::string body = html.substr(0, html.find("id=\"figures\""));
  EXPECT_LT(std::distance(std::sregex_iterator(body.begin(), body.end(), element), {}), 3'000);
  EXPECT_NE(html.find("25 of 26,001, most asked first"), std::string::npos);
}

TEST(ReportPage, SaysWhatStandsBetweenAFigureAndTheTruth) {
  Scan scan;
  EXPECT_EQ(scan.html().find("The scan ended early"), std::string::npos);
  scan.summary.outcome = "interrupted";
  scan.summary.ledger.in_doubt = 17;
  scan.summary.ledger.faults = {"a is 1, but b is 2"};
  scan.summary.ledger.without_way = 4;
  scan.report.malformed = 3;
  const std::string html = scan.html();
  for (const char* sentence :
       {"The scan ended early: interrupted.", "17 probes are in doubt", "do not agree: a is 1",
        "4 probes had no way", "3 lines of the results were no results",
        "The results hold 1 replies and the summary 122"})
    EXPECT_NE(html.find(sentence), std::string::npos) << sentence;
}

TEST(ReportPage, ASampleHasItsIntervalAndTooFewSayNothing) {
  Scan scan;
  scan.summary.response = {1'000, 100'000, 0.0617, 0.0484, 0.0784};
  EXPECT_NE(scan.html().find("between 4.84 % and 7.84 % would have answered (4,840 to 7,840"),
            std::string::npos);
  scan.summary.response = {20, 100'000, 0.05, std::nullopt, std::nullopt};
  EXPECT_NE(scan.html().find("too few were asked"), std::string::npos);
}

TEST(ReportPage, AnEstimateIsCalledALowerBound) {
  Scan scan;
  scan.summary.order.passes = 2;
  scan.summary.passes.each = {{1024, {100, 10, 10, 0.1}}, {1024, {112, 22, 22, 0.2}}};
  scan.summary.passes.histories = {0, 10, 22, 90};
  scan.summary.passes.estimate = {124.4, 2.6, std::nullopt};
  const std::string html = scan.html();
  EXPECT_NE(html.find("at least about 124 would have answered"), std::string::npos);
  EXPECT_NE(html.find("a lower bound: losses that hit every pass are invisible"),
            std::string::npos);
  scan.summary.passes.estimate = {};
  scan.summary.passes.why_no_estimate = "the passes did not ask the same targets";
  EXPECT_NE(scan.html().find("no estimate of how many would answer without losses: the passes did"),
            std::string::npos);
}

// What a scan did not do is not said of it.
TEST(ReportPage, OtherScansAreDescribedAsTheyWere) {
  Scan scan;
  const auto has = [&scan](const std::string& sentence) {
    return scan.html().find(sentence) != std::string::npos;
  };
  EXPECT_TRUE(has("All addresses of the lists were asked"));
  EXPECT_TRUE(has("Each address was asked once"));
  scan.summary.ledger.without_way = 5;
  EXPECT_TRUE(has("All addresses of the lists that have a way were asked"));
  // Nine passes, of which no histories are kept.
  scan.summary.order.passes = 9;
  EXPECT_TRUE(has("in each of 9 passes"));
  EXPECT_TRUE(has("Nothing is known of losses, as of so many passes no histories are kept"));
  EXPECT_FALSE(has("Each address was asked once"));
  EXPECT_FALSE(has("One pass was sent"));
  scan.summary.order.passes = 3;
  scan.summary.order.retries = 2;
  scan.summary.passes.each = {
      {1024, {100, 90, 0, {}}}, {924, {10, 10, 0, {}}}, {914, {12, 12, 0, {}}}};
  scan.summary.passes.why_no_estimate = "passes did not ask the same targets";
  EXPECT_TRUE(has("and up to 2 more to each that had not answered by then"));
  EXPECT_TRUE(has("what each has lost is not known"));
  EXPECT_FALSE(has("in each of"));
  EXPECT_TRUE(has("--retry 2"));
  scan.map.knows_asked = false;
  const auto page = report_page(
      {scan.summary, scan.aggregate, scan.report, scan.map, "x", false, {}, {}, "some had no way"},
      kBudget);
  ASSERT_TRUE(page);
  EXPECT_NE(page->html.find("Nobody knows which networks were asked, as some had no way"),
            std::string::npos);
}

// The command that repeats the scan has the rate that was asked, to the thousandth.
TEST(ReportPage, TheCommandHasTheRate) {
  Scan scan;
  scan.summary.sending.rate_asked_pps = 0;
  EXPECT_NE(scan.html().find("--rate max "), std::string::npos);
  std::mt19937_64 random(9);
  for (int i = 0; i < 300; i += kSweepStep) {
    const std::uint64_t thousandths = 1 + random() % (std::uint64_t{1} << (1 + i % 40));
    scan.summary.sending.rate_asked_pps = static_cast<double>(thousandths) / 1000;
    const std::string html = scan.html();
    const std::size_t at = html.find("--rate ") + 7;
    const std::string text = html.substr(at, html.find(' ', at) - at);
    ASSERT_EQ(text.find_first_not_of("0123456789."), std::string::npos) << text;
    ASSERT_EQ(std::llround(std::stod(text) * 1000), static_cast<long long>(thousandths)) << text;
  }
}

TEST(ReportPage, AChangeIsHeldAgainstChance) {
  Scan scan;
  scan.map.is_compared = true;
  ReportContent content{scan.summary, scan.aggregate, scan.report, scan.map, "Second"};
  const auto said = [&content](std::uint64_t gained, std::uint64_t lost) {
    content.earlier = EarlierScan{"first <scan>", 1795367474961, 5'000, gained, lost, 40'000};
    return report_page(content, kBudget)->html;
  };
  const std::string alike = said(90, 100);
  EXPECT_NE(alike.find("Against first &lt;scan&gt; of 2026-11-22T17:11:14.961Z: 5,000 addresses "
                       "answered both scans, 90 this one alone, 100 the earlier one alone, of "
                       "40,000 that both have asked. By chance alone"),
            std::string::npos);
  EXPECT_NE(said(10, 200).find("heard fewer by more than chance (-13.1 standard deviations)"),
            std::string::npos);
}

// In a survey a group that was asked and is silent is a finding.
TEST(PageFigures, SilentGroupsAreThere) {
  Scan scan;
  const auto label = static_cast<std::size_t>(Grouping::label);
  scan.report.targets = {1024, 1024};
  scan.report.targets_by_name[label]["eu-west-1/EC2"] = {500, 500};
  scan.report.targets_by_name[label]["sa-east-1/EC2"] = {524, 524};
  const std::vector<PageGroup> groups =
      page_groups({scan.summary, scan.aggregate, scan.report, scan.map, ""});
  ASSERT_FALSE(groups.empty());
  ASSERT_EQ(groups[0].rows.size(), 2U);
  EXPECT_EQ(groups[0].rows[0].name, "sa-east-1/EC2") << "most asked first";
  EXPECT_EQ(groups[0].rows[0].answered, 0U);
  EXPECT_EQ(groups[0].rows[1].answered, 1U);
}

}  // namespace
}  // namespace echoscan::report_page_test
