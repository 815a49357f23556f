// The whole pipeline without a kernel: real threads on simulated time, a fake network behind the
// seams. What goes in as targets comes out as lines and as a ledger that adds up, however the scan
// ends, and whenever.
#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "tests/scanner/pipeline_fixture.h"

namespace echoscan::pipeline_test {
namespace {

TEST_F(PipelineTest, FindsExactlyWhoAnswers) {
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "max"}, 3), "finished");
  EXPECT_EQ(targets_written(), expected_targets());
  EXPECT_EQ(summary.ledger.sent, 65536U);
  EXPECT_EQ(summary.ledger.replied + summary.ledger.silent, 65536U);
  EXPECT_EQ(summary.ledger.replied, summary.output.lines);
  EXPECT_GT(summary.receiving.repeats, 0U);
  EXPECT_EQ(summary.receiving.unlisted, 0U);
  EXPECT_EQ(summary.rtt.count, summary.ledger.replied);
  EXPECT_GE(summary.rtt.min_ns, 1000U);
}

TEST_F(PipelineTest, TargetsReplyHaveErrorsOrAreSilent) {
  errs = usual_errors;
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "max"}, 3), "finished");
  EXPECT_EQ(targets_written(), expected_targets());
  std::uint64_t errored = 0;
  std::uint64_t both = 0;
  std::uint64_t again = 0;
  for (std::uint32_t value = 0x09000000; value < 0x09010000; ++value) {
    if (usual_errors(Ipv4{value}) == 0) continue;
    ++(usual_answers(Ipv4{value}) > 0 ? both : errored);
    again += usual_errors(Ipv4{value}) == 2;
  }
  EXPECT_EQ(summary.ledger.errored, errored);
  EXPECT_EQ(summary.receiving.errored_and_replied, both);
  EXPECT_EQ(summary.receiving.error_repeats, again);
  EXPECT_EQ(summary.ledger.replied + summary.ledger.errored + summary.ledger.silent, 65536U);
  EXPECT_EQ(summary.output.lines, summary.ledger.replied);
  ASSERT_EQ(summary.receiving.errors.size(), 1U);
  EXPECT_EQ(summary.receiving.errors[0].classification, "unreach");
  EXPECT_EQ(summary.receiving.errors[0].icmp_code, 1U);
  EXPECT_EQ(summary.receiving.errors[0].targets, errored + both);
  EXPECT_EQ(summary.receiving.errors[0].frames, errored + both + again);
}

TEST_F(PipelineTest, ErrorsAreLinesWhereAskedFor) {
  errs = usual_errors;
  EXPECT_EQ(outcome_of({"9.0.0.0/20", "--rate", "max", "--emit", "errors"}), "finished");
  EXPECT_EQ(summary.output.repeat_lines, 0U);
  EXPECT_EQ(summary.output.error_lines, 1024U);
  std::istringstream in(sink.text);
  std::uint64_t lines = 0;
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["repeat"], false);
    if (json["type"] == "reply") continue;
    ++lines;
    const Ipv4 target = parse_ipv4(json["target"].get<std::string>()).value();
    EXPECT_GT(usual_errors(target), 0) << line;
    EXPECT_EQ(json["saddr"], "198.51.100.1");
    EXPECT_EQ(json["icmp_type"], 3);
    EXPECT_EQ(json["quoted_ttl"], 64);
    EXPECT_FALSE(json.contains("rtt_us") || json.contains("rtt_trusted")) << line;
  }
  EXPECT_EQ(lines, summary.output.error_lines);
}

