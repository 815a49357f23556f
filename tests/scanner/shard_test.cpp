// A divided scan: which shard an option or a scheduler gives it, and what the plans of all shards
// add up to.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "scanner/options/array_job.h"
#include "scanner/options/scan_config.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/user_error.h"
#include "tests/scanner/plan_of.h"

namespace echoscan::shard_test {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment_of(const Variables& variables) {
  return [&variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

ScanConfig parsed(std::vector<std::string> arguments, const Variables& variables = {}) {
  arguments.emplace_back("9.0.0.0/16");
  return parse_scan_config(arguments, environment_of(variables)).value();
}

// The message that a scan is refused with; empty when it is accepted.
std::string refusal(const std::vector<std::string>& arguments, const Variables& variables = {}) {
  try {
    parsed(arguments, variables);
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_usage);
    return error.what();
  }
  return {};
}

const Variables kKubernetes = {{"JOB_COMPLETION_INDEX", "2"}, {"ECHOSCAN_SHARDS", "5"}};
const Variables kSlurm = {{"SLURM_ARRAY_TASK_ID", "3"}, {"ECHOSCAN_SHARDS", "4"}};

Variables with(Variables variables, const std::string& name, const std::string& text) {
  variables[name] = text;
  return variables;
}

TEST(ShardOption, OptionThenEnvironmentThenUndivided) {
  EXPECT_FALSE(parsed({}).order.shard);
  EXPECT_EQ(parsed({"--shard", "3/4", "--seed", "1"}).order.shard, (Shard{3, 4}));
  EXPECT_EQ(parsed({"--shard", "3/4", "--seed", "1"}, kKubernetes).order.shard, (Shard{3, 4}));
  EXPECT_EQ(parsed({"--seed", "1"}, kKubernetes).order.shard, (Shard{2, 5}));
  EXPECT_EQ(parsed({"--seed", "1"}, kKubernetes).order.shard_source,
            "JOB_COMPLETION_INDEX=2, ECHOSCAN_SHARDS=5");
  EXPECT_EQ(parsed({"--seed", "1"}, kSlurm).order.shard, (Shard{3, 4}));
}

// One task of four is run again: Slurm counts the tasks of this array, and not of the scan.
TEST(ShardOption, SlurmsCountsAreNotTheScans) {
  Variables again = kSlurm;
  for (const char* of_the_array : {"SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN",
                                   "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP"})
    again[of_the_array] = "1";
  EXPECT_EQ(parsed({"--seed", "1"}, again).order.shard, (Shard{3, 4}));
  again.erase("ECHOSCAN_SHARDS");
  const std::string sentence = refusal({"--seed", "1"}, again);
  EXPECT_NE(sentence.find("ECHOSCAN_SHARDS is not: set it to how many shards the whole scan has"),
            std::string::npos)
      << sentence;
  EXPECT_EQ(parsed({"--seed", "1", "--shard", "3/4"}, again).order.shard, (Shard{3, 4}));
}

TEST(ShardOption, PartsNeedASeedTheWholeDoesNot) {
  EXPECT_NE(refusal({"--shard", "0/2"}).find("needs --seed"), std::string::npos);
  EXPECT_NE(refusal({}, kKubernetes).find("needs --seed"), std::string::npos);
  EXPECT_EQ(refusal({"--shard", "0/1"}), "");
  EXPECT_EQ(refusal({"--shard", "0/1"}, kKubernetes), "");
}

TEST(ShardOption, WhatMakesNoSenseIsRefusedByName) {
  for (const char* text : {"", "1", "2/2", "0/0", "-1/2", "1/2/3", "a/b"})
    EXPECT_EQ(refusal({"--seed", "1", "--shard", text}).substr(0, 8), "--shard:") << text;
  const auto expect = [](const Variables& variables, const char* what) {
    const std::string sentence = refusal({"--seed", "1"}, variables);
    EXPECT_NE(sentence.find(what), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("--shard"), std::string::npos) << sentence;
  };
  expect({{"JOB_COMPLETION_INDEX", "0"}}, "ECHOSCAN_SHARDS is not");
  expect({{"ECHOSCAN_SHARDS", "4"}}, "neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID is");
  expect(with(kKubernetes, "JOB_COMPLETION_INDEX", "5"), "no shard 5 of 5");
  expect(with(kKubernetes, "JOB_COMPLETION_INDEX", "two"), "JOB_COMPLETION_INDEX=two");
  expect(with(kKubernetes, "ECHOSCAN_SHARDS", ""), "ECHOSCAN_SHARDS=");
  expect(with(kKubernetes, "ECHOSCAN_SHARDS", "1000001"), "at most 1000000");
  expect(with(kKubernetes, "SLURM_ARRAY_TASK_ID", "1"), "both set");
  expect(with(kSlurm, "SLURM_ARRAY_TASK_ID", "4"), "no shard 4 of 4");
  expect(with(kSlurm, "SLURM_ARRAY_TASK_ID", "-1"), "SLURM_ARRAY_TASK_ID=-1");
}

TEST(Task, IsWhatTheSchedulerSays) {
  const auto task = [](const Variables& variables) { return task_of(environment_of(variables)); };
  EXPECT_EQ(task({}).scheduler, "");
  EXPECT_FALSE(task({}).attempt);
  const Variables slurm = {
      {"SLURM_JOB_ID", "71"}, {"SLURM_ARRAY_JOB_ID", "70"}, {"SLURM_ARRAY_TASK_ID", "3"}};
  EXPECT_EQ(task(slurm).scheduler, "slurm");
  EXPECT_EQ(task(slurm).job, "70");
  EXPECT_EQ(task(slurm).id, "3");
  EXPECT_EQ(task(slurm).attempt, 0U);
  EXPECT_EQ(task(with(slurm, "SLURM_RESTART_COUNT", "2")).attempt, 2U);
  EXPECT_EQ(task({{"SLURM_JOB_ID", "71"}}).job, "71");
  EXPECT_EQ(task(kKubernetes).scheduler, "kubernetes");
  EXPECT_EQ(task(kKubernetes).id, "2");
  EXPECT_EQ(task(with(kKubernetes, "ECHOSCAN_JOB", "survey-7")).job, "survey-7");
  // Files are called after it.
  for (const char* name : {"../x", "a b", "a\n", "\xff"})
    EXPECT_THROW(task({{"ECHOSCAN_JOB", name}}), UserError) << name;
}

TEST(ShardOption, MaxTargetsByShare) {
  const auto first = [](const char* text) {
    return plan_of(parsed({"--seed", "1", "--max-targets", text})).first;
  };
  EXPECT_EQ(first("100%"), 65536U);
  EXPECT_EQ(first("12.5%"), 8192U);
  EXPECT_EQ(first("0.0001%"), 1U);
  EXPECT_EQ(first("70000"), 65536U);
  EXPECT_EQ(parsed({"--max-targets", "5%", "--max-targets", "9"}).order.max_targets, 9U);
  for (const char* text : {"0%", "100.1%", "-1%", "%", "1e1%", "nan%", "5 %"})
    EXPECT_EQ(refusal({"--max-targets", text}).substr(0, 14), "--max-targets:") << text;
}

// The plans of all parts are the whole plan cut in pieces.
TEST(ShardOption, PlansAddUp) {
  for (const char* limit : {"100%", "33.3%", "3"}) {
    const std::vector<std::string> common = {"--seed", "7", "--max-targets", limit};
    const TargetPlan whole = plan_of(parsed(common));
    EXPECT_EQ(whole.target_count, whole.first);
    for (const int count : {1, 2, 3, 7, 64}) {
      std::uint64_t targets = 0;
      std::uint64_t end = 0;
      for (int index = 0; index < count; ++index) {
        std::vector<std::string> arguments = common;
        arguments.insert(arguments.end(),
                         {"--shard", std::to_string(index) + "/" + std::to_string(count)});
        const TargetPlan part = plan_of(parsed(arguments));
        EXPECT_EQ(part.steps.begin, end);
        EXPECT_EQ(part.digest, whole.digest);
        end = part.steps.end;
        targets += part.target_count;
      }
      EXPECT_EQ(end, whole.steps.end);
      EXPECT_EQ(targets, whole.first);
    }
  }
}

}  // namespace
}  // namespace echoscan::shard_test
