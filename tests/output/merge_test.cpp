// Shards put together: whether they are all of one scan, each once; their sums; their lines.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "output/merge/figure_sum.h"
#include "output/merge/line_merge.h"
#include "output/merge/shard_set.h"
#include "output/merge/summary_sum.h"
#include "output/sink/output_file.h"
#include "output/summary/equations.h"
#include "output/summary/pass_estimate.h"
#include "targets/shard.h"
#include "tests/output/file_content.h"
#include "tests/output/sample_summary.h"

namespace echoscan::merge_test {
namespace {

constexpr std::uint64_t kSteps = 1030;

// A shard of the sample scan: its own steps, and figures that add up.
ShardRun shard_run(std::uint32_t shard, std::uint32_t shards) {
  Summary summary = sample_summary();
  summary.order.seed = 42;
  summary.order.prime = 1031;
  summary.order.first = 1024;
  summary.order.shard = shard;
  summary.order.shards = shards;
  const StepRange steps = shard_steps({shard, shards}, kSteps);
  summary.order.step_begin = steps.begin;
  summary.order.step_end = steps.end;
  summary.response = {summary.targets.count, 1024UL * shards, 0.1, {}, {}};
  summary.legs = {{summary.started_ms, summary.ended_ms, "finished", 1024, 0}};
  return {"shard-" + std::to_string(shard) + ".json", summary};
}

std::vector<ShardRun> shard_runs(std::uint32_t shards) {
  std::vector<ShardRun> runs;
  for (std::uint32_t shard = 0; shard < shards; ++shard) runs.push_back(shard_run(shard, shards));
  return runs;
}

TEST(ShardSet, IsWholeInAnyOrder) {
  std::mt19937 random(3);
  for (const std::uint32_t shards : {1U, 2U, 3U, 7U, 1000U}) {
    std::vector<ShardRun> runs = shard_runs(shards);
    std::shuffle(runs.begin(), runs.end(), random);
    const ShardSet set = find_shard_set(runs);
    EXPECT_TRUE(set.is_whole());
    ASSERT_EQ(set.chosen.size(), shards);
    for (std::uint32_t shard = 0; shard < shards; ++shard)
      EXPECT_EQ(set.chosen[shard]->summary.order.shard, shard);
    EXPECT_EQ(set.steps, kSteps);
  }
}

// Each subset of the shards says which are not there, and its steps fit whatever is missing.
TEST(ShardSet, MissingOnesAreNamed) {
  const std::vector<ShardRun> all = shard_runs(9);
  for (unsigned there = 1; there < 1U << 9; ++there) {
    std::vector<ShardRun> runs;
    std::vector<std::uint32_t> missing;
    for (std::uint32_t shard = 0; shard < 9; ++shard)
      if (there >> shard & 1)
        runs.push_back(all[shard]);
      else
        missing.push_back(shard);
    const ShardSet set = find_shard_set(runs);
    ASSERT_EQ(set.missing, missing);
    ASSERT_TRUE(set.strangers.empty()) << there << set.strangers.front();
  }
}

TEST(ShardSet, NumbersAreAsSchedulersReadThem) {
  const auto text = [](std::vector<std::uint32_t> numbers) { return numbers_text(numbers); };
  EXPECT_EQ(text({}), "");
  EXPECT_EQ(text({4}), "4");
  EXPECT_EQ(text({0, 1, 3, 4, 5, 9}), "0,1,3-5,9");
}

// What is wrong with one of the shards, and what is to be said of it.
struct Wrong {
  void (*change)(Summary&);
  const char* words;
};

TEST(ShardSet, StrangersAreNamed) {
  const Wrong wrongs[] = {
      {[](Summary& s) { s.order.seed = 43; }, "its --seed is 43, not 42"},
      {[](Summary& s) { s.targets.digest.back() = 'b'; }, "its list is another one"},
      {[](Summary& s) { s.order.shards = 4; }, "it is one of 4 shards, not of 3"},
      {[](Summary& s) { s.order.passes = 2; }, "it has 2 passes"},
      {[](Summary& s) { s.order.first = 1000; }, "the first 1000 targets, not 1024"},
      {[](Summary& s) { s.order.generator = 9; }, "its order is another one"},
      {[](Summary& s) { --s.order.step_begin; }, "of the order, where its shard and the others"},
  };
  for (const Wrong& wrong : wrongs)
    for (std::uint32_t stranger = 0; stranger < 3; ++stranger) {
      std::vector<ShardRun> runs = shard_runs(3);
      wrong.change(runs[stranger].summary);
      const ShardSet set = find_shard_set(runs);
      EXPECT_FALSE(set.is_whole());
      ASSERT_FALSE(set.strangers.empty()) << wrong.words;
      EXPECT_NE(set.strangers.front().find(wrong.words), std::string::npos)
          << set.strangers.front();
      EXPECT_NE(set.strangers.front().find("'" + runs[stranger].file + "'"), std::string::npos)
          << set.strangers.front();
    }
}

TEST(ShardSet, OfSeveralRunsTheFirstThatHasFinishedCounts) {
  std::vector<ShardRun> runs = shard_runs(3);
  runs.push_back(shard_run(1, 3));
  runs.back().file = "again.json";
  ShardSet set = find_shard_set(runs);
  EXPECT_EQ(set.doubled,
            std::vector<std::string>{"shard 1 is there 2 times: 'shard-1.json' 'again.json'"});
  EXPECT_EQ(set.chosen[1]->file, "shard-1.json");
  runs[1].summary.outcome = "terminated";
  set = find_shard_set(runs);
  EXPECT_EQ(set.chosen[1]->file, "again.json");
  EXPECT_TRUE(set.unfinished.empty());
  EXPECT_FALSE(set.is_whole());
}

TEST(ShardSet, UnfinishedAndDamagedOnesAreNamed) {
  std::vector<ShardRun> runs = shard_runs(3);
  runs[2].summary.outcome = "interrupted";
  EXPECT_EQ(find_shard_set(runs).unfinished, std::vector<std::uint32_t>{2});
  runs[0].summary.ledger.faults = {"probes: 1 is not 2"};
  EXPECT_EQ(find_shard_set(runs).damaged,
            std::vector<std::string>{"'shard-0.json' does not add up: probes: 1 is not 2"});
  runs[0].summary.ledger.faults.clear();
  runs[0].summary.output.lines_abandoned = 7;
  EXPECT_EQ(
      find_shard_set(runs).damaged,
      std::vector<std::string>{"'shard-0.json' says that 7 of its 122 lines were not written"});
}

TEST(SummarySum, AddsUpAndListsItsShards) {
  for (const std::uint32_t shards : {1U, 3U, 50U}) {
    std::vector<ShardRun> runs = shard_runs(shards);
    for (ShardRun& run : runs) run.summary.order.n = run.summary.targets.listed = 1024UL * shards;
    const Summary sum = sum_summaries(find_shard_set(runs), {});
    EXPECT_EQ(sum.ledger.faults, std::vector<std::string>{});
    EXPECT_EQ(sum.outcome, "finished");
    EXPECT_EQ(sum.ledger.sent, 1024UL * shards);
    EXPECT_EQ(sum.ledger.replied, 122UL * shards);
    EXPECT_EQ(sum.rtt.count, 122UL * shards);
    EXPECT_EQ(sum.receiving.replied_by_time.counts,
              (std::vector<std::uint64_t>{100UL * shards, 22UL * shards}));
    EXPECT_EQ(sum.order.step_end, kSteps);
    EXPECT_EQ(sum.merge.shards.size(), shards);
    EXPECT_EQ(sum.merge.covered, 1.0);
    EXPECT_TRUE(sum.order.left.empty());
    EXPECT_EQ(sum.response.probed, sum.response.population);
    // The same as of one scan: of no width.
    EXPECT_EQ(sum.response.low, sum.response.share);
    // It is a summary as any other.
    EXPECT_TRUE(read_summary(summary_json(sum)));
  }
}

// Each driver has names of its own, and those of two shards that are the same are one.
TEST(SummarySum, AddsDriversCountersByName) {
  std::vector<ShardRun> runs = shard_runs(3);
  runs[0].summary.receiving.driver_counters = {{"rx_missed_errors", 5}, {"tx_good_packets", 100}};
  runs[2].summary.receiving.driver_counters = {{"tx_good_packets", 20}, {"rx_q0_bytes", 3}};
  const Summary sum = sum_summaries(find_shard_set(runs), {});
  std::string text;
  for (const auto& [name, count] : sum.receiving.driver_counters)
    text += name + " " + std::to_string(count) + "\n";
  EXPECT_EQ(text, "rx_missed_errors 5\ntx_good_packets 120\nrx_q0_bytes 3\n");
}

// What no shard has walked is left, wherever the gaps are: held against a list of all steps.
TEST(SummarySum, WhatIsLeftIsWhatNoShardHasWalked) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 300; ++i) {
    const auto shards = static_cast<std::uint32_t>(2 + random() % 12);
    const unsigned passes = 1 + static_cast<unsigned>(random() % 3);
    std::vector<ShardRun> runs;
    std::vector<bool> walked(kSteps * passes, false);
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      if (shard > 0 && random() % 3 == 0) continue;
      ShardRun run = shard_run(shard, shards);
      Summary::Order& order = run.summary.order;
      order.passes = passes;
      const std::uint64_t own = order.step_end - order.step_begin;
      Summary::Steps left{random() % (own * passes), own * passes};
      if (random() % 2 == 0) left.end = left.begin;
      for (std::uint64_t at = 0; at < own * passes; ++at)
        if (at < left.begin || at >= left.end)
          walked[at / own * kSteps + order.step_begin + at % own] = true;
      if (left.begin < left.end) {
        order.left = {left};
        run.summary.outcome = "interrupted";
      }
      runs.push_back(run);
    }
    const ShardSet set = find_shard_set(runs);
    const Summary sum = sum_summaries(set, {});
    // Without the last shard the order may be taken for a little shorter than it is.
    std::vector<bool> found(walked.size(), true);
    for (const Summary::Steps& steps : sum.order.left)
      for (std::uint64_t at = steps.begin; at < steps.end; ++at)
        found.at(at / set.steps * kSteps + at % set.steps) = false;
    for (unsigned pass = 0; pass < passes; ++pass)
      for (std::uint64_t at = set.steps; at < kSteps; ++at) found[pass * kSteps + at] = false;
    ASSERT_EQ(found, walked) << i;
    const auto share =
        static_cast<double>(std::ranges::count(walked, true)) / static_cast<double>(walked.size());
    ASSERT_NEAR(*sum.merge.covered, share, 0.01);
    ASSERT_EQ(sum.outcome, share == 1 ? "finished" : "partial");
  }
}

