#include "scanner/plan/target_plan.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "scanner/plan/random_scan_id.h"
#include "scanner/process/stage_timer.h"
#include "scanner/process/system_error.h"
#include "targets/label_tally.h"
#include "targets/skipped_steps.h"
#include "targets/target_cursor.h"

namespace echoscan {
namespace {

constexpr std::size_t kBatchSize = 1024;

// Counts the plan's targets by label of one of its maps: by arithmetic if all are probed, else by a
// walk through the plan's part of the order.
std::vector<std::uint64_t> count_by_label(const TargetPlan& plan, const LabelMap& labels) {
  if (labels.empty() || plan.target_count == plan.targets.size())
    return labels.count(plan.targets.ranges());
  LabelTally tally(labels);
  TargetCursor cursor(plan.targets, plan.permutation);
  cursor.seek(plan.steps.begin, plan.steps.end);
  std::array<Ipv4, kBatchSize> batch;
  while (!cursor.done()) {
    const std::size_t count = cursor.next(batch);
    for (const Ipv4 address : std::span(batch).first(count)) tally.add(address);
  }
  return tally.counts();
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) throw_system_error("draw a random seed");
  return seed & kSeedMax;
}

std::uint64_t count_unroutable(const TargetPlan& plan) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < plan.ways.shares.size(); ++i)
    if (is_unroutable(plan.ways.shares[i].way)) count += plan.targets_by_way[i + 1];
  return count;
}

}  // namespace

std::uint64_t part_of(std::uint64_t targets, double percent) {
  const double part = static_cast<double>(targets) * percent / 100;
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(part), 1, targets);
}

std::uint64_t steps_of_first(const TargetPlan& plan, std::uint64_t targets) {
  const SkippedSteps skipped(plan.permutation);
  return skipped.steps_to(skipped.targets_before(plan.steps.begin) + targets) - plan.steps.begin;
}

std::uint64_t first_targets(const OrderConfig& order, std::uint64_t left_count) {
  if (!order.max_targets_percent)
    return std::min(left_count, order.max_targets.value_or(left_count));
  return part_of(left_count, *order.max_targets_percent);
}

TargetPlan plan_targets(const TargetConfig& target, const OrderConfig& order) {
  const StageTimer timer("targets");
  TargetSelection selection = select_targets(target);
  refuse_empty(selection);
  const std::uint64_t left_count = count_addresses(selection.ranges);
  const std::uint64_t seed = order.seed ? *order.seed : random_seed();
  TargetPlan plan{TargetSet(std::move(selection.ranges)),
                  Permutation(left_count, seed),
                  seed,
                  std::move(selection.digest),
                  order.scan_id ? *order.scan_id : random_scan_id(),
                  std::move(selection.labels),
                  std::move(selection.counts)};
  plan.first = first_targets(order, left_count);
  plan.shard = order.shard.value_or(Shard{});
  const SkippedSteps skipped(plan.permutation);
  plan.steps = shard_steps(plan.shard, skipped.steps_to(plan.first));
  plan.target_count =
      skipped.targets_before(plan.steps.end) - skipped.targets_before(plan.steps.begin);
  plan.targets_by_label = count_by_label(plan, plan.labels);
  return plan;
}

void add_ways(TargetPlan& plan, const PathConfig& config) {
  const StageTimer timer("ways");
  plan.ways = plan_ways(config, plan.targets.ranges());
  plan.targets_by_way = count_by_label(plan, plan.ways.map);
  if (plan.ways.map.empty()) plan.targets_by_way = {0, plan.target_count};
  plan.unroutable_count = count_unroutable(plan);
}

std::uint64_t count_without_way(const TargetPlan& plan) {
  if (plan.unroutable_count == 0) return 0;
  if (plan.ways.map.empty()) return plan.targets.size();
  const std::vector<std::uint64_t> by_way = plan.ways.map.count(plan.targets.ranges());
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < plan.ways.shares.size(); ++i)
    if (is_unroutable(plan.ways.shares[i].way)) count += by_way[i + 1];
  return count;
}

void drop_ways(TargetPlan& plan, std::span<const std::size_t> ways) {
  for (const std::size_t way : ways) plan.ways.shares[way].way.kind = Way::Kind::unreachable;
  plan.unroutable_count = count_unroutable(plan);
}

}  // namespace echoscan
