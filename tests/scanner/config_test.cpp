// The options of every command: taken, given their defaults, refused by name.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "output/result/result_field.h"
#include "scanner/options/aggregate_config.h"
#include "scanner/options/bench_config.h"
#include "scanner/options/doctor_config.h"
#include "scanner/options/method.h"
#include "scanner/options/scan_config.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/pacer.h"
#include "tests/scanner/refusal_of.h"

namespace echoscan::config_test {
namespace {

ScanConfig parsed(std::vector<std::string> arguments) {
  arguments.emplace_back("192.0.2.0/24");
  return parse_scan_config(arguments).value();
}

// The message that a command line is refused with; empty when it is accepted.
std::string refusal(std::vector<std::string> arguments) {
  try {
    parsed(std::move(arguments));
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_usage);
    return error.what();
  }
  return {};
}

std::string write_file(const std::string& name, const std::string& text) {
  std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(ScanConfig, DefaultsAreTheDocumentedOnes) {
  const ScanConfig config = parsed({});
  EXPECT_EQ(config.pace.rate_pps, 10'000U);
  EXPECT_EQ(config.pace.cooldown_s, 8);
  EXPECT_EQ(config.order.passes, 1U);
  EXPECT_EQ(config.path.method, Method::automatic);
  EXPECT_EQ(config.output.path, "-");
  EXPECT_FALSE(config.target.allow_reserved);
  EXPECT_FALSE(config.order.seed);
}

TEST(ScanConfig, EveryOptionIsTaken) {
  const ScanConfig config = parsed({"-t",
                                    "a",
                                    "--targets",
                                    "-",
                                    "-x",
                                    "1.1.1.1",
                                    "--exclude",
                                    "2.2.2.2",
                                    "--exclude-file",
                                    "b",
                                    "--allow-reserved",
                                    "-i",
                                    "eth7",
                                    "--source-ip",
                                    "192.0.2.9",
                                    "--gateway-mac",
                                    "02:00:5e:10:00:Ff",
                                    "--rate",
                                    "1.5M",
                                    "--queues",
                                    "3",
                                    "--method",
                                    "af_packet",
                                    "--seed",
                                    "9007199254740991",
                                    "--probes",
                                    "2",
                                    "--cooldown",
                                    "0.5",
                                    "--max-targets",
                                    "100",
                                    "--max-runtime",
                                    "60",
                                    "-o",
                                    "out",
                                    "--format",
                                    "jsonl",
                                    "--emit",
                                    "errors",
                                    "--summary",
                                    "sum",
                                    "--status",
                                    "json",
                                    "-v",
                                    "--dry-run"});
  EXPECT_EQ(config.target.target_files, (std::vector<std::string>{"a", "-"}));
  EXPECT_EQ(config.target.targets, (std::vector<std::string>{"192.0.2.0/24"}));
  EXPECT_EQ(config.target.excludes, (std::vector<std::string>{"1.1.1.1", "2.2.2.2"}));
  EXPECT_EQ(config.target.exclude_files, (std::vector<std::string>{"b"}));
  EXPECT_TRUE(config.target.allow_reserved);
  EXPECT_EQ(config.path.interface_name, "eth7");
  EXPECT_EQ(config.path.source_ip, Ipv4{0xc0000209});
  EXPECT_EQ(to_string(config.path.gateway_mac.value()), "02:00:5e:10:00:ff");
  EXPECT_EQ(config.pace.rate_pps, 1'500'000U);
  EXPECT_EQ(config.path.queues, 3U);
  EXPECT_EQ(config.path.method, Method::af_packet);
  EXPECT_EQ(config.order.seed, kSeedMax);
  EXPECT_EQ(config.order.passes, 2U);
  EXPECT_EQ(config.pace.cooldown_s, 0.5);
  EXPECT_EQ(config.order.max_targets, 100U);
  EXPECT_EQ(config.pace.max_runtime_s, 60);
  EXPECT_EQ(config.output.path, "out");
  EXPECT_TRUE(config.output.emission.errors);
  EXPECT_EQ(config.output.summary_path, "sum");
  EXPECT_EQ(config.output.status, StatusStyle::json);
  EXPECT_EQ(config.verbosity, Verbosity::verbose);
  EXPECT_TRUE(config.dry_run);
  EXPECT_EQ(parsed({"-q"}).output.status, StatusStyle::off);
}

TEST(ScanConfig, WhatEndsAScanIsTaken) {
  EXPECT_EQ(parsed({"--max-results", "7"}).pace.max_results, 7U);
  EXPECT_EQ(parsed({"--per-slash24", "0.25"}).pace.per_slash24_pps, ProbeRate::of_thousandths(250));
  EXPECT_EQ(parsed({"--min-hit-rate", "0.1%"}).pace.min_hit_rate, 0.1 / 100);
  EXPECT_EQ(parsed({"--min-hit-rate", "100%"}).pace.min_hit_rate, 1);
}

TEST(ScanConfig, WhereMetricsAreServed) {
  const auto at = [](const char* text) {
    const std::optional<MetricsConfig> metrics = parse_metrics(text);
    return metrics ? metrics->address + " " + std::to_string(metrics->port) : "none";
  };
  for (int port = 0; port <= 70'000; ++port) {
    const std::string text = std::to_string(port);
    const std::string expected = port < 65'536 ? "127.0.0.1 " + text : "none";
    ASSERT_EQ(at(text.c_str()), expected);
    ASSERT_EQ(at((":" + text).c_str()), expected);
  }
  EXPECT_EQ(at("192.0.2.1:9099"), "192.0.2.1 9099");
  EXPECT_EQ(at("0.0.0.0:9099"), "0.0.0.0 9099");
  EXPECT_EQ(at("[::1]:9099"), "::1 9099");
  for (const char* text : {"",
                           ":",
                           "x",
                           "-1",
                           "+1",
                           "1 ",
                           " 1",
                           "1:",
                           "::",
                           "::1",
                           "::1:9099",
                           "[]:1",
                           "[:1",
                           "[127.0.0.1]:1",
                           "1.2.3:1",
                           "localhost:9099",
                           "1.2.3.4",
                           "0x10",
                           "1.2.3.4:5:6",
                           "[::1]9099"})
    EXPECT_EQ(at(text), "none") << text;
  EXPECT_FALSE(parsed({}).output.metrics.has_value());
  EXPECT_EQ(parsed({"--metrics", "[::1]:9099"}).output.metrics->port, 9099);
}

TEST(ScanConfig, PassesAreAskedForOneWay) {
  const auto with = [](std::vector<std::string> options) {
    options.push_back("192.0.2.0/24");
    return parse_scan_config(options).value();
  };
  const auto gap_s = [&](const std::vector<std::string>& options) {
    const ScanConfig config = with(options);
    return pass_gap_s(config.order, config.pace);
  };
  EXPECT_EQ(with({}).order.passes, 1U);
  EXPECT_EQ(gap_s({}), 0);
  EXPECT_EQ(with({"--retry", "0"}).order.passes, 1U);
  const ScanConfig retried = with({"--retry", "3"});
  EXPECT_EQ(retried.order.passes, 4U);
  EXPECT_EQ(retried.order.retries, 3U);
  EXPECT_EQ(gap_s({"--retry", "3"}), kRetryGapS);
  EXPECT_EQ(gap_s({"--retry", "254", "--pass-gap", "0"}), 0);
  EXPECT_EQ(gap_s({"--probes", "2", "--pass-gap", "0.25"}), 0.25);
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--retry", "1", "--probes", "2"},
                                             {"--pass-gap", "1"},
                                             {"--retry", "255"},
                                             {"--probes", "2", "--pass-gap", "-1"},
                                             {"--retry", "1", "--checkpoint", "-o", "x"},
                                             {"--retry", "x"},
                                             {"--probes", "2", "--pass-gap", "nan"}})
    EXPECT_THROW(with(wrong), UserError) << wrong[0];
}

TEST(ScanConfig, WrongValuesAreRefusedByName) {
  const std::vector<std::vector<std::string>> wrong = {{"--rate", "10x"},
                                                       {"--rate", "0"},
                                                       {"--queues", "0"},
                                                       {"--queues", "two"},
                                                       {"--method", "warp"},
                                                       {"--gateway", "192.0.2"},
                                                       {"--vlan", "4095"},
                                                       {"--seed", "-1"},
                                                       {"--seed", "abc"},
                                                       {"--seed", "9007199254740992"},
                                                       {"--probes", "0"},
                                                       {"--probes", "256"},
                                                       {"--cooldown", "-1"},
                                                       {"--cooldown", "8 s"},
                                                       {"--cooldown", "nan"},
                                                       {"--max-targets", "0"},
                                                       {"--max-targets", "1.5"},
                                                       {"--max-runtime", "soon"},
                                                       {"--max-results", "0"},
                                                       {"--max-results", "1k"},
                                                       {"--per-slash24", "0"},
                                                       {"--per-slash24", "max"},
                                                       {"--per-slash24", "1/m"},
                                                       {"--min-hit-rate", "0.1"},
                                                       {"--min-hit-rate", "0%"},
                                                       {"--min-hit-rate", "100.1%"},
                                                       {"--min-hit-rate", "-1%"},
                                                       {"--min-hit-rate", "1e-1%"},
                                                       {"--min-hit-rate", "nan%"},
                                                       {"--min-hit-rate", "0.1 %"},
                                                       {"--source-ip", "1.2.3"},
                                                       {"--source-ip", "192.0.2.1,"},
                                                       {"--source-ip", "192.0.2.1/24"},
                                                       {"--source-ip", "10.0.0.0/15"},
                                                       {"--source-ip", "224.0.0.1"},
                                                       {"--gateway-mac", "1:2:3:4:5:6"},
                                                       {"--gateway-mac", "02-00-5e-10-00-01"},
                                                       {"--format", "xml"},
                                                       {"--fields", "rtt"},
                                                       {"--emit", "all"},
                                                       {"--repeat-cap", "0"},
                                                       {"--repeat-cap", "many"},
                                                       {"--status", "fancy"},
                                                       {"--metrics", "x"},
                                                       {"--status-interval", "0.09"}};
  for (const std::vector<std::string>& arguments : wrong) {
    const std::string message = refusal(arguments);
    EXPECT_NE(message.find(arguments[0] + ": '" + arguments[1] + "' is not "), std::string::npos)
        << arguments[0] << " " << arguments[1] << ": " << message;
  }
  EXPECT_NE(refusal({"--bogus"}).find("--bogus"), std::string::npos);
  EXPECT_NE(refusal({"--seed"}).find("--seed"), std::string::npos);
  EXPECT_THROW(parse_scan_config({}), UserError);
}

TEST(ScanConfig, KindsOfResultAddUp) {
  EXPECT_FALSE(parsed({}).output.emission.errors);
  EXPECT_FALSE(parsed({"--emit", "replies"}).output.emission.errors);
  EXPECT_FALSE(parsed({"--emit", "errors"}).output.emission.repeats);
  EXPECT_EQ(parsed({"--repeat-cap", "3"}).output.emission.repeat_cap, 3U);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--emit", "errors,repeats"},
        {"--emit", "replies,repeats,errors"},
        {"--emit", "errors", "--emit", "repeats"}}) {
    EXPECT_TRUE(parsed(arguments).output.emission.errors);
    EXPECT_TRUE(parsed(arguments).output.emission.repeats);
  }
  EXPECT_NE(refusal({"--emit", "errors,"}).find("--emit: '' is not one of: replies"),
            std::string::npos);
  EXPECT_NE(refusal({"--format", "ip", "--emit", "errors"}).find("--format ip"), std::string::npos);
  EXPECT_NE(refusal({"--format", "ip", "--emit", "repeats"}).find("--format ip"),
            std::string::npos);
  EXPECT_EQ(parsed({"--format", "ip", "--emit", "replies"}).output.emission.repeat_cap, 10U);
}

