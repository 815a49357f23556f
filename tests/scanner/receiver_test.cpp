// The receiver by itself, fed with records: what is a line and what only a count, who repeats, what
// is late. How much of it a flood may cost is in result_bench and allocation_test.
#include "scanner/pipeline/receiver.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "tests/scanner/fakes.h"

namespace echoscan::receiver_test {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kStartNs = 1'000'000'000;
constexpr std::uint32_t kFirst = 0x09000000;

// Hands out its records, then ends the receiving.
class ScriptedSource : public ReplySource {
 public:
  explicit ScriptedSource(ScanState& state) : state_(state) {}
  std::size_t receive(std::span<reply> replies) override {
    const std::size_t count = std::min(replies.size(), records.size() - next_);
    std::copy_n(records.begin() + static_cast<std::ptrdiff_t>(next_), count, replies.begin());
    next_ += count;
    if (next_ == records.size()) state_.stop_receiving = true;
    return count;
  }
  void stop() override {}
  [[nodiscard]] frame_counters outcomes() const override { return {}; }
  [[nodiscard]] std::uint64_t dropped_unseen() const override { return 0; }
  [[nodiscard]] std::uint64_t passed_on() const override { return 0; }
  [[nodiscard]] bool is_backlogged() const override { return false; }
  [[nodiscard]] std::string mode() const override { return "script"; }

  std::vector<reply> records;

 private:
  ScanState& state_;
  std::size_t next_ = 0;
};

reply reply_of(std::uint32_t target, std::uint64_t received_ns = kStartNs + 1000) {
  reply record{};
  record.target = record.responder = target;
  record.received_ns = received_ns;
  record.sent_ns = received_ns - 1000;
  record.ttl = 60;
  return record;
}

reply error_of(std::uint32_t target, std::uint8_t type = 3, std::uint8_t code = 1) {
  reply record = reply_of(target);
  record.outcome = FRAME_ERROR;
  record.responder = 0xc6336401;
  record.sent_ns = 0;
  record.icmp_type = type;
  record.icmp_code = code;
  record.quoted_ttl = 7;
  return record;
}

// Tells who watches that lines are about to be written.
class WatchedSink : public FakeSink {
 public:
  Outcome write_some(std::string_view bytes) override {
    if (watch) watch();
    return FakeSink::write_some(bytes);
  }
  std::function<void()> watch;
};

class ReceiverTest : public testing::Test {
 protected:
  // Receives everything; the lines.
  std::vector<Json> run(const Emission& emission = {}) {
    clock_.now = kStartNs;
    receiver.emplace(targets_, ResultOrigin{}, source_, geo_, format_, writer_, clock_, state,
                     labels_, labels_, Arrivals{}, emission);
    receiver->keep_marks(marks.get(), line_marks.get());
    receiver->keep_histories(histories);
    if (histories != nullptr) receiver->tell_passes();
    receiver->run([] {});
    std::vector<Json> lines;
    std::istringstream in(sink.text);
    for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  std::vector<reply>& records() { return source_.records; }
  const ReceiverCounters& counters() { return receiver->counters(); }

  ScanState state;
  std::optional<Receiver> receiver;
  std::unique_ptr<AnswerMarks> marks;
  std::unique_ptr<LineMarks> line_marks;
  PassHistories* histories = nullptr;
  WatchedSink sink;

 private:
  TargetSet targets_{{{Ipv4{kFirst}, Ipv4{kFirst + 0xffff}}}};
  ScriptedSource source_{state};
  GeoTable geo_;
  ResultFormat format_;
  ResultWriter writer_{sink};
  FakeClock clock_;
  LabelMap labels_;
};

// A target whose reply has its line is probed no more by the next leg: a kill between the two must
// not take the error that came before it.
TEST_F(ReceiverTest, AnErrorIsMarkedBeforeTheReplyBehindItHasItsLine) {
  marks =
      AnswerMarks::open(testing::TempDir() + "/receiver_test.marks", std::nullopt, [](const auto&) {
      }).value();
  std::vector<std::uint64_t> marked;
  sink.watch = [&] { marked.push_back(marks->in_place()); };
  records() = {error_of(kFirst), reply_of(kFirst)};
  EXPECT_EQ(run().size(), 1U);
  ASSERT_FALSE(marked.empty());
  EXPECT_EQ(marked.front(), 1U);
  EXPECT_EQ(counters().errored_and_replied.get(), 1U);
}

// A late reply to the first pass, in the midst of the second, is the first's; and a payload that
// was altered proves no pass.
TEST_F(ReceiverTest, ARepliesPassIsWhatItsPayloadProves) {
  const LabelMap none;
  PassHistories kept(0x10000, 3, none, none);
  histories = &kept;
  const auto reply_to = [](std::uint32_t target, std::uint8_t pass) {
    reply record = reply_of(target);
    record.pass = pass;
    return record;
  };
  reply altered = reply_of(kFirst + 2);
  altered.sent_ns = 0;
  altered.outcome = FRAME_REPLY_ALTERED;
  records() = {reply_to(kFirst, 1),     reply_to(kFirst, 0), reply_to(kFirst, 0), altered,
               reply_to(kFirst + 1, 2), error_of(kFirst + 3)};
  const std::vector<Json> lines = run({.repeats = true});
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0]["pass"], 1);
  EXPECT_EQ(lines[1]["pass"], 0);
  EXPECT_FALSE(lines[3].contains("pass"));
  EXPECT_EQ(kept.counts(), (std::vector<std::uint64_t>{0, 0, 0, 1, 1, 0, 0, 0}));
  // What another leg has marked counts where the target has replied.
  EXPECT_TRUE(receiver->restore_pass(Ipv4{kFirst + 1}, 0));
  EXPECT_FALSE(receiver->restore_pass(Ipv4{kFirst + 3}, 0));
  EXPECT_EQ(kept.counts(), (std::vector<std::uint64_t>{0, 0, 0, 1, 0, 1, 0, 0}));
}