TEST_F(PipelineTest, RepeatsAreLinesUpToTheCap) {
  answers = [](Ipv4 address) { return address.value % 256 == 7 ? 50 : usual_answers(address); };
  errs = usual_errors;
  EXPECT_EQ(outcome_of({"9.0.0.0/20", "--rate", "max", "--emit", "repeats", "--repeat-cap", "4"}),
            "finished");
  std::map<std::string, int> repeats;
  std::istringstream in(sink.text);
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["type"], "reply");
    repeats[json["target"]] += json["repeat"].get<bool>();
  }
  for (const auto& [target, count] : repeats)
    EXPECT_EQ(count, std::min(answers(parse_ipv4(target).value()) - 1, 4)) << target;
  ASSERT_EQ(summary.receiving.top_repeaters.size(), 10U);
  EXPECT_EQ(summary.receiving.top_repeaters[0].target, "9.0.0.7");
  EXPECT_EQ(summary.receiving.top_repeaters[9].target, "9.0.9.7");
  EXPECT_EQ(summary.receiving.top_repeaters[9].repeats, 49U);
  EXPECT_EQ(summary.receiving.top_repeaters[9].repeats_at_most, 49U);
}

// One probe, a million replies: the cap holds, nobody is kept waiting, and the summary says who.
TEST_F(PipelineTest, AFloodIsCountedAndNotWritten) {
  constexpr int kFlood = 1'000'000;
  answers = [](Ipv4 address) { return address.value == 0x09000141 ? kFlood : 1; };
  EXPECT_EQ(outcome_of({"9.0.0.0/22", "--rate", "max", "--emit", "repeats"}), "finished");
  EXPECT_EQ(summary.ledger.replied, 1024U);
  EXPECT_EQ(summary.receiving.repeats, kFlood - 1U);
  EXPECT_EQ(summary.output.lines, 1024U + 10);
  ASSERT_EQ(summary.receiving.top_repeaters.size(), 1U);
  EXPECT_EQ(summary.receiving.top_repeaters[0].target, "9.0.1.65");
  EXPECT_EQ(summary.receiving.top_repeaters[0].repeats, kFlood - 1U);
}

TEST_F(PipelineTest, PassesProbeAgainAndReportOnce) {
  EXPECT_EQ(outcome_of({"9.0.0.0/20", "--rate", "max", "--probes", "3"}), "finished");
  EXPECT_EQ(targets_written(), expected_targets());
  EXPECT_EQ(summary.ledger.sent, 3U * 4096);
  EXPECT_EQ(summary.ledger.replied + summary.ledger.silent, 4096U);
}

// On simulated time, with one to four senders and any list: each pass begins so long after the last
// probe of the one before, and each target that answers has answered all of them.
TEST_F(PipelineTest, PassesAreApart) {
  for (unsigned queues = 1; queues <= 4; ++queues) {
    const unsigned passes = 1 + queues % 3 + 1;
    const std::string network = queues % 2 == 0 ? "9.0.0.0/20" : "9.0.0.0/26";
    run({"--probes", std::to_string(passes), "--pass-gap", "2.5", "--rate", "100k", network},
        queues);
    ASSERT_EQ(summary.passes.each.size(), passes);
    for (const Summary::Pass& pass : summary.passes.each) {
      EXPECT_EQ(pass.sent, summary.targets.count);
      EXPECT_EQ(pass.answers.answered, summary.ledger.replied);
      EXPECT_EQ(pass.answers.only_then, 0U);
      EXPECT_EQ(pass.answers.loss, 0.0);
    }
    EXPECT_EQ(summary.passes.histories.back(), summary.ledger.replied);
    EXPECT_EQ(summary.passes.estimate.targets, double(summary.ledger.replied));
    EXPECT_GE(ran_ms, (passes - 1) * 2500);
    EXPECT_LE(ran_ms, (passes - 1) * 2600 + 500);
    EXPECT_GT(summary.sending.paused_for_pass_s, 2.4 * (passes - 1));
  }
}