// The passes of all are those of a scan that counted all of it in one place.
TEST(SummarySum, PassesAreThoseOfOneScan) {
  std::mt19937_64 random(5);
  for (const unsigned passes : {2U, 3U}) {
    std::vector<std::uint64_t> all(std::size_t{1} << passes);
    std::vector<ShardRun> runs = shard_runs(4);
    for (ShardRun& run : runs) {
      std::vector<std::uint64_t> histories(all.size());
      for (std::size_t i = 0; i < all.size(); ++i) all[i] += histories[i] = random() % 500;
      run.summary.order.passes = passes;
      run.summary.passes.histories = histories;
      for (const PassAnswers& pass : answers_by_pass(histories)) {
        run.summary.passes.each.push_back(
            {9, {pass.answered, pass.only_then, pass.lost, pass.loss}});
      }
      run.summary.labels = {{"a", 1, 1, 1, {run.summary.passes.each[0].answers}}};
    }
    const Summary sum = sum_summaries(find_shard_set(runs), {});
    EXPECT_EQ(sum.passes.histories, all);
    const std::vector<PassAnswers> expected = answers_by_pass(all);
    for (unsigned pass = 0; pass < passes; ++pass) {
      EXPECT_EQ(sum.passes.each[pass].sent, 36U);
      EXPECT_EQ(sum.passes.each[pass].answers.answered, expected[pass].answered);
      EXPECT_EQ(sum.passes.each[pass].answers.loss, expected[pass].loss);
    }
    EXPECT_EQ(sum.labels[0].passes[0].loss, expected[0].loss);
    EXPECT_EQ(sum.passes.estimate.targets, estimate_answering(all).targets);
  }
}