// A line without its mark says too little.
TEST_F(ReceiverTest, WhatALineLeavesUnsaidIsMarkedBeforeIt) {
  const std::string path = testing::TempDir() + "/receiver_test.lines";
  line_marks = LineMarks::open(path, false).value();
  std::vector<std::uint64_t> marked;
  sink.watch = [&] { marked.push_back(line_marks->in_place()); };
  records() = {error_of(kFirst), reply_of(kFirst), reply_of(kFirst)};
  const std::vector<Json> lines = run({.errors = true, .repeats = true});
  ASSERT_EQ(lines.size(), 3U);
  ASSERT_FALSE(marked.empty());
  EXPECT_EQ(marked.front(), 3U);
  line_marks = LineMarks::open(path, true).value();
  std::vector<ReadResult> results(3);
  ASSERT_EQ(line_marks->complete(results).value(), 3U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(to_string(results[i].target), lines[i].at("target"));
    EXPECT_EQ(to_string(*results[i].responder), lines[i].at("saddr"));
    EXPECT_EQ(results[i].received_us, lines[i].at("ts_us"));
    EXPECT_EQ(results[i].is_error, lines[i].at("type") == "error");
    EXPECT_EQ(results[i].is_repeat, lines[i].at("repeat"));
    EXPECT_EQ(results[i].is_late, lines[i].at("cooldown"));
    EXPECT_EQ(results[i].rtt_ns.has_value(), lines[i].contains("rtt_us"));
    EXPECT_EQ(results[i].icmp_code, lines[i].at("icmp_code"));
  }
}