TEST_F(PipelineTest, RetriesAskThoseWhoHaveNotReplied) {
  reply_delay_ns = 300'000'000;
  run({"--retry", "2", "--rate", "100k", "9.0.0.0/20"});
  ASSERT_EQ(summary.passes.each.size(), 3U);
  const std::uint64_t silent = summary.targets.count - summary.ledger.replied;
  EXPECT_EQ(summary.passes.each[0].sent, summary.targets.count);
  EXPECT_EQ(summary.passes.each[1].sent, silent);
  EXPECT_EQ(summary.passes.each[2].sent, silent);
  EXPECT_EQ(summary.ledger.not_sent.replied, 2 * summary.ledger.replied);
  EXPECT_EQ(summary.passes.why_no_estimate, "--retry asks only those who have not replied");
  EXPECT_FALSE(summary.passes.estimate.targets);
  EXPECT_FALSE(summary.passes.each[0].answers.loss);
  EXPECT_EQ(targets_written(), expected_targets());
  EXPECT_GE(ran_ms, 2000U);
}

// A signal while the next pass is waited for ends the sending at once.
TEST_F(PipelineTest, AStopDoesNotWaitForThePass) {
  EXPECT_EQ(outcome_of({"--probes", "2", "--pass-gap", "1000", "--rate", "100k", "9.0.0.0/20"}, 2,
                       [&] {
                         sleep_ms(3000);
                         kill(getpid(), SIGINT);
                       }),
            "interrupted");
  EXPECT_LT(ran_ms, 4000U);
  EXPECT_EQ(summary.ledger.not_sent.stopped, summary.targets.count);
  EXPECT_EQ(summary.passes.why_no_estimate, "the scan ended before the last pass did");
}

TEST_F(PipelineTest, MaxTargetsAreTheFirstOfTheOrder) {
  answers = [](Ipv4) { return 1; };
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "max", "--max-targets", "1000"}), "finished");
  EXPECT_EQ(targets_written().size(), 1000U);
  EXPECT_EQ(summary.targets.count, 1000U);
  EXPECT_EQ(summary.ledger.sent, 1000U);
}

// Every label's line and count is the truth, and their sums are the scan's (or make_summary would
// have found a fault), though each queue's kernel loses some.
TEST_F(PipelineTest, LabelsAddUp) {
  const std::string list = testing::TempDir() + "/pipeline_labels.txt";
  std::ofstream(list) << "9.0.0.0/16 wide\n9.0.1.0/24 narrow\n9.0.2.0/24\n9.0.1.128/25 \"q\"\n";
  loses = 500;
  EXPECT_EQ(outcome_of({"-t", list, "--rate", "max", "--probes", "2"}), "finished");
  EXPECT_EQ(targets_written(), expected_targets());
  std::map<std::string, std::uint64_t> replied;
  std::istringstream in(sink.text);
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    const std::string target = json["target"];
    const bool is_unlabelled = target.starts_with("9.0.2.");
    ASSERT_EQ(json.contains("label"), !is_unlabelled) << line;
    const std::string label = json.value("label", "");
    EXPECT_EQ(label == "narrow" || label == "\"q\"", target.starts_with("9.0.1.")) << line;
    ++replied[label];
  }
  ASSERT_EQ(summary.labels.size(), 4U);
  std::uint64_t sent = 0;
  for (const Summary::Label& label : summary.labels) {
    EXPECT_EQ(label.replied, replied[label.name]) << label.name;
    EXPECT_LE(label.sent, label.targets * 2);
    sent += label.sent;
  }
  EXPECT_EQ(summary.labels[0].name, "wide");
  EXPECT_EQ(summary.labels[0].targets, 65536U - 512);
  EXPECT_EQ(summary.labels[1].name, "");
  EXPECT_EQ(summary.labels[2].name, "\"q\"");
  EXPECT_EQ(sent, summary.ledger.sent);
  EXPECT_GT(summary.ledger.not_sent.unconfirmed, 0U);
  EXPECT_EQ(sent, 2U * 65536 - summary.ledger.not_sent.unconfirmed);
}

