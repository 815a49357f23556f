// The options of a bundle, and all options of a scan as its bundle has them.
#include "scanner/options/bundle_config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "output/bundle/bundle_files.h"
#include "output/bundle/coarse_text.h"
#include "scanner/options/options_json.h"
#include "scanner/options/scan_config.h"
#include "tests/scanner/refusal_of.h"

namespace echoscan::bundle_config_test {
namespace {

using Json = nlohmann::json;

ScanConfig parsed(std::vector<std::string> arguments) {
  arguments.emplace_back("192.0.2.0/24");
  return parse_scan_config(arguments).value();
}

std::string refusal(const std::vector<std::string>& arguments) {
  return refusal_of(parsed, arguments);
}

TEST(BundleConfig, PutsTheResultsIntoTheProvisionalFolder) {
  const ScanConfig config = parsed({"--bundle", "/tmp/x/"});
  EXPECT_EQ(config.bundle.folder, "/tmp/x");
  EXPECT_EQ(config.output.path, "/tmp/x.part/data/results.jsonl.zst");
  EXPECT_FALSE(config.output.why_no_checkpoint.empty());
  EXPECT_EQ(parsed({"--bundle", "/tmp/x", "--format", "csv"}).output.path,
            "/tmp/x.part/data/results.csv.zst");
  EXPECT_EQ(parsed({"--bundle", "/tmp/x", "--format", "ip"}).output.path,
            "/tmp/x.part/data/results.txt.zst");
  EXPECT_TRUE(parsed({"--bundle", "x"}).bundle.folder.starts_with('/'));
  EXPECT_FALSE(parsed({}).bundle.is_written());
}

TEST(BundleConfig, RefusesWhatDoesNotGoTogether) {
  for (const auto& other : std::vector<std::vector<std::string>>{{"-o", "x"},
                                                                 {"-o", "-"},
                                                                 {"-o", "x", "--append"},
                                                                 {"--summary", "x"},
                                                                 {"--checkpoint"},
                                                                 {"--dry-run"}}) {
    std::vector<std::string> arguments = {"--bundle", "/tmp/x"};
    arguments.insert(arguments.end(), other.begin(), other.end());
    EXPECT_NE(refusal(arguments).find("--bundle and "), std::string::npos) << other.front();
  }
  for (const char* folder : {"", ".", "..", "/", "x/.."})
    EXPECT_NE(refusal({"--bundle", folder}), "") << folder;
  EXPECT_NE(refusal({"--bundle", "x", "--publish", "slash24", "--format", "csv"}), "");
  EXPECT_NE(refusal({"--bundle", "x", "--publish", "slash16"}), "");
  EXPECT_NE(refusal({"--bundle", "x", "--publish", "slash24", "--contact", "me@192.0.2.1"}), "");
  EXPECT_EQ(refusal({"--bundle", "x", "--contact", "me@192.0.2.1"}), "");
  for (const char* option : {"--contact", "--vantage", "--ethics"}) {
    EXPECT_NE(refusal({option, "x"}), "") << option;
    EXPECT_NE(refusal({"--bundle", "x", option, ""}), "") << option;
    EXPECT_NE(refusal({"--bundle", "x", option, "a\nContact: b"}), "") << option;
  }
  EXPECT_NE(refusal({"--publish", "slash24"}), "");
}

// The options that --help has, without their dashes.
std::set<std::string> all_options() {
  testing::internal::CaptureStdout();
  EXPECT_FALSE(parse_scan_config({"--help"}));
  const std::string help = testing::internal::GetCapturedStdout();
  const std::regex option("(?:^|\n) +(?:-[a-zA-Z],)?--([a-z0-9-]+)");
  std::set<std::string> names;
  for (std::sregex_iterator at(help.begin(), help.end(), option), end; at != end; ++at)
    names.insert((*at)[1]);
  EXPECT_GT(names.size(), 40U);
  return names;
}

TEST(OptionsJson, HasEachOptionThatABundleCanHave) {
  // What is refused beside --bundle, what only says where options come from, and another word for
  // --tos.
  const std::set<std::string> left_out = {
      "output",  "append",   "summary",     "checkpoint", "no-checkpoint", "checkpoint-interval",
      "resume",  "continue", "no-continue", "dry-run",    "help",          "config",
      "version", "dscp"};
  const Json options = Json::parse(options_json(parsed({"--bundle", "x"}), 7)).at("options");
  std::set<std::string> expected;
  for (const std::string& name : all_options())
    if (!left_out.contains(name)) expected.insert(name);
  expected.insert("TARGET");
  std::set<std::string> written;
  for (const auto& [name, value] : options.items()) written.insert(name);
  EXPECT_EQ(written, expected);
}

TEST(OptionsJson, SaysWhatTheScanHasUnderstood) {
  const Json json = Json::parse(options_json(parsed({"--bundle",
                                                     "x",
                                                     "--rate",
                                                     "0.5k",
                                                     "-x",
                                                     "192.0.2.7",
                                                     "--max-targets",
                                                     "5%",
                                                     "--probes",
                                                     "3",
                                                     "--method",
                                                     "af_packet",
                                                     "--min-hit-rate",
                                                     "0.1%",
                                                     "--per-slash24",
                                                     "0.25",
                                                     "--source-ip",
                                                     "192.0.2.8/29",
                                                     "--size",
                                                     "40",
                                                     "--payload",
                                                     "x",
                                                     "--attribution",
                                                     "tel:1",
                                                     "--metrics",
                                                     "9099",
                                                     "--emit",
                                                     "errors",
                                                     "--fields",
                                                     "target,rtt_us",
                                                     "--shard",
                                                     "1/4",
                                                     "--seed",
                                                     "9"}),
                                             9));
  EXPECT_EQ(json["command_line"][0], "echoscan");
  EXPECT_EQ(json["command_line"].back(), "192.0.2.0/24");
  EXPECT_EQ(json["seed"], 9);
  const Json& options = json["options"];
  EXPECT_EQ(options["rate"], 500);
  EXPECT_EQ(options["per-slash24"], 0.25);
  EXPECT_EQ(options["exclude"], Json({"192.0.2.7"}));
  EXPECT_EQ(options["TARGET"], Json({"192.0.2.0/24"}));
  EXPECT_EQ(options["max-targets"], "5%");
  EXPECT_EQ(options["probes"], 3);
  EXPECT_EQ(options["retry"], 0);
  EXPECT_EQ(options["method"], "af_packet");
  EXPECT_EQ(options["min-hit-rate"], "0.1%");
  EXPECT_EQ(options["source-ip"], "192.0.2.8/29");
  EXPECT_EQ(options["size"], 40);
  EXPECT_EQ(options["payload"], "x");
  EXPECT_EQ(options["attribution"], "tel:1");
  EXPECT_EQ(options["metrics"], "127.0.0.1:9099");
  EXPECT_EQ(options["emit"], Json({"errors"}));
  EXPECT_EQ(options["fields"], Json({"target", "rtt_us"}));
  EXPECT_EQ(options["shard"], "1/4");
  EXPECT_EQ(options["cooldown"], 8.0);
  const Json defaults = Json::parse(options_json(parsed({"--bundle", "x", "--retry", "2"}), 1));
  EXPECT_EQ(defaults["options"]["method"], "auto");
  EXPECT_EQ(defaults["options"]["retry"], 2);
  EXPECT_EQ(defaults["options"]["probes"], 1);
  EXPECT_EQ(defaults["options"]["rate"], 10'000);
}

TEST(OptionsJson, OfAPublishedBundleHasNoAddresses) {
  const std::string text = options_json(parsed({"--bundle",
                                                "x",
                                                "--publish",
                                                "slash24",
                                                "-x",
                                                "192.0.2.7",
                                                "--allow-range",
                                                "10.0.0.0/24",
                                                "--source-ip",
                                                "192.0.2.1",
                                                "--gateway-mac",
                                                "02:00:00:00:00:01",
                                                "--payload",
                                                "from 192.0.2.1",
                                                "--attribution",
                                                "https://192.0.2.1/",
                                                "--metrics",
                                                "9099",
                                                "--label-filter",
                                                "192\\.0\\.2\\.9"}),
                                        9);
  EXPECT_FALSE(has_address(text)) << text;
  const Json json = Json::parse(text);
  EXPECT_TRUE(json["command_line"].is_null());
  for (const char* name : {"TARGET", "exclude", "allow-range", "label-filter", "source-ip",
                           "gateway-mac", "metrics", "payload", "attribution"})
    EXPECT_TRUE(json["options"].at(name).is_null()) << name;
}

}  // namespace
}  // namespace echoscan::bundle_config_test