TEST_F(ReceiverTest, EachKindOfReplySaysWhatItIs) {
  records() = {reply_of(kFirst), reply_of(kFirst + 1), reply_of(kFirst + 2)};
  records()[1].outcome = FRAME_REPLY_ALTERED;
  records()[1].sent_ns = 0;
  records()[2].outcome = FRAME_REPLY_OFF_TARGET;
  records()[2].responder = 0x08080808;
  const std::vector<Json> lines = run();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_DOUBLE_EQ(lines[0]["rtt_us"].get<double>(), 1.0);
  EXPECT_FALSE(lines[0].contains("rtt_trusted") || lines[0].contains("off_target"));
  EXPECT_FALSE(lines[0].contains("quoted_ttl"));
  EXPECT_EQ(lines[1]["rtt_trusted"], false);
  EXPECT_FALSE(lines[1].contains("rtt_us") || lines[1].contains("off_target"));
  EXPECT_EQ(lines[2]["off_target"], true);
  EXPECT_EQ(lines[2]["saddr"], "8.8.8.8");
  EXPECT_EQ(lines[2]["target"], "9.0.0.2");
  EXPECT_TRUE(lines[2].contains("rtt_us"));
  EXPECT_EQ(counters().off_target.get(), 1U);
  EXPECT_EQ(receiver->responders().total(), 1U);
  EXPECT_EQ(to_string(receiver->responders().top(1)[0].target), "8.8.8.8");
  EXPECT_EQ(counters().without_rtt.get(), 1U);
}

// Clocks that do not agree give no round-trip time: nothing was sent before the scan began, nor
// after the reply came.
TEST_F(ReceiverTest, ARoundTripIsNoLongerThanTheScanIsOld) {
  constexpr std::uint64_t kReceivedNs = kStartNs + 100'000;
  const std::vector<std::uint64_t> impossible = {1,
                                                 kStartNs - 600'000'000'000,
                                                 kStartNs - 1,
                                                 kReceivedNs,
                                                 kReceivedNs + 1,
                                                 kReceivedNs + 600'000'000'000};
  const std::vector<std::uint64_t> possible = {kStartNs, kStartNs + 1, kReceivedNs - 1};
  std::uint32_t target = kFirst;
  for (const auto* times : {&impossible, &possible})
    for (const std::uint64_t sent_ns : *times) {
      records().push_back(reply_of(target++, kReceivedNs));
      records().back().sent_ns = sent_ns;
    }
  const std::vector<Json> lines = run();
  ASSERT_EQ(lines.size(), impossible.size() + possible.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].contains("rtt_us"), i >= impossible.size()) << lines[i];
    EXPECT_EQ(lines[i].contains("rtt_trusted"), i < impossible.size()) << lines[i];
  }
  EXPECT_EQ(counters().without_rtt.get(), impossible.size());
}

TEST_F(ReceiverTest, ErrorsSayWhoSaysWhatAboutWhom) {
  records() = {error_of(kFirst, 3, 13), error_of(kFirst + 1, 4, 0), error_of(kFirst + 2, 5, 1),
               error_of(kFirst + 3, 11, 0), error_of(kFirst + 4, 12, 2)};
  records()[3].sent_ns = kStartNs + 10;
  records()[3].quoted_ttl = 0;
  const std::vector<Json> lines = run({.errors = true});
  ASSERT_EQ(lines.size(), 5U);
  const std::vector<std::string> names = {"unreach", "sourcequench", "redirect", "timxceed",
                                          "paramprob"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(lines[i]["type"], "error");
    EXPECT_EQ(lines[i]["success"], false);
    EXPECT_EQ(lines[i]["classification"], names[i]);
    EXPECT_EQ(lines[i]["saddr"], "198.51.100.1");
    EXPECT_EQ(lines[i]["target"], "9.0.0." + std::to_string(i));
    EXPECT_EQ(lines[i]["quoted_ttl"], i == 3 ? 0 : 7);
    EXPECT_EQ(lines[i].contains("rtt_us"), i == 3) << "only a whole quote proves the time";
    EXPECT_FALSE(lines[i].contains("rtt_trusted") || lines[i].contains("off_target"));
  }
  EXPECT_EQ(lines[0]["icmp_code"], 13);
  EXPECT_EQ(receiver->rtt().count(), 0U) << "round-trip times are those of replies";
}