TEST_F(PipelineTest, AShardIsAWholeScanOfItsPart) {
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "max", "--shard", "2/3", "--probes", "2"}, 3),
            "finished");
  EXPECT_NEAR(static_cast<double>(summary.targets.count), 65536.0 / 3, 20);
  EXPECT_EQ(summary.ledger.sent, 2 * summary.targets.count);
  EXPECT_EQ(summary.ledger.replied + summary.ledger.silent, summary.targets.count);
  EXPECT_EQ(summary.order.step_end, summary.order.prime - 1);
  EXPECT_EQ(nlohmann::json::parse(sink.text.substr(0, sink.text.find('\n')))["shard"], 2);
}

TEST_F(PipelineTest, AShardMayBeEmpty) {
  EXPECT_EQ(outcome_of({"9.9.9.9", "--shard", "0/2"}), "finished");
  EXPECT_EQ(summary.targets.count, 0U);
  EXPECT_EQ(summary.ledger.sent, 0U);
}

TEST_F(PipelineTest, SmallestScan) {
  answers = [](Ipv4) { return 1; };
  EXPECT_EQ(outcome_of({"9.9.9.9"}), "finished");
  EXPECT_EQ(targets_written(), std::multiset<std::string>{"9.9.9.9"});
}

TEST_F(PipelineTest, MaxRuntimeEndsTheSending) {
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "10k", "--max-runtime", "0.3"}),
            "stopped at --max-runtime");
  EXPECT_GT(summary.ledger.sent, 1000U);
  EXPECT_LT(summary.ledger.sent, 30000U);
  EXPECT_EQ(summary.ledger.sent + summary.ledger.not_sent.stopped, 65536U);
  EXPECT_EQ(summary.ledger.not_probed, 65536U - summary.ledger.sent);
}

// The sending ends, the cooldown is kept, and what was on its way is a result as well.
TEST_F(PipelineTest, MaxResultsEndsTheSendingAndNothingElse) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t results = 1 + random() % 5'000;
    reply_delay_ns = random() % 2 * 40'000'000;
    cooldown = "0.2";
    sink.text.clear();
    EXPECT_EQ(
        outcome_of({"9.0.0.0/16", "--rate", "100k", "--max-results", std::to_string(results)}),
        "stopped at --max-results");
    EXPECT_GE(summary.ledger.replied, results);
    EXPECT_EQ(summary.ledger.replied, summary.output.lines);
    EXPECT_EQ(summary.ledger.sent + summary.ledger.not_sent.stopped, 65536U);
    // Nobody who was probed and answers is called silent.
    const std::multiset<std::string> written = targets_written();
    EXPECT_EQ(written.size(), summary.ledger.replied);
    EXPECT_NEAR(static_cast<double>(summary.ledger.replied),
                static_cast<double>(summary.ledger.sent) / 3,
                6 * std::sqrt(static_cast<double>(summary.ledger.sent)));
    const std::multiset<std::string> all = expected_targets();
    EXPECT_TRUE(std::ranges::includes(all, written));
  }
  reply_delay_ns = 0;
  sink.text.clear();
  // As many as there are: when the last is in, the order may have ended already.
  EXPECT_EQ(outcome_of({"9.0.0.0/20", "--rate", "100k", "--max-results", "4096"}), "finished");
}

