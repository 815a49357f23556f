// The control group: which steps it has, what it counts against a count by hand, and whether it
// finds rates that a far end answers in part: in simulations of many seeds, and in a whole scan.
#include "scanner/pipeline/control_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>

#include "scanner/plan/slash24_pace.h"
#include "targets/target_cursor.h"
#include "tests/scanner/pipeline_fixture.h"
#include "tests/sweep_step.h"

namespace echoscan::control_group_test {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
const LabelMap kNoLabels;

// A far end that answers each /24 once a second, and five times at once after a rest.
class Bucket {
 public:
  static constexpr double kDepth = 5;

  bool take(Ipv4 address, double now_s) {
    State& state = states_[address.value >> 8];
    state.tokens = std::min(kDepth, state.tokens + (now_s - state.at_s));
    state.at_s = now_s;
    if (state.tokens < 1) return false;
    state.tokens -= 1;
    return true;
  }

 private:
  struct State {
    double tokens = kDepth;
    double at_s = 0;
  };
  std::map<std::uint32_t, State> states_;
};

TargetPlan plan_with(const std::string& targets, std::uint64_t seed) {
  return plan_of(*parse_scan_config({targets, "--allow-reserved", "--seed", std::to_string(seed)}));
}

// Thousands of random percentages and shards, counted target by target.
TEST(ControlGroup, HasItsPartOfTheTargetsOneAtLeast) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2000; round += kSweepStep) {
    const std::uint64_t shards = 1 + random() % 4;
    const TargetPlan plan = plan_of(*parse_scan_config(
        {"10.0.0.0-10.0.0." + std::to_string(20 + random() % 200), "--allow-reserved", "--seed",
         std::to_string(random() % 1000), "--shard",
         std::to_string(random() % shards) + "/" + std::to_string(shards)}));
    // In thousandths, so that whole numbers say what is right.
    const std::uint64_t milli_percent = 1 + random() % 100'000;
    const ControlGroup group(plan, static_cast<double>(milli_percent) / 1000, 10, 0);
    const std::uint64_t steps = plan.steps.end - plan.steps.begin;
    std::uint64_t targets = 0;
    for (std::uint64_t step = 0; step < steps; ++step) {
      TargetCursor cursor(plan.targets, plan.permutation);
      cursor.seek(plan.steps.begin + step, plan.steps.begin + step + 1);
      Ipv4 address;
      targets += group.has(step) ? cursor.next({&address, 1}) : 0;
      ASSERT_EQ(group.steps_from(step) > 0, group.has(step));
    }
    const std::uint64_t exact = plan.target_count * milli_percent / 100'000;
    // One fewer where the percentage in binary is a little too small for a whole number.
    ASSERT_GE(targets + (plan.target_count * milli_percent % 100'000 == 0 ? 1 : 0),
              std::max<std::uint64_t>(exact, 1));
    ASSERT_LE(targets, std::max<std::uint64_t>(exact, 1));
    ASSERT_FALSE(group.has(steps)) << "the second pass";
  }
}

// Random histories of all targets, counted by hand over the order's first.
TEST(ControlGroup, CountsWhatItsTargetsHaveAnswered) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 50; round += kSweepStep) {
    const TargetPlan plan = plan_with("10.0.0.0/24", random() % 1000);
    const double percent = 1 + static_cast<double>(random() % 100);
    const ControlGroup group(plan, std::min(percent, 100.0), 10, 0);
    PassHistories histories(plan.targets.size(), 3, kNoLabels, kNoLabels);
    ControlAnswers expected;
    for (std::uint64_t step = 0; step < plan.steps.end; ++step) {
      TargetCursor cursor(plan.targets, plan.permutation);
      cursor.seek(step, step + 1);
      Ipv4 address;
      if (cursor.next({&address, 1}) == 0) continue;
      const std::uint64_t history = random() % 8;
      for (unsigned pass = 0; pass < 3; ++pass)
        if ((history >> pass & 1) != 0)
          histories.add(address, *plan.targets.index_of(address), pass);
      if (!group.has(step)) continue;
      ++expected.targets;
      if ((history & 3) == 3) ++expected.both;
      if ((history & 3) == 1) ++expected.only_slowly;
      if ((history & 3) == 2) ++expected.only_at_full_rate;
    }
    const ControlAnswers answers = group.answers(histories, {});
    EXPECT_EQ(answers.targets, expected.targets);
    EXPECT_EQ(answers.both, expected.both);
    EXPECT_EQ(answers.only_slowly, expected.only_slowly);
    EXPECT_EQ(answers.only_at_full_rate, expected.only_at_full_rate);
    EXPECT_TRUE(answers.is_complete);
  }
}

// At every step that may be left over.
TEST(ControlGroup, IsCompleteWhenBothPassesHaveWalkedIt) {
  const TargetPlan plan = plan_with("10.0.0.0/26", 5);
  const ControlGroup group(plan, 25, 10, 0);
  const PassHistories histories(plan.targets.size(), 2, kNoLabels, kNoLabels);
  const std::uint64_t steps = plan.steps.end - plan.steps.begin;
  for (std::uint64_t left = 0; left < 2 * steps; ++left)
    for (std::uint64_t end = left + 1; end <= 2 * steps; ++end) {
      bool is_any_of_it = false;
      for (std::uint64_t step = left; step < end; ++step)
        is_any_of_it = is_any_of_it || group.has(step % steps);
      ASSERT_EQ(group.answers(histories, {{left, end}}).is_complete, !is_any_of_it)
          << left << " to " << end;
    }
}