// Whichever comes first, neither is the other's repeat, and the target counts once.
TEST_F(ReceiverTest, ATargetMayDoBoth) {
  records() = {error_of(kFirst), reply_of(kFirst), reply_of(kFirst + 1), error_of(kFirst + 1),
               error_of(kFirst + 2)};
  for (const Json& line : run({.errors = true, .repeats = true})) EXPECT_EQ(line["repeat"], false);
  EXPECT_EQ(counters().replied.get(), 2U);
  EXPECT_EQ(counters().errors.get(), 3U);
  EXPECT_EQ(counters().errored_and_replied.get(), 2U);
  EXPECT_EQ(counters().errors_written.get(), 3U);
}

TEST_F(ReceiverTest, WhatIsNotAskedForIsCounted) {
  for (int i = 0; i < 5; ++i) {
    records().push_back(reply_of(kFirst));
    records().push_back(error_of(kFirst + 1));
  }
  records().push_back(reply_of(0x08080808));
  records().push_back(error_of(0x08080808, 11, 1));
  EXPECT_EQ(run().size(), 1U);
  EXPECT_EQ(counters().records.get(), 12U);
  EXPECT_EQ(counters().repeats.get(), 4U);
  EXPECT_EQ(counters().error_repeats.get(), 4U);
  EXPECT_EQ(counters().unlisted.get(), 2U);
  const std::vector<ErrorCount> rows = receiver->errors().rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].frames, 5U);
  EXPECT_EQ(rows[0].targets, 1U);
  EXPECT_EQ(rows[1].icmp_type, 11);
  EXPECT_EQ(rows[1].icmp_code, 1);
  EXPECT_EQ(rows[1].targets, 0U);
}

// The cap is a target's, over replies and errors; a repeated error takes both wishes.
TEST_F(ReceiverTest, RepeatsAreWrittenUpToTheCap) {
  for (int i = 0; i < 8; ++i) {
    records().push_back(reply_of(kFirst));
    records().push_back(error_of(kFirst));
    records().push_back(reply_of(kFirst + 1));
  }
  const std::vector<Json> lines = run({.errors = true, .repeats = true, .repeat_cap = 3});
  std::map<std::string, int> repeats;
  for (const Json& line : lines)
    if (line["repeat"].get<bool>()) ++repeats[line["target"]];
  EXPECT_EQ(repeats, (std::map<std::string, int>{{"9.0.0.0", 3}, {"9.0.0.1", 3}}));
  EXPECT_EQ(lines.size(), 3U + 6);
}

TEST(Emission, EachChoice) {
  for (const std::uint64_t repeat : {0, 1, 10, 11}) {
    EXPECT_EQ(Emission().admits(false, repeat), repeat == 0);
    EXPECT_FALSE(Emission().admits(true, repeat));
    EXPECT_EQ((Emission{.errors = true}.admits(true, repeat)), repeat == 0);
    EXPECT_EQ((Emission{.repeats = true}.admits(false, repeat)), repeat <= 10);
    EXPECT_FALSE((Emission{.repeats = true}.admits(true, repeat)));
    EXPECT_EQ((Emission{.errors = true, .repeats = true}.admits(true, repeat)), repeat <= 10);
  }
}

TEST_F(ReceiverTest, LateIsBehindTheLastProbe) {
  const std::uint64_t ended_ns = kStartNs + 5'500'000'000;
  state.sending_ended_ns = ended_ns;
  records() = {reply_of(kFirst, kStartNs + 1), reply_of(kFirst + 1, ended_ns),
               reply_of(kFirst + 2, ended_ns + 1), reply_of(kFirst + 3, ended_ns + 3'000'000'000)};
  const std::vector<Json> lines = run();
  ASSERT_EQ(lines.size(), 4U);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i]["cooldown"], i >= 2);
  EXPECT_EQ(receiver->replied_by_time().counts(),
            (std::vector<std::uint64_t>{1, 0, 0, 0, 0, 2, 0, 0, 1}));
  EXPECT_EQ(receiver->replied_late().counts(), (std::vector<std::uint64_t>{1, 0, 0, 1}));
}