TEST_F(PipelineTest, AScanThatFindsNothingStops) {
  answers = [](Ipv4) { return 0; };
  cooldown = "1";
  const ScanOutcome outcome =
      run({"9.0.0.0/16", "--rate", "10k", "--min-hit-rate", "0.5%", "--probes", "2"});
  EXPECT_EQ(outcome_name(outcome), "stopped, hit rate too low");
  EXPECT_EQ(static_cast<int>(exit_code(outcome)), 5);
  const auto& end = std::get<HitRateTooLow>(outcome);
  // ln(2000) / 0.005, and what was sent in the second that a reply may take.
  EXPECT_GE(end.probed, 1517U);
  EXPECT_LT(summary.ledger.sent, 20'000U);
  EXPECT_GT(summary.ledger.sent, 10'000U);
  ASSERT_EQ(summary.events.size(), 1U);
  EXPECT_EQ(summary.events[0].what, hit_rate_text(end));
  EXPECT_NE(outcome_sentence(outcome).find("0 of the first "), std::string::npos);
  EXPECT_NE(outcome_sentence(outcome).find("of all at a confidence of 99.9 %, and --min-hit-rate "
                                           "asks for 0.5 %"),
            std::string::npos)
      << outcome_sentence(outcome);
  // As soon as one in thirty answers, there is no reason to, however late the replies are.
  answers = [](Ipv4 address) { return address.value % 30 == 0 ? 1 : 0; };
  reply_delay_ns = 900'000'000;
  sink.text.clear();
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "20k", "--min-hit-rate", "2%"}), "finished");
  EXPECT_EQ(targets_written(), expected_targets());
}

TEST_F(PipelineTest, SigintKeepsTheCooldown) {
  cooldown = "0.5";
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "10k"}, 2,
                       [this] {
                         sleep_ms(200);
                         kill(getpid(), SIGINT);
                       }),
            "interrupted");
  EXPECT_GE(ran_ms, 700U);
  EXPECT_LE(ran_ms, 730U);
  EXPECT_EQ(targets_written().size(), summary.ledger.replied);
}

TEST_F(PipelineTest, SecondSignalEndsTheCooldown) {
  cooldown = "60";
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "10k"}, 2,
                       [this] {
                         sleep_ms(100);
                         kill(getpid(), SIGTERM);
                         sleep_ms(200);
                         kill(getpid(), SIGTERM);
                       }),
            "terminated");
  EXPECT_GE(ran_ms, 300U);
  EXPECT_LE(ran_ms, 330U);
}

TEST_F(PipelineTest, AReaderThatGoesAwayEndsTheScan) {
  sink.fails_after_bytes = 10000;
  sink.error = EPIPE;
  cooldown = "60";
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "100k"}), "stopped, output failed");
  EXPECT_LT(summary.ledger.sent, 65536U);
  EXPECT_FALSE(summary.output.error.empty());
}

// A reader that stops for a while slows the sending and costs no reply.
TEST_F(PipelineTest, ASlowReaderLosesNothing) {
  answers = [](Ipv4) { return 1; };
  sink.is_stuck = true;
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "200k"}, 2,
                       [this] {
                         sleep_ms(500);
                         sink.is_stuck = false;
                       }),
            "finished");
  EXPECT_EQ(targets_written(), expected_targets());
  EXPECT_GT(summary.sending.paused_for_output_s, 0.1);
}

// So does a receiver that cannot keep up.
TEST_F(PipelineTest, ABackloggedReceiverPausesTheSending) {
  is_backlogged = true;
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "max"}, 2,
                       [this] {
                         sleep_ms(500);
                         set_backlogged(false);
                       }),
            "finished");
  EXPECT_EQ(targets_written(), expected_targets());
  EXPECT_GT(summary.sending.paused_for_receiver_s, 0.1);
}

