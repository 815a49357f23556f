// The report on a selection: figures that add up, the same for people and for scripts, and ranges
// that are a list again.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "scanner/command/target_report.h"
#include "targets/target_list.h"
#include "tests/scanner/plan_of.h"

namespace echoscan::target_report_test {
namespace {

std::string write_file(const std::string& name, const std::string& text) {
  std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

TargetSelection sample_selection(const std::string& system_list = {}) {
  const std::string list = write_file(
      "report.txt", "1.0.0.0/24 a\n1.0.0.0/26 b\n1.0.1.0/24\n10.0.0.0/30\n127.0.0.1 c\nx\n");
  TargetConfig config =
      parse_target_report_config({"-t", list, "-x", "1.0.0.0/28", "--skip-bad-lines"})
          .value()
          .target;
  config.system_exclude_file = system_list;
  return select_targets(config);
}

const std::vector<WayShare> kWays{
    {{Way::Kind::gateway, 2, Ipv4{0xc0000202}, Ipv4{0xc0000201}}, "eth0", {}, 480},
    {{Way::Kind::blackhole, 0, {}, {}}, "", {}, 16}};

TEST(TargetReport, TheSystemWideListIsSaid) {
  const std::string system = write_file("system.txt", "1.0.0.0/27\n2.0.0.0/24\n");
  const TargetSelection selection = sample_selection(system);
  const auto json = nlohmann::json::parse(target_report_json(selection, kWays, false));
  EXPECT_EQ(json["excluded_by_user"], 16);
  EXPECT_EQ(json["excluded_by_system_list"], 16);
  EXPECT_EQ(json["system_list"]["path"], system);
  EXPECT_EQ(json["system_list"]["digest"], "sha256:" + system_list_digest(system));
  EXPECT_EQ(json["count"], 480);
  EXPECT_NE(target_report_text(selection, kWays).find("                      16  by " + system),
            std::string::npos)
      << target_report_text(selection, kWays);
  // Where there is none, it has no line.
  const auto without = nlohmann::json::parse(target_report_json(sample_selection(), kWays, false));
  EXPECT_EQ(without["excluded_by_system_list"], 0);
  EXPECT_EQ(without["system_list"], nullptr);
}

TEST(TargetReport, CountsAddUpInJson) {
  const auto json = nlohmann::json::parse(target_report_json(sample_selection(), kWays, true));
  EXPECT_EQ(json["listed"], 517);
  EXPECT_EQ(json["listed_repeatedly"], 64);
  EXPECT_EQ(json["excluded_by_user"], 16);
  EXPECT_EQ(json["excluded_reserved"], 5);
  EXPECT_EQ(json["reserved"][0]["rfc"], "RFC 1918");
  EXPECT_EQ(json["reserved"][0]["count"], 4);
  EXPECT_EQ(json["bad_lines"], 1);
  EXPECT_EQ(json["count"], 496);
  EXPECT_EQ(json["range_count"], 1);
  EXPECT_EQ(json["slash24_count"], 2);
  EXPECT_EQ(json["labels"][0], (nlohmann::json{{"label", nullptr}, {"count", 256}}));
  EXPECT_EQ(json["labels"][2], (nlohmann::json{{"label", "b"}, {"count", 48}}));
  EXPECT_EQ(json["labels"].size(), 3U);
  EXPECT_EQ(json["ways"].size(), 2U);
  EXPECT_EQ(json["ways"][0], (nlohmann::json{{"kind", "gateway"},
                                             {"interface", "eth0"},
                                             {"next_hop", "192.0.2.2"},
                                             {"source", "192.0.2.1"},
                                             {"count", 480}}));
  EXPECT_EQ(json["ways"][1]["interface"], nullptr);
  EXPECT_EQ(json["ranges"].size(), 3U);
  EXPECT_EQ(json["ranges"][0]["first"], "1.0.0.16");
  EXPECT_EQ(json["ranges"][1]["label"], "a");
  EXPECT_FALSE(nlohmann::json::parse(target_report_json(sample_selection(), kWays, false))
                   .contains("ranges"));
}

TEST(TargetReport, TextSaysTheSameToPeople) {
  EXPECT_EQ(target_report_text(sample_selection(), kWays),
            "left out               1  bad lines (--skip-bad-lines)\n"
            "listed               517  on the lists, 64 of them more than once\n"
            "excluded              16  by --exclude and --exclude-file\n"
            "                       5  in special-purpose ranges (IANA registry of 2020-09-04, "
            "multicast):\n"
            "                       4    10.0.0.0/8         private use, RFC 1918\n"
            "                       1    127.0.0.0/8        loopback, RFC 1122\n"
            "remaining            496  to probe, in 1 range and 2 /24 networks\n"
            "labels               256  (none)\n"
            "                     192  a\n"
            "                      48  b\n"
            "ways                 480  eth0 via 192.0.2.2 from 192.0.2.1\n"
            "                      16  blackhole\n"
            "digest     sha256:" +
                sample_selection().digest + "\n");
}

TEST(TargetReport, WhatIsNotThereAsItWasWrittenIsSaid) {
  const std::string list = write_file("cut.txt", "1.0.0.0/24 " + std::string(300, 'x') + "\n");
  const std::string hosts = write_file("hosts.json", R"([{"urls":["example.net"]},{"ips":[]}])");
  const TargetSelection selection =
      select_targets(parse_target_report_config({"-t", list, "-t", hosts}).value().target);
  const std::string text = target_report_text(selection, kWays);
  EXPECT_NE(text.find("left out               1  entries that name hosts and no address\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("cut                    1  entries' labels, at 255 bytes\nlabels  "),
            std::string::npos)
      << text;
  const auto json = nlohmann::json::parse(target_report_json(selection, kWays, false));
  EXPECT_EQ(json["cut_labels"], 1);
  EXPECT_EQ(json["host_entries"], 1);
}

TEST(TargetReport, AScansOutlook) {
  const auto outlook = [](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = options;
    arguments.push_back("192.0.2.0/24");
    return outlook_of(parse_target_report_config(arguments).value(), 1'000'000);
  };
  const ScanOutlook sample =
      outlook({"--max-targets", "1%", "--rate", "500", "--probes", "2", "--pass-gap", "2.5"});
  EXPECT_EQ(sample.targets, 10'000U);
  EXPECT_EQ(sample.probes, 20'000U);
  EXPECT_DOUBLE_EQ(sample.seconds, 42.5);
  const std::string text = target_report_text(sample_selection(), kWays, &sample);
  EXPECT_NE(
      text.find("sample            10,000  of them, 1 %: shares are known (95 %): 50 % to 0.97, "
                "10 % to 0.59, 1 % to 0.19 points, either way\n"
                "scan              20,000  probes in 2 passes, 42.5 s at 500 a second\n"),
      std::string::npos)
      << text;
  const ScanOutlook all = outlook({"--rate", "max", "--retry", "1"});
  EXPECT_NE(target_report_text(sample_selection(), kWays, &all)
                .find("2,000,000  probes at most in 2 passes, as fast as they leave\n"),
            std::string::npos);
  const auto json =
      nlohmann::json::parse(target_report_json(sample_selection(), kWays, false, &all));
  EXPECT_EQ(json["scan"]["rate_pps"], "max");
  EXPECT_EQ(json["scan"]["seconds"], nullptr);
  EXPECT_EQ(json["scan"]["half_widths"][0]["half_width"], 0);
  EXPECT_FALSE(parse_target_report_config({"192.0.2.0/24"})->has_outlook);
}

// What --list prints is a list: reading it again changes nothing.
TEST(TargetReport, RangesAreAListThatCanBeReadAgain) {
  const TargetSelection selection = sample_selection();
  std::string lines;
  write_range_lines(selection.ranges, selection.labels,
                    [&lines](std::string_view text) { lines += text; });
  std::istringstream in(lines);
  TargetList again;
  EXPECT_TRUE(read_target_list(in, "again", again));
  EXPECT_EQ(again.error_count, 0U);
  const LabelMap labels(std::move(again.labels), again.entries);
  EXPECT_EQ(again.ranges.take_merged(), selection.ranges);
  for (const char* address : {"1.0.0.16", "1.0.0.64", "1.0.1.0"})
    EXPECT_EQ(labels.text(labels.label_of(parse_ipv4(address).value())),
              selection.labels.text(selection.labels.label_of(parse_ipv4(address).value())));
}

}  // namespace
}  // namespace echoscan::target_report_test
