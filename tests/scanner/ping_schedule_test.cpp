// Thousands of schedules in virtual time, against what each promises: who is asked when, how often,
// and that nobody waits for a moment that has passed.
#include "scanner/ping/ping_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "tests/scanner/moments.h"

namespace echoscan::ping_schedule_test {
namespace {

// What happened to each target, and when all was over.
struct Course {
  std::vector<std::vector<std::uint64_t>> asked_ns;
  std::vector<std::uint64_t> all_asked_ns;
  std::uint64_t end_ns = 0;
};

// Runs a schedule to its end. `answer_after_ns(target, request)` is when a request is answered, or
// kNever; a target is settled by its first answer, or with a count by as many as that.
template <typename AnswerAfter>
Course run_schedule(std::size_t targets, const PingRules& rules,
                    const AnswerAfter& answer_after_ns) {
  std::uint64_t now_ns = 1000 * kMs;
  PingSchedule schedule(targets, rules, now_ns);
  Course course{std::vector<std::vector<std::uint64_t>>(targets), {}, 0};
  std::multimap<std::uint64_t, std::size_t> answers;
  std::vector<std::uint32_t> answered(targets);
  while (!schedule.is_done()) {
    while (!answers.empty() && answers.begin()->first <= now_ns) {
      const std::size_t target = answers.begin()->second;
      answers.erase(answers.begin());
      if (++answered[target] >= rules.count.value_or(1)) schedule.settle(target);
    }
    while (const auto target = schedule.take(now_ns)) {
      const auto request = static_cast<std::uint32_t>(course.asked_ns[*target].size());
      EXPECT_EQ(schedule.sent_count(*target), request);
      course.asked_ns[*target].push_back(now_ns);
      course.all_asked_ns.push_back(now_ns);
      schedule.sent(*target, now_ns);
      const std::uint64_t after_ns = answer_after_ns(*target, request);
      if (after_ns != PingSchedule::kNever) answers.emplace(now_ns + after_ns, *target);
    }
    if (schedule.is_done()) break;
    const std::uint64_t next_ns = schedule.next_ns();
    EXPECT_GT(next_ns, now_ns) << "a wait that lies in the past";
    if (next_ns <= now_ns) break;
    now_ns = answers.empty() ? next_ns : std::min(next_ns, answers.begin()->first);
  }
  course.end_ns = now_ns;
  return course;
}

PingRules random_rules(std::mt19937_64& random) {
  PingRules rules;
  rules.interval_ns = random() % 3 == 0 ? 0 : random() % (20 * kMs);
  rules.timeout_ns = 1 + random() % (800 * kMs);
  rules.period_ns = 1 + random() % (1500 * kMs);
  rules.retries = static_cast<std::uint32_t>(random() % 6);
  if (random() % 2 == 0) rules.count = static_cast<std::uint32_t>(1 + random() % 5);
  return rules;
}

TEST(PingSchedule, KeepsTheIntervalInRandomSchedules) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    const PingRules rules = random_rules(random);
    const Course course = run_schedule(1 + random() % 40, rules, [&](std::size_t, std::uint32_t) {
      return random() % 2 == 0 ? PingSchedule::kNever : random() % (1000 * kMs);
    });
    std::vector<std::uint64_t> first_ns;
    std::vector<std::uint64_t> again_ns;
    for (const std::vector<std::uint64_t>& asked_ns : course.asked_ns) {
      if (asked_ns.empty()) continue;
      first_ns.push_back(asked_ns.front());
      again_ns.insert(again_ns.end(), asked_ns.begin() + 1, asked_ns.end());
    }
    for (std::vector<std::uint64_t>* kind : {&first_ns, &again_ns}) {
      std::ranges::sort(*kind);
      for (std::size_t i = 1; i < kind->size(); ++i)
        ASSERT_GE((*kind)[i] - (*kind)[i - 1], rules.interval_ns) << "round " << round;
    }
  }
}