TEST(ScanConfig, TheLastOfAnOptionCounts) {
  EXPECT_EQ(parsed({"--rate", "1", "--rate", "2"}).pace.rate_pps, 2U);
  EXPECT_EQ(parsed({"-i", "a", "-i", "b"}).path.interface_name, "b");
}

TEST(ScanConfig, FileHasTheSameOptionsAndTheCommandLineWins) {
  const std::string path = write_file("scan.toml",
                                      "rate = \"50k\"\nexclude = [\"1.1.1.1\", \"2.2.2.2\"]\n"
                                      "allow-reserved = true\nseed = 7\n");
  const ScanConfig config = parsed({"--config", path, "--seed", "8"});
  EXPECT_EQ(config.pace.rate_pps, 50'000U);
  EXPECT_EQ(config.target.excludes.size(), 2U);
  EXPECT_TRUE(config.target.allow_reserved);
  EXPECT_EQ(config.order.seed, 8U);

  const auto with_file = [](const std::string& text) {
    return refusal({"--config", write_file("wrong.toml", text)});
  };
  EXPECT_NE(with_file("speed = 3\n").find("there is no option 'speed'"), std::string::npos);
  EXPECT_NE(with_file("[scan]\nrate = 3\n").find("without a [section]"), std::string::npos);
  EXPECT_NE(with_file("rate 3\n").find("option = value"), std::string::npos);
  EXPECT_NE(with_file("rate = \"3x\"\n").find("--rate: '3x'"), std::string::npos);
  EXPECT_NE(refusal({"--config", "/nonexistent"}).find("/nonexistent"), std::string::npos);
  // Without what it says, its exclusions would be probed.
  EXPECT_NE(refusal({"--config", "/proc/self/mem"})
                .find("cannot read the options in '/proc/self/mem': Input/output error"),
            std::string::npos);
  EXPECT_NE(refusal({"--config", "/dev/zero"}).find("more than a megabyte"), std::string::npos);
  EXPECT_NE(with_file(std::string("seed = 3\n\0x", 11)).find("it is no text"), std::string::npos);
  // CLI11 takes the first value of a list that has none.
  for (const char* empty : {"rate = []\n", "rate =[\"\n", "label-filter =[\"\n", "seed = [ ]\n"})
    EXPECT_NE(with_file(empty).find("has no value"), std::string::npos) << empty;
  EXPECT_NE(refusal({"--config", testing::TempDir()}).find(testing::TempDir()), std::string::npos);
}

// CLI11 takes blanks and commas outside of quotes for the ends of values, and of an option with one
// value the last: of a contact's name and address the latter was left, without a word.
TEST(ScanConfig, SeveralWordsOfAConfigFileStandInQuotes) {
  const auto with_file = [](const std::string& text) {
    return refusal({"--config", write_file("words.toml", text)});
  };
  for (const std::string option : {"label-filter", "interface", "rate", "seed", "output", "summary",
                                   "contact", "vantage", "ethics", "cooldown", "user"}) {
    for (const char* words : {"a b", "a,b", "[a, b]", "\"a\" \"b\"", "1 2 # no comment"})
      EXPECT_NE(with_file(option + " = " + words + "\n").find("'" + option + "' has 2 values"),
                std::string::npos)
          << option << " = " << words;
  }
  EXPECT_NE(with_file("rate = 1k\nrate = 2k\n").find("'rate' has 2 values"), std::string::npos);
  const std::string path = write_file("quoted.toml",
                                      "bundle = \"/nowhere/b\"\nallow-reserved = true\n"
                                      "contact = \"Ada, <ada@example.org>\" # who\n"
                                      "exclude = 1.1.1.1 2.2.2.2\n");
  const ScanConfig config = parsed({"--config", path});
  EXPECT_EQ(config.bundle.contact, "Ada, <ada@example.org>");
  EXPECT_EQ(config.target.excludes.size(), 2U);
}

std::vector<std::string> fields_of(std::vector<std::string> options) {
  std::vector<std::string> names;
  for (const ResultField* field : parsed(std::move(options)).output.fields)
    names.emplace_back(field->name);
  return names;
}

TEST(ScanConfig, FieldsAreInTheOrderOfTheirNames) {
  const std::vector<std::string> wanted = {"rtt_us", "target"};
  EXPECT_EQ(fields_of({"--fields", "rtt_us,target"}), wanted);
  EXPECT_EQ(fields_of({"--fields", "rtt_us", "--fields", "target"}), wanted);
  for (const char* text : {"fields = \"rtt_us,target\"\n", "fields = rtt_us,target\n",
                           "fields = [\"rtt_us\", \"target\"]\n"}) {
    EXPECT_EQ(fields_of({"--config", write_file("fields.toml", text)}), wanted) << text;
  }
  EXPECT_TRUE(fields_of({}).empty());
}

TEST(ScanConfig, WhatIsNoFieldIsRefused) {
  EXPECT_NE(
      refusal({"--fields", "ttl,bogus"}).find("'bogus' is not a field; the fields are: type,"),
      std::string::npos);
  EXPECT_NE(refusal({"--fields", "ttl,"}).find("'' is not a field"), std::string::npos);
  EXPECT_NE(refusal({"--fields", "ttl,ttl"}).find("'ttl' stands twice"), std::string::npos);
  EXPECT_NE(refusal({"--format", "ip", "--fields", "ttl"}).find("--format ip"), std::string::npos);
}

TEST(AggregateConfig, TakesEveryOptionThatChoosesFromTheListsOfAScan) {
  const std::vector<std::string> choosing = {"-t",
                                             "a",
                                             "--exclude",
                                             "1.1.1.1",
                                             "--exclude-file",
                                             "b",
                                             "--label-filter",
                                             "x+",
                                             "--skip-bad-lines",
                                             "--allow-reserved",
                                             "--allow-range",
                                             "10.0.0.0/8"};
  std::vector<std::string> arguments = choosing;
  arguments.emplace_back("results.jsonl");
  const AggregateConfig config = parse_aggregate_config(arguments).value();
  EXPECT_EQ(config.target, parse_scan_config(choosing).value().target);
  EXPECT_EQ(config.files, std::vector<std::string>{"results.jsonl"});
}

TEST(AggregateConfig, TablesStandInTheirOwnOrderAndEachOnce) {
  using enum Grouping;
  const auto tables = [](std::vector<std::string> arguments) {
    arguments.emplace_back("results.jsonl");
    return parse_aggregate_config(arguments).value().tables.groupings;
  };
  EXPECT_EQ(tables({}), (std::vector{slash8, slash16, slash24, country, asn, label}));
  EXPECT_EQ(tables({"--by", "label,slash8,label"}), (std::vector{slash8, label}));
  EXPECT_EQ(tables({"--by", "asn", "--by", "slash16,asn"}), (std::vector{slash16, asn}));
}

TEST(AggregateConfig, RowsAreTenAsTextAndAllElsewhere) {
  EXPECT_EQ(parse_aggregate_config({"r"})->tables.rows_max, 10U);
  EXPECT_EQ(parse_aggregate_config({"r", "--format", "csv"})->tables.rows_max, 0U);
  EXPECT_EQ(parse_aggregate_config({"r", "--format", "json", "--top", "3"})->tables.rows_max, 3U);
}

TEST(AggregateConfig, WhatMakesNoSenseIsRefused) {
  const auto refused = [](const std::vector<std::string>& arguments) {
    return refusal_of(parse_aggregate_config, arguments);
  };
  EXPECT_NE(refused({}).find("no results"), std::string::npos);
  EXPECT_NE(refused({"r", "--by", "continent"}).find("--by: 'continent' is not one of: slash8"),
            std::string::npos);
  EXPECT_NE(refused({"r", "--by", "asn,"}).find("--by: '' is not"), std::string::npos);
  EXPECT_NE(refused({"r", "--top", "0"}).find("--top: '0' is not"), std::string::npos);
  EXPECT_NE(refused({"r", "--format", "xml"}).find("--format: 'xml' is not"), std::string::npos);
  EXPECT_NE(refused({"r", "--mmdb", "f"}).find("-t FILE"), std::string::npos);
  for (const std::vector<std::string>& choosing : {std::vector<std::string>{"-x", "1.1.1.1"},
                                                   {"--exclude-file", "b"},
                                                   {"--label-filter", "x"},
                                                   {"--skip-bad-lines"},
                                                   {"--allow-reserved"},
                                                   {"--allow-range", "10.0.0.0/8"}}) {
    std::vector<std::string> arguments = choosing;
    arguments.emplace(arguments.begin(), "r");
    EXPECT_NE(refused(arguments).find("-t FILE"), std::string::npos) << choosing[0];
  }
}

TEST(DoctorConfig, LooksWhereItIsToldTo) {
  EXPECT_EQ(parse_doctor_config({})->target.targets, std::vector<std::string>{"203.0.113.1"});
  const DoctorConfig config =
      parse_doctor_config({"-i", "eth7", "--to", "9.9.9.9", "--json", "--read-only", "-v"}).value();
  EXPECT_EQ(config.path.interface_name, "eth7");
  EXPECT_EQ(config.target.targets, std::vector<std::string>{"9.9.9.9"});
  EXPECT_TRUE(config.as_json);
  EXPECT_TRUE(config.read_only);
  EXPECT_EQ(config.verbosity, Verbosity::verbose);
  const DoctorConfig listed =
      parse_doctor_config({"--to", "10.0.0.0/8", "--to", "/dev/null", "--method", "af_packet",
                           "--source-ip", "192.0.2.1"})
          .value();
  EXPECT_EQ(listed.target.targets, std::vector<std::string>{"10.0.0.0/8"});
  EXPECT_EQ(listed.target.target_files, std::vector<std::string>{"/dev/null"});
  EXPECT_EQ(listed.path.method, Method::af_packet);
  EXPECT_EQ(to_string(listed.path.source_ip.value()), "192.0.2.1");
  EXPECT_EQ(refusal_of(parse_doctor_config, {"--to", "nowhere"}).find("--to: 'nowhere' is not"),
            0U);
}

TEST(BenchConfig, MethodsStandInTheirOwnOrderAndEachOnce) {
  const auto methods = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-i", "lab0", "--dst", "10.0.0.1"});
    return parse_bench_config(arguments).value().methods;
  };
  EXPECT_EQ(methods({}).size(), static_cast<std::size_t>(std::ranges::count(
                                    all_methods(), false, &MethodTraits::needs_port)));
  EXPECT_EQ(methods({"--methods", "asio,af_xdp,asio"}),
            (std::vector{Method::af_xdp, Method::asio}));
  EXPECT_EQ(methods({"--methods", "pcap", "--methods", "af_packet"}),
            (std::vector{Method::af_packet, Method::pcap}));
  EXPECT_NE(refusal_of(parse_bench_config, {"--methods", "pcap,"}).find("--methods: '' is not"),
            std::string::npos);
}

// Every method but `auto` has a row, under a name of its own by which `bench` and, where it has it,
// `scan` find it again.

}  // namespace
}  // namespace echoscan::config_test