// Random groups of all shards are one; where a shard has none there is none, and what one did not
// finish has no verdict.
TEST(SummarySum, ControlGroupsAreOne) {
  std::mt19937_64 random(6);
  for (int round = 0; round < 200; ++round) {
    std::vector<ShardRun> runs = shard_runs(4);
    Summary::Control all;
    for (ShardRun& run : runs) {
      Summary::Control control{.targets = 0,
                               .rate_pps = 1.5,
                               .both = random() % 100,
                               .only_slowly = random() % 40,
                               .only_at_full_rate = random() % 40,
                               .neither = random() % 100};
      control.targets =
          control.both + control.only_slowly + control.only_at_full_rate + control.neither;
      control.is_complete = random() % 10 != 0;
      settle(control);
      all.targets += control.targets;
      all.both += control.both;
      all.only_slowly += control.only_slowly;
      all.only_at_full_rate += control.only_at_full_rate;
      all.neither += control.neither;
      all.is_complete = all.is_complete && control.is_complete;
      run.summary.control = control;
    }
    settle(all);
    const std::optional<Summary::Control> sum = sum_summaries(find_shard_set(runs), {}).control;
    ASSERT_TRUE(sum);
    EXPECT_EQ(sum->rate_pps, 6);
    EXPECT_EQ(sum->targets, all.targets);
    EXPECT_EQ(sum->both, all.both);
    EXPECT_EQ(sum->only_slowly, all.only_slowly);
    EXPECT_EQ(sum->only_at_full_rate, all.only_at_full_rate);
    EXPECT_EQ(sum->neither, all.neither);
    EXPECT_EQ(sum->deviations, all.deviations);
    EXPECT_EQ(sum->why_no_verdict, all.why_no_verdict);
    runs[random() % 4].summary.control.reset();
    EXPECT_FALSE(sum_summaries(find_shard_set(runs), {}).control);
  }
}