TEST(PingSchedule, SilentTargetsAreAskedWithGrowingPatience) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; ++round) {
    PingRules rules = random_rules(random);
    rules.count.reset();
    const Course course = run_schedule(
        1 + random() % 40, rules, [](std::size_t, std::uint32_t) { return PingSchedule::kNever; });
    for (const std::vector<std::uint64_t>& asked_ns : course.asked_ns) {
      ASSERT_EQ(asked_ns.size(), rules.retries + 1);
      double patience_ns = static_cast<double>(rules.timeout_ns);
      for (std::size_t i = 1; i < asked_ns.size(); ++i, patience_ns *= 1.5)
        ASSERT_GE(static_cast<double>(asked_ns[i] - asked_ns[i - 1]), std::floor(patience_ns) - 10);
      ASSERT_GE(static_cast<double>(course.end_ns - asked_ns.back()), std::floor(patience_ns) - 10);
    }
  }
}

// One silent target alone is asked exactly when its patience ends, and no later.
TEST(PingSchedule, OneSilentTargetTakesItsPatienceAndNoMore) {
  PingRules rules;
  const Course course =
      run_schedule(1, rules, [](std::size_t, std::uint32_t) { return PingSchedule::kNever; });
  const std::vector<std::uint64_t>& asked_ns = course.asked_ns.front();
  ASSERT_EQ(asked_ns.size(), 4U);
  EXPECT_EQ(asked_ns[1] - asked_ns[0], 500 * kMs);
  EXPECT_EQ(asked_ns[2] - asked_ns[1], 750 * kMs);
  EXPECT_EQ(asked_ns[3] - asked_ns[2], 1125 * kMs);
  EXPECT_EQ(course.end_ns - asked_ns[3], 1'687'500'000U);
}

TEST(PingSchedule, WhoAnswersIsAskedNoMoreAndNothingIsWaitedFor) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 1000; ++round) {
    PingRules rules = random_rules(random);
    rules.count.reset();
    rules.timeout_ns = 100 * kMs + random() % (400 * kMs);
    const std::uint64_t rtt_ns = random() % (90 * kMs);
    const Course course = run_schedule(1 + random() % 40, rules,
                                       [rtt_ns](std::size_t, std::uint32_t) { return rtt_ns; });
    for (const std::vector<std::uint64_t>& asked_ns : course.asked_ns)
      ASSERT_EQ(asked_ns.size(), 1U);
    ASSERT_EQ(course.end_ns, course.all_asked_ns.back() + rtt_ns);
  }
}

TEST(PingSchedule, WithACountEachIsAskedSoOften) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 2000; ++round) {
    PingRules rules = random_rules(random);
    rules.count = static_cast<std::uint32_t>(1 + random() % 6);
    // All requests are answered, but those of some targets come too late to keep the next from
    // leaving.
    const Course course =
        run_schedule(1 + random() % 20, rules, [&](std::size_t target, std::uint32_t) {
          return target % 3 == 0 ? PingSchedule::kNever : random() % (rules.period_ns + 1);
        });
    for (const std::vector<std::uint64_t>& asked_ns : course.asked_ns) {
      ASSERT_EQ(asked_ns.size(), *rules.count);
      for (std::size_t i = 1; i < asked_ns.size(); ++i)
        ASSERT_GE(asked_ns[i] - asked_ns[i - 1], rules.period_ns);
    }
  }
}

TEST(PingSchedule, WhatTheKernelDoesNotTakeIsDueAgain) {
  PingSchedule schedule(2, {}, 0);
  ASSERT_EQ(schedule.take(0), 0U);
  schedule.put_off(0, 0);
  EXPECT_EQ(schedule.sent_count(0), 0U);
  EXPECT_EQ(schedule.take(0), std::nullopt);
  const std::uint64_t again_ns = schedule.next_ns();
  EXPECT_GT(again_ns, 0U);
  ASSERT_EQ(schedule.take(again_ns), 0U);
  schedule.sent(0, again_ns);
  // A second request, too.
  schedule.settle(1);
  const std::uint64_t second_ns = schedule.next_ns();
  ASSERT_EQ(schedule.take(second_ns), 0U);
  schedule.put_off(0, second_ns);
  EXPECT_EQ(schedule.take(second_ns), std::nullopt);
  EXPECT_GT(schedule.next_ns(), second_ns);
  EXPECT_EQ(schedule.take(schedule.next_ns()), 0U);
}

}  // namespace
}  // namespace echoscan::ping_schedule_test
