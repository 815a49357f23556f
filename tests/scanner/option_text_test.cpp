// What people type for a number, a time or a name: read as what it means, or answered with what was
// probably meant.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "scanner/options/nearest_name.h"
#include "scanner/options/rate_text.h"
#include "scanner/options/scan_config.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/pacer.h"
#include "tests/scanner/refusal_of.h"
#include "tests/sweep_step.h"

namespace echoscan::option_text_test {
namespace {

std::string refusal(std::vector<std::string> arguments) {
  arguments.emplace_back("192.0.2.0/24");
  return refusal_of([](const auto& given) { parse_scan_config(given); }, arguments);
}

ScanConfig parsed(std::vector<std::string> arguments) {
  arguments.emplace_back("192.0.2.0/24");
  return parse_scan_config(arguments).value();
}

TEST(RateText, EveryWayOfWritingARateMeansTheSame) {
  for (std::uint64_t pps = 1; pps <= 1'000'000; ++pps) {
    const ProbeRate expected(pps);
    ASSERT_EQ(parse_rate(std::to_string(pps)), expected) << pps;
    if (pps % 997 != 0) continue;
    for (const std::string& text :
         {fmt::format("{}/s", pps), fmt::format("{}pps", pps),
          fmt::format("{}.{:03}k", pps / 1000, pps % 1000),
          fmt::format("{}.{:03}Kpps", pps / 1000, pps % 1000),
          fmt::format("{}.{:06}M", pps / 1'000'000, pps % 1'000'000), fmt::format("0.{:09}G", pps),
          fmt::format("{}e0", pps), fmt::format("{}.{:03}e3", pps / 1000, pps % 1000),
          fmt::format("{}000E-3", pps), fmt::format("{}.{:03}e+3/s", pps / 1000, pps % 1000)})
      ASSERT_EQ(parse_rate(text), expected) << text;
  }
  EXPECT_EQ(parse_rate("max"), Pacer::kUnlimited);
  EXPECT_EQ(parse_rate("1e6"), 1'000'000U);
  EXPECT_EQ(parse_rate("1G"), 1'000'000'000U);
}

// A limit never rounds up.
TEST(RateText, WhatIsFinerThanAThousandthIsRoundedDown) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t thousandths = 1 + random() % 1'000'000'000;
    const std::uint64_t finer = random() % 1'000'000;
    const std::string text =
        fmt::format("{}.{:03}{:06}", thousandths / 1000, thousandths % 1000, finer);
    ASSERT_EQ(parse_rate(text), ProbeRate::of_thousandths(thousandths)) << text;
  }
  EXPECT_EQ(parse_rate("0.29M"), 290'000U);
  EXPECT_EQ(parse_rate("0.0011"), ProbeRate::of_thousandths(1));
}

TEST(RateText, WhatIsNoRateIsRefused) {
  for (const char* text : {"",
                           "0",
                           "-1",
                           "+1",
                           "10x",
                           "k",
                           "e6",
                           "1e",
                           "1001M",
                           "10 k",
                           ".",
                           "0.0009",
                           "1.5.5",
                           "1e3e3",
                           "nan",
                           "inf",
                           "10kk",
                           "10k/s/s",
                           "1e99",
                           "1e-4",
                           "1000.001M",
                           "0x10",
                           "1,000",
                           "maximum",
                           "/s",
                           "pps",
                           "1e1.5",
                           "99999999999999999999",
                           "1000000000.1",
                           "1m"})
    EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(RateText, ABandwidthIsWhatTheProbesTakeOnTheWire) {
  // 60 bytes, and 24 of the Ethernet's own: 84 bytes a probe.
  EXPECT_EQ(kWireBitsPerProbe, 672U);
  EXPECT_EQ(parse_bandwidth("672"), 1U);
  EXPECT_EQ(parse_bandwidth("10M"), ProbeRate::of_thousandths(14'880'952));
  EXPECT_EQ(parse_bandwidth("1Gbit/s"), ProbeRate::of_thousandths(1'488'095'238));
  std::mt19937_64 random(2);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t bits = 1 + random() % 100'000'000'000;
    const ProbeRate rate = parse_bandwidth(std::to_string(bits)).value();
    ASSERT_LE(rate.thousandths() * 672, bits * 1000);
    ASSERT_GT((rate.thousandths() + 1) * 672, bits * 1000);
  }
  for (const char* text : {"", "0", "-1", "M", "max", "10X", "673G"})
    EXPECT_FALSE(parse_bandwidth(text)) << text;
}

TEST(RateText, OfRateAndBandwidthTheLowerOneHolds) {
  EXPECT_EQ(parsed({"-B", "10M"}).pace.rate_pps, ProbeRate::of_thousandths(14'880'952));
  EXPECT_EQ(parsed({"-B", "1G"}).pace.rate_pps, ProbeRate::of_thousandths(1'488'095'238));
  EXPECT_EQ(parsed({"-B", "10M", "--rate", "1k"}).pace.rate_pps, 1000U);
  EXPECT_EQ(parsed({"--rate", "20k", "-B", "10M"}).pace.rate_pps,
            ProbeRate::of_thousandths(14'880'952));
  EXPECT_EQ(parsed({"--rate", "max", "-B", "672k"}).pace.rate_pps, 1000U);
}

TEST(OptionText, TimesHaveUnits) {
  const std::pair<const char*, double> times[] = {
      {"0", 0},    {"5", 5},       {"0.5", 0.5},  {"5s", 5},           {"500ms", 0.5},
      {"2m", 120}, {"1.5h", 5400}, {"1d", 86400}, {"0.25ms", 0.00025}, {"1e2", 100}};
  for (const auto& [text, seconds] : times)
    EXPECT_DOUBLE_EQ(parsed({"--cooldown", text}).pace.cooldown_s, seconds) << text;
  for (const char* text :
       {"", "s", "5 s", "5S", "1m30s", "-1s", "5sec", "1w", "nan", "inf", "2000d"})
    EXPECT_NE(refusal({"--cooldown", text}), "") << text;
}

// Whole numbers and thousandths of every unit, against arithmetic on whole milliseconds.
TEST(OptionText, EveryUnitIsWhatItSays) {
  std::mt19937_64 random(3);
  const std::pair<const char*, std::uint64_t> units[] = {
      {"ms", 1}, {"", 1000}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const auto& [unit, unit_ms] : units) {
    for (int i = 0; i < 300; i += kSweepStep) {
      const std::uint64_t thousandths = random() % 1'000'000;
      const std::string text =
          fmt::format("{}.{:03}{}", thousandths / 1000, thousandths % 1000, unit);
      const double expected_s = static_cast<double>(thousandths * unit_ms) / 1e6;
      ASSERT_NEAR(parsed({"--link-timeout", text}).path.link_timeout_s, expected_s,
                  1e-12 * expected_s + 1e-15)
          << text;
    }
  }
}

TEST(OptionText, WhatZmapsUsersHaveInTheirFingers) {
  const ScanConfig config = parsed({"-r", "5k", "-n", "7", "-N", "3", "-e", "42", "-c", "2", "-S",
                                    "192.0.2.9", "-G", "02:00:5e:10:00:01"});
  EXPECT_EQ(config.pace.rate_pps, 5000U);
  EXPECT_EQ(config.order.max_targets, 7U);
  EXPECT_EQ(config.pace.max_results, 3U);
  EXPECT_EQ(config.order.seed, 42U);
  EXPECT_EQ(config.pace.cooldown_s, 2);
  EXPECT_EQ(config.path.source_ip, Ipv4{0xc0000209});
  EXPECT_TRUE(config.path.gateway_mac.has_value());
  // Messages call an option by its long name.
  EXPECT_NE(refusal({"-r", "x"}).find("--rate: 'x'"), std::string::npos) << refusal({"-r", "x"});
}

TEST(OptionText, TheHeaderOfProbes) {
  EXPECT_EQ(parsed({}).path.ttl, 64);
  EXPECT_EQ(parsed({"--ttl", "255", "--dscp", "8"}).path.ttl, 255);
  EXPECT_EQ(parsed({"--dscp", "8"}).path.tos, 32);
  EXPECT_EQ(parsed({"--tos", "255"}).path.tos, 255);
  for (const auto& [option, value] :
       {std::pair{"--ttl", "0"}, {"--ttl", "256"}, {"--dscp", "64"}, {"--tos", "256"}})
    EXPECT_NE(refusal({option, value}), "") << option << value;
}

TEST(OptionText, TheFormOfResultsWhereNoOptionSaysIt) {
  using Syntax = ResultFormat::Syntax;
  const auto syntax = [](std::vector<std::string> arguments, bool is_terminal) {
    arguments.emplace_back("192.0.2.0/24");
    return parse_scan_config(arguments, empty_environment, is_terminal)->output.syntax;
  };
  EXPECT_EQ(syntax({}, false), Syntax::jsonl);
  EXPECT_EQ(syntax({}, true), Syntax::text);
  EXPECT_EQ(syntax({"--format", "jsonl"}, true), Syntax::jsonl);
  EXPECT_EQ(syntax({"--fields", "target"}, true), Syntax::jsonl);
  EXPECT_EQ(syntax({"-o", "x.jsonl"}, true), Syntax::jsonl);
  for (const char* name : {"x.csv", "x.csv.gz", "x.csv.zst"})
    EXPECT_EQ(syntax({"-o", name}, true), Syntax::csv) << name;
  EXPECT_EQ(syntax({"-o", "x.csv", "--format", "jsonl"}, false), Syntax::jsonl);
  EXPECT_NE(refusal({"--format", "text", "--fields", "target"}), "");
  EXPECT_NE(refusal({"--format", "text", "--checkpoint", "-o", "x"}), "");
}

TEST(OptionText, MetadataIsAnObject) {
  EXPECT_EQ(parsed({"--user-metadata", R"({ "a": 1 })"}).record.user_metadata, R"({"a":1})");
  for (const char* text : {"", "a", "1", "[1]", "{", "{\"a\":}"})
    EXPECT_NE(refusal({"--user-metadata", text}), "") << text;
}

const std::vector<std::string> kNames = {
    "--rate",  "--targets", "--max-targets", "--cooldown", "--dry-run", "--seed",
    "--quiet", "--shard",   "--interface",   "--summary",  "--status",  "--status-file"};

// Every slip of one letter is found out, unless it makes another name.
TEST(NearestName, EverySlipOfOneLetter) {
  const std::string letters = "abcdefghijklmnopqrstuvwxyz-";
  for (const std::string& name : kNames) {
    std::vector<std::string> slips;
    for (std::size_t i = 2; i < name.size(); ++i) {
      slips.push_back(std::string(name).erase(i, 1));
      if (i + 1 < name.size()) {
        slips.push_back(name);
        std::swap(slips.back()[i], slips.back()[i + 1]);
      }
      for (const char letter : letters) {
        slips.push_back(std::string(name).insert(i, 1, letter));
        slips.push_back(name);
        slips.back()[i] = letter;
      }
    }
    for (const std::string& slip : slips) {
      const bool is_name = std::find(kNames.begin(), kNames.end(), slip) != kNames.end();
      ASSERT_TRUE(is_name || nearest_name(slip, kNames) == name) << slip;
    }
  }
}

TEST(NearestName, ABeginningAndNoGuess) {
  EXPECT_EQ(nearest_name("--cool", kNames), "--cooldown");
  EXPECT_EQ(nearest_name("dryrun", kNames), "--dry-run");
  for (const char* word : {"", "-", "--", "x", "--bandwidth", "--colour", "zzzzzz"})
    EXPECT_EQ(nearest_name(word, kNames), std::nullopt) << word;
  EXPECT_EQ(nearest_name(std::string(100'000, 'a'), kNames), std::nullopt);
}

TEST(OptionText, AWrongNameIsAnsweredWithTheOneThatWasMeant) {
  EXPECT_EQ(refusal({"--rte", "10k"}),
            "there is no option '--rte'; did you mean '--rate'? (see echoscan scan --help)");
  EXPECT_EQ(refusal({"--dryrun"}),
            "there is no option '--dryrun'; did you mean '--dry-run'? (see echoscan scan --help)");
  EXPECT_EQ(refusal({"--nothing-like-it=5"}),
            "there is no option '--nothing-like-it' (see echoscan scan --help)");
  EXPECT_NE(refusal({"--format", "json"}).find("did you mean 'jsonl'?"), std::string::npos);
  EXPECT_NE(refusal({"--fields", "rtt"}).find("did you mean 'rtt_us'?"), std::string::npos)
      << refusal({"--fields", "rtt"});
  EXPECT_NE(refusal({"--method", "afxdp"}).find("did you mean 'af_xdp'?"), std::string::npos);
}

TEST(OptionText, AConfigFilesErrorsHaveTheirLine) {
  const std::string file = testing::TempDir() + "/line.conf";
  const auto with = [&file](const std::string& text) {
    std::ofstream(file) << text;
    return refusal({"--config", file});
  };
  EXPECT_EQ(with("# a scan\n\nrate = 5k\nraet = 7k\n"),
            file + ":4: there is no option 'raet'; did you mean 'rate'?");
  EXPECT_EQ(with("raet = 7k\n"), file + ":1: there is no option 'raet'; did you mean 'rate'?");
}

}  // namespace
}  // namespace echoscan::option_text_test