TEST_F(ReceiverTest, ASendTimeOfTheFutureIsNoRoundTrip) {
  records() = {reply_of(kFirst)};
  records()[0].sent_ns = records()[0].received_ns + 1;
  const std::vector<Json> lines = run();
  EXPECT_FALSE(lines[0].contains("rtt_us"));
  EXPECT_EQ(lines[0]["rtt_trusted"], false);
  EXPECT_EQ(counters().without_rtt.get(), 1U);
}

TEST(RepeatTally, IsExactWhileThereIsRoom) {
  RepeatTally tally;
  for (std::uint64_t i = 1; i <= 3; ++i)
    for (std::uint32_t target = kFirst; target < kFirst + 100'000; ++target)
      ASSERT_EQ(tally.add(Ipv4{target}), i);
  for (int i = 0; i < 5; ++i) tally.add(Ipv4{kFirst + 77});
  const std::vector<Repeater> top = tally.top(3);
  ASSERT_EQ(top.size(), 3U);
  EXPECT_EQ(top[0].target, Ipv4{kFirst + 77});
  EXPECT_EQ(top[0].repeats, 8U);
  EXPECT_EQ(top[0].repeats_at_most, 8U);
  EXPECT_EQ(top[1].target, Ipv4{kFirst});
  EXPECT_EQ(tally.total(), 300'005U);
  EXPECT_TRUE(tally.top(0).empty());
  EXPECT_TRUE(RepeatTally().top(10).empty());
  EXPECT_EQ(RepeatTally().total(), 0U);
}

// Any number to another one, scattered (the finalizer of MurmurHash3): no address comes twice.
Ipv4 scattered(std::uint32_t number) {
  number = (number ^ number >> 16) * 0x85ebca6bU;
  number = (number ^ number >> 13) * 0xc2b2ae35U;
  return Ipv4{number ^ number >> 16};
}

// The figure in the header is from here.
// Both tables were read at the end of each scan, and 32 MiB of memory were made for that.
TEST(RepeatTally, TakesNoMemoryWithoutRepeats) {
  const RepeatTally tally;
  rusage before{};
  rusage after{};
  getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ(tally.total(), 0U);
  EXPECT_TRUE(tally.top(10).empty());
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_minflt - before.ru_minflt, 100);
}

TEST(RepeatTally, HowManyTargetsAreExact) {
  RepeatTally tally;
  std::uint32_t targets = 0;
  while (tally.add(scattered(targets)) == 1) ++targets;
  std::printf("%u scattered targets before the first count that is too large\n", targets);
  EXPECT_GT(targets, 100'000U);
}

// Three times as many targets as there is room for, and three that shout: those are found, nobody's
// count is too small, and nothing is counted twice.
TEST(RepeatTally, BoundsHoldWhenItOverflows) {
  constexpr std::uint32_t kTargets = 3 * RepeatTally::kSlots;
  RepeatTally tally;
  std::mt19937 random(4);
  std::vector<std::uint64_t> truth(kTargets);
  std::uint64_t adds = 0;
  const auto add = [&](std::uint32_t number) {
    ++adds;
    return tally.add(scattered(number)) >= ++truth[number];
  };
  for (std::uint32_t i = 0; i < kTargets; ++i) {
    ASSERT_TRUE(add(static_cast<std::uint32_t>(random() % kTargets)));
    for (const std::uint32_t shouter : {1U, 2U, 3U})
      if (i % (50 * shouter) == 0) {
        ASSERT_TRUE(add(shouter));
      }
  }
  EXPECT_EQ(tally.total(), adds);
  const std::vector<Repeater> top = tally.top(3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(top[i].target, scattered(i + 1));
    EXPECT_LE(top[i].repeats, truth[i + 1]);
    EXPECT_GE(top[i].repeats_at_most, truth[i + 1]);
  }
}

}  // namespace
}  // namespace echoscan::receiver_test