TEST(FigureSum, SeriesStandWhereTheirScansBegan) {
  const Summary::TimeSeries sum = sum_series(
      std::vector<ShiftedSeries>{{0, {1, {1, 2, 3}}}, {2, {1, {10, 20}}}, {1, {2, {5}}}});
  EXPECT_EQ(sum.bin_seconds, 2U);
  EXPECT_EQ(sum.counts, (std::vector<std::uint64_t>{8, 33}));
  // A day of shards, one behind the other, has no more bins than a scan may have.
  std::vector<ShiftedSeries> day;
  for (std::uint64_t hour = 0; hour < 24; ++hour)
    day.push_back({hour * 3600, {1, std::vector<std::uint64_t>(3600, 1)}});
  const Summary::TimeSeries long_one = sum_series(day);
  EXPECT_LE(long_one.counts.size(), 3600U);
  EXPECT_EQ(std::accumulate(long_one.counts.begin(), long_one.counts.end(), std::uint64_t{0}),
            86'400U);
}

TEST(FigureSum, PercentilesAreOfTheLinesOrNearlySoOfTheBins) {
  std::mt19937_64 random(9);
  std::lognormal_distribution<double> rtt_ms(3.5, 1.0);
  RttHistogram all;
  std::vector<Summary::Rtt> rtts;
  for (int shard = 0; shard < 5; ++shard) {
    RttHistogram own;
    for (int i = 0; i < 20'000; ++i) {
      const auto rtt_ns = static_cast<std::uint64_t>(rtt_ms(random) * 1e6);
      own.add(rtt_ns);
      all.add(rtt_ns);
    }
    rtts.push_back({own.count(), own.min_ns(), own.percentile_ns(0.5), own.percentile_ns(0.9),
                    own.percentile_ns(0.99), own.max_ns(), own.bins()});
  }
  const Summary::Rtt exact = sum_rtts(rtts, all);
  EXPECT_EQ(exact.count, 100'000U);
  EXPECT_EQ(exact.p50_ns, all.percentile_ns(0.5));
  EXPECT_EQ(exact.p99_ns, all.percentile_ns(0.99));
  EXPECT_EQ(exact.min_ns, all.min_ns());
  const Summary::Rtt near = sum_rtts(rtts, RttHistogram());
  for (const auto& [share, found] :
       {std::pair(0.5, near.p50_ns), {0.9, near.p90_ns}, {0.99, near.p99_ns}}) {
    const auto expected = static_cast<double>(all.percentile_ns(share));
    EXPECT_NEAR(static_cast<double>(found), expected, 0.03 * expected);
  }
}

// Merges files of these texts, as shards 0, 1...; the error, or what was written.
std::string merged(const std::vector<std::string>& texts, std::uint64_t& lines,
                   RttHistogram* rtt = nullptr) {
  const std::string path = testing::TempDir() + "merged";
  std::unique_ptr<ByteSink> sink = open_output(path, OutputMode::document).value();
  LineMerge merge(*sink);
  lines = 0;
  for (std::uint32_t shard = 0; shard < texts.size(); ++shard) {
    const std::string file = testing::TempDir() + "shard-" + std::to_string(shard);
    std::ofstream(file) << texts[shard];
    const auto copied = merge.add_file(file, shard);
    if (!copied) return copied.error().sentence;
    lines += *copied;
  }
  EXPECT_EQ(merge.flush(), 0);
  EXPECT_EQ(write_and_finish(*sink, ""), 0);
  if (rtt != nullptr) *rtt = merge.rtt();
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(LineMerge, CopiesLinesAndLooksAtThem) {
  std::uint64_t lines = 0;
  RttHistogram rtt;
  const std::string first =
      R"({"type":"reply","repeat":false,"rtt_us":1.500,"label":"\"rtt_us\":9","shard":0})"
      "\n"
      R"({"type":"reply","repeat":true,"rtt_us":7.500,"shard":0})"
      "\n";
  const std::string second = R"({"type":"error","success":false,"rtt_us":8.500,"shard":1})"
                             "\n"
                             R"({"type":"reply","rtt_us":null,"repeat":null,"shard":1})"
                             "\n"
                             R"({"type":"reply","rtt_us":2.500,"shard":1})"
                             "\n";
  EXPECT_EQ(merged({first, "", ""}, lines), first);
  EXPECT_EQ(merged({first, second}, lines, &rtt), first + second);
  EXPECT_EQ(lines, 5U);
  EXPECT_EQ(rtt.count(), 2U);
  EXPECT_EQ(rtt.min_ns(), 1500U);
  EXPECT_EQ(rtt.max_ns(), 2500U);
  EXPECT_NE(merged({first, first}, lines).find("it is of shard 0, and the file of shard 1"),
            std::string::npos);
  EXPECT_NE(merged({first, second + "{\"cut"}, lines).find(":4: it is no result"),
            std::string::npos);
  EXPECT_NE(merged({first, "192.0.2.1\n"}, lines).find("another form"), std::string::npos);
}

TEST(LineMerge, OtherFormsHaveOneHeaderOrNone) {
  std::uint64_t lines = 0;
  EXPECT_EQ(merged({"target,rtt_us\n1.2.3.4,5\n", "target,rtt_us\n1.2.3.5,6\n"}, lines),
            "target,rtt_us\n1.2.3.4,5\n1.2.3.5,6\n");
  EXPECT_EQ(lines, 2U);
  EXPECT_EQ(merged({"target,rtt_us\n", "target,rtt_us\n1.2.3.5,6\n"}, lines),
            "target,rtt_us\n1.2.3.5,6\n");
  EXPECT_NE(merged({"target,rtt_us\n", "target,ttl\n"}, lines).find("other fields"),
            std::string::npos);
  EXPECT_EQ(merged({"192.0.2.1\n", "192.0.2.9\n"}, lines), "192.0.2.1\n192.0.2.9\n");
  EXPECT_EQ(lines, 2U);
}

}  // namespace
}  // namespace echoscan::merge_test