// Two passes over 64 networks that all answer, at so many probes a second to each of them, in the
// order and at the rates of a scan with --control 1%.
Summary::Control simulated_control(std::uint64_t seed, double per_slash24_pps) {
  const TargetPlan plan = plan_with("10.0.0.0/18", seed);
  const auto rate = ProbeRate::of_thousandths(static_cast<std::uint64_t>(64'000 * per_slash24_pps));
  const ProbeRate slow = control_rate(rate, find_density(plan), plan.shard);
  const ControlGroup group(plan, 1, slow, 0);
  PassHistories histories(plan.targets.size(), 2, kNoLabels, kNoLabels);
  Bucket bucket;
  double now_s = 0;
  for (unsigned pass = 0; pass < 2; ++pass)
    for (std::uint64_t step = plan.steps.begin; step < plan.steps.end; ++step) {
      TargetCursor cursor(plan.targets, plan.permutation);
      cursor.seek(step, step + 1);
      Ipv4 address;
      if (cursor.next({&address, 1}) == 0) continue;
      now_s += 1 / (pass == 0 && group.has(step) ? slow : rate).pps();
      if (bucket.take(address, now_s))
        histories.add(address, *plan.targets.index_of(address), pass);
    }
  const ControlAnswers answers = group.answers(histories, {});
  Summary::Control control{.targets = answers.targets,
                           .both = answers.both,
                           .only_slowly = answers.only_slowly,
                           .only_at_full_rate = answers.only_at_full_rate};
  settle(control);
  return control;
}

TEST(ControlGroup, FindsALimitOfTheFarEndAndNoneWhereThereIsNone) {
  int found = 0;
  int invented = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    found += simulated_control(seed, 10).is_rate_too_high() ? 1 : 0;
    const Summary::Control gentle = simulated_control(seed, 0.3);
    EXPECT_TRUE(gentle.deviations) << seed;
    invented += gentle.is_rate_too_high() ? 1 : 0;
  }
  std::cout << found << " of 100 found at 10 a second, " << invented << " of 100 at 0.3\n";
  EXPECT_GE(found, 99);
  EXPECT_LE(invented, 1);
}

class ControlledScan : public PipelineTest {};

// The first part of the order leaves slowly, the rest and the whole second pass do not.
TEST_F(ControlledScan, AsksItsFirstTargetsSlowly) {
  std::map<std::uint32_t, std::vector<std::uint64_t>> sent_ns;
  std::mutex mutex;
  answers = [&](Ipv4 address) {
    const std::lock_guard lock(mutex);
    sent_ns[address.value].push_back(now_ns());
    return 1;
  };
  const std::vector<std::string> options = {
      "10.0.0.0/20", "--allow-reserved", "--probes", "2", "--control", "2%", "--rate", "4000"};
  EXPECT_EQ(outcome_of(options), "finished");
  // 81 of 4,096 at 0.1 a second to each of 16 networks: 1.6 a second, 51 s. One sender is at the
  // last of them while the other goes on, and the second pass takes a second.
  EXPECT_NEAR(static_cast<double>(ran_ms), 81 / 1.6 * 1000 + 1030, 2500);
  ASSERT_TRUE(summary.control);
  const Summary::Control& control = *summary.control;
  EXPECT_DOUBLE_EQ(control.rate_pps, 1.6);
  EXPECT_EQ(control.targets, 81U);
  EXPECT_EQ(control.both, control.targets);
  EXPECT_EQ(control.deviations, 0);
  EXPECT_FALSE(control.is_rate_too_high());
  // Between its two probes a target of the control has what is left of it, but for the last few.
  std::size_t slow = 0;
  for (const auto& [address, times] : sent_ns) {
    ASSERT_EQ(times.size(), 2U);
    slow += times[1] - times[0] > 3 * kSecondNs ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(slow), 81, 12);
}

TEST_F(ControlledScan, SaysThatTheRateIsTooHigh) {
  Bucket bucket;
  const std::uint64_t begin_ns = kSecondNs;
  answers = [&](Ipv4 address) {
    return bucket.take(address, static_cast<double>(now_ns() - begin_ns) / kSecondNs) ? 1 : 0;
  };
  const std::vector<std::string> fast = {
      "10.0.0.0/20", "--allow-reserved", "--probes", "2", "--control", "3%", "--rate", "400"};
  EXPECT_EQ(outcome_of(fast, 1), "finished");
  ASSERT_TRUE(summary.control);
  EXPECT_TRUE(summary.control->is_rate_too_high());
  EXPECT_GT(summary.control->only_slowly, 60U);
  EXPECT_LT(*summary.control->deviations, -7);
}

// A scan that ends before the control was asked again has no verdict, and says why.
TEST_F(ControlledScan, ThatEndsEarlyHasNoVerdict) {
  answers = [](Ipv4) { return 1; };
  const std::vector<std::string> options = {
      "10.0.0.0/22", "--allow-reserved", "--probes", "2", "--control", "100%", "--rate",
      "1000",        "--max-runtime",    "20"};
  run(options);
  ASSERT_TRUE(summary.control);
  EXPECT_FALSE(summary.control->is_complete);
  EXPECT_FALSE(summary.control->deviations);
  EXPECT_EQ(summary.control->why_no_verdict, "the scan ended before all of it was asked twice");
}

}  // namespace
}  // namespace echoscan::control_group_test