// However many queues wait for the pacer in turn, an interface that takes nothing is called
// stalled.
TEST_F(PipelineTest, AnInterfaceThatTakesNothingStallsTheScan) {
  takes = [](std::size_t) { return std::size_t{0}; };
  for (const auto& [queues, rate] : {std::pair{2U, "20k"}, {3U, "7"}}) {
    EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", rate}, queues), "stalled");
    EXPECT_GE(ran_ms, Sender::kStallNs / 1'000'000);
    EXPECT_LT(ran_ms, Sender::kStallNs / 1'000'000 + 10'000);
  }
}

// A scan that is told to end gives a reader up that takes nothing for 5 s; one that takes a little
// now and then gets everything.
TEST_F(PipelineTest, AReaderThatTakesNothingIsGivenUpAtTheEnd) {
  answers = [](Ipv4) { return 1; };
  for (const bool by_signal : {false, true}) {
    sink.text.clear();
    sink.is_stuck = true;
    std::vector<std::string> options{"9.0.0.0/16", "--rate", "50k"};
    if (!by_signal) options.insert(options.end(), {"--max-runtime", "0.2"});
    EXPECT_EQ(outcome_of(options, 2,
                         [&] {
                           sleep_ms(200);
                           if (by_signal) kill(getpid(), SIGTERM);
                         }),
              "stopped, output abandoned");
    EXPECT_GT(summary.ledger.replied, 1000U);
    EXPECT_EQ(summary.output.lines, summary.ledger.replied);
    EXPECT_EQ(summary.output.lines_abandoned, summary.output.lines);
    EXPECT_LT(ran_ms, 6000U);
  }
}

TEST_F(PipelineTest, AReaderThatIsSlowIsWaitedFor) {
  answers = [](Ipv4) { return 1; };
  sink.is_stuck = true;
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "50k", "--max-runtime", "0.2"}, 2,
                       [this] {
                         for (int i = 0; i < 4; ++i) {
                           sleep_ms(4000);
                           sink.takes_bytes = 1000;
                         }
                         sink.is_stuck = false;
                       }),
            "stopped at --max-runtime");
  EXPECT_GT(ran_ms, 16'000U);
  EXPECT_EQ(summary.output.lines_abandoned, 0U);
  EXPECT_EQ(targets_written().size(), summary.ledger.replied);
}

// A reader that takes some and then nothing has whole lines and a part of one, and the ledger says
// how many.
TEST_F(PipelineTest, LinesWrittenAndAbandonedAreCounted) {
  answers = [](Ipv4) { return 1; };
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{20'000}}) {
    for (const char* format : {"jsonl", "csv", "ip"}) {
      sink.text.clear();
      sink.is_stuck = true;
      sink.takes_bytes = bytes;
      EXPECT_EQ(
          outcome_of({"9.0.0.0/20", "--rate", "50k", "--max-runtime", "0.05", "--format", format}),
          "stopped, output abandoned");
      auto whole = static_cast<std::uint64_t>(std::ranges::count(sink.text, '\n'));
      if (std::string(format) == "csv" && whole > 0) --whole;  // the header
      EXPECT_EQ(summary.output.lines_written, whole);
      EXPECT_EQ(summary.output.lines, summary.ledger.replied);
    }
  }
}

// SIGUSR1 asks, and changes nothing; SIGHUP and others end as SIGTERM does.
TEST_F(PipelineTest, EverySignalEndsCleanlyOrAsks) {
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "100k"}, 2,
                       [this] {
                         sleep_ms(100);
                         kill(getpid(), SIGUSR1);
                       }),
            "finished");
  for (const int signal : {SIGHUP, SIGQUIT, SIGALRM, SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU}) {
    sink.text.clear();
    const ScanOutcome outcome = run({"9.0.0.0/16", "--rate", "10k"}, 2, [this, signal] {
      sleep_ms(100);
      kill(getpid(), signal);
    });
    EXPECT_EQ(outcome_name(outcome), std::string("stopped by ") + signal_name(signal));
    EXPECT_EQ(static_cast<int>(exit_code(outcome)), 128 + signal);
    EXPECT_EQ(targets_written().size(), summary.ledger.replied);
  }
}

TEST_F(PipelineTest, TwoSignalsLeaveAReaderThatTakesNothing) {
  answers = [](Ipv4) { return 1; };
  sink.is_stuck = true;
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "max"}, 2,
                       [this] {
                         sleep_ms(200);
                         kill(getpid(), SIGINT);
                         sleep_ms(200);
                         kill(getpid(), SIGINT);
                       }),
            "stopped, output abandoned");
  // The backlog may have paused the senders; of what has left, everything has answered.
  EXPECT_EQ(summary.ledger.replied, summary.ledger.sent);
  EXPECT_NE(summary.output.error, "");
}

}  // namespace
}  // namespace echoscan::pipeline_test
