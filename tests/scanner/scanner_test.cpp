// scanner/, part by part: options, pacing, frames, the plan, sender and receiver, each without a
// kernel.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "scanner/options/scan_config.h"
#include "scanner/pipeline/sender.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/privileges.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/pacer.h"
#include "tests/scanner/fakes.h"
#include "tests/scanner/plan_of.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr Ipv4 kSource{0xc0000201};

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

TEST(Config, DefaultsAreTheDocumentedOnes) {
  const ScanConfig config = parsed({});
  EXPECT_EQ(config.pace.rate_pps, 10'000U);
  EXPECT_EQ(config.pace.cooldown_s, 8);
  EXPECT_EQ(config.order.passes, 1U);
  EXPECT_EQ(config.path.method, Method::automatic);
  EXPECT_EQ(config.output.path, "-");
  EXPECT_FALSE(config.target.allow_reserved);
  EXPECT_FALSE(config.order.seed);
}

TEST(Config, EveryOptionIsTaken) {
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

TEST(Config, Rates) {
  EXPECT_EQ(parse_rate("1"), 1U);
  EXPECT_EQ(parse_rate("10k"), 10'000U);
  EXPECT_EQ(parse_rate("2.5k"), 2'500U);
  EXPECT_EQ(parse_rate("1000M"), 1'000'000'000U);
  EXPECT_EQ(parse_rate("max"), Pacer::kUnlimited);
  for (const char* text : {"", "0", "-1", "10x", "10K", "k", "1e3", "1001M", "10 k", "0.4", "nan",
                           "inf", "maximum", "10kk"})
    EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(Config, WrongValuesAreRefusedByName) {
  const std::vector<std::vector<std::string>> wrong = {{"--rate", "10x"},
                                                       {"--rate", "0"},
                                                       {"--queues", "0"},
                                                       {"--queues", "two"},
                                                       {"--method", "dpdk"},
                                                       {"--seed", "-1"},
                                                       {"--seed", "abc"},
                                                       {"--seed", "9007199254740992"},
                                                       {"--probes", "0"},
                                                       {"--probes", "256"},
                                                       {"--cooldown", "-1"},
                                                       {"--cooldown", "8s"},
                                                       {"--cooldown", "nan"},
                                                       {"--max-targets", "0"},
                                                       {"--max-targets", "1.5"},
                                                       {"--max-runtime", "soon"},
                                                       {"--source-ip", "1.2.3"},
                                                       {"--gateway-mac", "1:2:3:4:5:6"},
                                                       {"--gateway-mac", "02-00-5e-10-00-01"},
                                                       {"--format", "xml"},
                                                       {"--fields", "rtt"},
                                                       {"--emit", "all"},
                                                       {"--repeat-cap", "0"},
                                                       {"--repeat-cap", "many"},
                                                       {"--status", "fancy"}};
  for (const std::vector<std::string>& arguments : wrong) {
    const std::string message = refusal(arguments);
    EXPECT_NE(message.find(arguments[0] + ": '" + arguments[1] + "' is not "), std::string::npos)
        << arguments[0] << " " << arguments[1] << ": " << message;
  }
  EXPECT_NE(refusal({"--bogus"}).find("--bogus"), std::string::npos);
  EXPECT_NE(refusal({"--seed"}).find("--seed"), std::string::npos);
  EXPECT_THROW(parse_scan_config({}), UserError);
}

TEST(Config, KindsOfResultAddUp) {
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

TEST(Config, TheLastOfAnOptionCounts) {
  EXPECT_EQ(parsed({"--rate", "1", "--rate", "2"}).pace.rate_pps, 2U);
  EXPECT_EQ(parsed({"-i", "a", "-i", "b"}).path.interface_name, "b");
}

TEST(Config, FileHasTheSameOptionsAndTheCommandLineWins) {
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
}

std::string plan_refusal(const std::vector<std::string>& arguments) {
  try {
    plan_of(arguments);
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_usage);
    return error.what();
  }
  return {};
}

TEST(TargetPlan, CountsWhatItLeavesOut) {
  const std::string list = write_file("list.txt", "9.0.0.0/24\n9.0.0.128/25\n10.0.0.0/24\n");
  const std::string holes = write_file("holes.txt", "9.0.0.0/30\n");
  const TargetPlan plan =
      plan_of({"-t", list, "9.9.9.9", "-x", "9.0.0.5", "--exclude-file", holes, "--seed", "1"});
  EXPECT_EQ(plan.counts.listed, 256U + 256 + 1);
  EXPECT_EQ(plan.counts.excluded_by_user, 5U);
  EXPECT_EQ(plan.counts.excluded_reserved, 256U);
  EXPECT_EQ(plan.target_count, 252U);
  EXPECT_EQ(plan.seed, 1U);
  EXPECT_FALSE(plan.targets.index_of(Ipv4{0x09000001}));
  EXPECT_FALSE(plan.targets.index_of(Ipv4{0x0a000001}));
  EXPECT_EQ(plan_of({"-t", list, "--allow-reserved"}).counts.excluded_reserved, 0U);
}

// printf '1.0.0.0-1.0.0.255\n9.9.9.9-9.9.9.9\n' | sha256sum
TEST(TargetPlan, DigestIsSha256OfTheRanges) {
  EXPECT_EQ(plan_of({"9.9.9.9", "1.0.0.128/25", "1.0.0.0/25"}).digest,
            "b1a2ceb07a6fac6c1d6ed86d7b7a97291f456bea15d8ba43b822c2429444daf7");
}

TEST(TargetPlan, RandomSeedsDifferAndFitJson) {
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 20; ++i) seeds.insert(plan_of({"9.9.9.9"}).seed);
  EXPECT_EQ(seeds.size(), 20U);
  EXPECT_LE(*seeds.rbegin(), kSeedMax);
}

TEST(TargetPlan, RefusalsSayWhy) {
  EXPECT_NE(plan_refusal({"10.0.0.1"}).find("RFC 1918"), std::string::npos);
  EXPECT_NE(plan_refusal({"9.9.9.9", "-x", "9.0.0.0/8"}).find("1 listed, 1 excluded"),
            std::string::npos);
  EXPECT_NE(plan_refusal({"-t", "/nonexistent"}).find("/nonexistent"), std::string::npos);
  EXPECT_NE(plan_refusal({"-t", write_file("empty.txt", "# nothing\n")}).find("no targets"),
            std::string::npos);
  EXPECT_NE(plan_refusal({"-t", "-", "-t", "-"}).find("one list only"), std::string::npos);
  const std::string wrong = write_file("wrong.txt", "9.9.9.9\n9.9.9.9/33\nx\n");
  const std::string message = plan_refusal({"-t", wrong, "9.9.9.10/24"});
  EXPECT_NE(message.find("wrong.txt:2: 9.9.9.9/33: "), std::string::npos) << message;
  EXPECT_NE(message.find("wrong.txt:3: x: "), std::string::npos) << message;
  EXPECT_NE(message.find("the network is 9.9.9.0/24"), std::string::npos) << message;
}

// A sender against a fake kernel and a fake clock.
class SenderTest : public testing::Test {
 protected:
  SenderTest()
      : plan_(plan_of({"9.0.0.0/22", "--seed", "4"})),
        source_({{}, kSource.value, 0}),
        transmitter_(FrameTemplate({{}, {}, kSource}, {}), source_, clock_, [](Ipv4) { return 0; }),
        writer_(sink_) {}

  bool run(std::uint64_t rate_pps, std::uint32_t passes = 1) {
    ShardBlocks blocks(plan_.steps.begin, plan_.steps.end, passes, 100);
    Pacer pacer(rate_pps, clock_.now);
    Sender sender(TargetCursor(plan_.targets, plan_.permutation), blocks, pacer, transmitter_,
                  clock_, source_, writer_, state_, plan_.labels);
    const bool is_good = sender.run();
    drawn_ = sender.counters().drawn.get();
    handed_over_ = sender.counters().handed_over.get();
    return is_good;
  }

  TargetPlan plan_;
  FakeClock clock_;
  FakeReplySource source_;
  FakeTransmitter transmitter_;
  FakeSink sink_;
  ResultWriter writer_;
  ScanState state_;
  std::uint64_t drawn_ = 0;
  std::uint64_t handed_over_ = 0;
};

TEST_F(SenderTest, EachTargetOncePerPassInTheOrderOfTheCursor) {
  EXPECT_TRUE(run(Pacer::kUnlimited, 2));
  TargetCursor cursor(plan_.targets, plan_.permutation);
  std::vector<Ipv4> order(plan_.target_count);
  cursor.next(order);
  ASSERT_EQ(transmitter_.log.size(), 2 * order.size());
  for (std::size_t i = 0; i < transmitter_.log.size(); ++i) {
    ASSERT_EQ(transmitter_.log[i].address, order[i % order.size()]);
    ASSERT_EQ(transmitter_.log[i].pass, i / order.size());
  }
}

// The kernel takes some, none, or a part of each batch: nothing is lost, nothing goes out twice.
TEST_F(SenderTest, WhatTheKernelDoesNotTakeIsOfferedAgain) {
  std::uint64_t calls = 0;
  transmitter_.takes = [&calls](std::size_t batch) {
    return std::min<std::size_t>(batch, ++calls * 7 % 11);
  };
  EXPECT_TRUE(run(Pacer::kUnlimited));
  std::map<Ipv4, int> count;
  for (const Target& target : transmitter_.log) ++count[target.address];
  EXPECT_EQ(count.size(), plan_.target_count);
  EXPECT_EQ(transmitter_.log.size(), plan_.target_count);
  EXPECT_EQ(handed_over_, plan_.target_count);
}

TEST_F(SenderTest, KeepsTheRateOnAHesitantKernel) {
  std::uint64_t calls = 0;
  transmitter_.takes = [&calls](std::size_t batch) { return ++calls % 3 == 0 ? 0 : batch; };
  const std::uint64_t start_ns = clock_.now;
  EXPECT_TRUE(run(1000));
  EXPECT_NEAR(static_cast<double>(clock_.now - start_ns), 1.024e9, 2e7);
}

TEST_F(SenderTest, GivesUpOnAKernelThatTakesNothing) {
  transmitter_.takes = [](std::size_t) { return std::size_t{0}; };
  const std::uint64_t start_ns = clock_.now;
  EXPECT_FALSE(run(1000));
  EXPECT_GE(clock_.now - start_ns, Sender::kStallNs);
  EXPECT_LT(clock_.now - start_ns, Sender::kStallNs + 2 * kSecondNs);
  EXPECT_EQ(handed_over_, 0U);
}

TEST_F(SenderTest, StopsWhenToldTo) {
  transmitter_.takes = [this](std::size_t batch) {
    if (transmitter_.log.size() >= 300) state_.stop_sending = true;
    return batch;
  };
  EXPECT_TRUE(run(Pacer::kUnlimited));
  EXPECT_LT(transmitter_.log.size(), 500U);
  EXPECT_EQ(handed_over_, transmitter_.log.size());
}

TEST(Privileges, NameWhatLacksOrWhatElseRefuses) {
  const Privileges net_raw_alone{.net_raw = true};
  EXPECT_EQ(explain_refused_bpf(net_raw_alone),
            "BPF is not permitted (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN)");
  EXPECT_EQ(explain_refused_bpf({.net_raw = true, .net_admin = true, .bpf = true}),
            "BPF is not permitted (CAP_PERFMON)");
  Privileges all{.net_raw = true, .net_admin = true, .bpf = true, .perfmon = true};
  EXPECT_NE(explain_refused_bpf(all).find("seccomp"), std::string::npos);
  all.is_user_namespace = true;
  EXPECT_NE(explain_refused_bpf(all).find("user namespace"), std::string::npos);

  EXPECT_NE(explain_refused_socket({}).find("--cap-add NET_RAW, or for AF_XDP"), std::string::npos);
  EXPECT_NE(explain_refused_socket(all).find("user namespace"), std::string::npos);
  EXPECT_NE(explain_refused_socket(net_raw_alone).find("seccomp"), std::string::npos);
}

}  // namespace
}  // namespace echoscan
