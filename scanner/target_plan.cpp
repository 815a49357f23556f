#include "scanner/target_plan.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "scanner/label_tally.h"
#include "targets/shard_blocks.h"
#include "targets/target_cursor.h"

namespace echoscan {
namespace {

constexpr std::size_t kBatchSize = 1024;

// Of the whole set by arithmetic; of a part of the order by a walk through it.
std::vector<std::uint64_t> count_by_label(const TargetPlan& plan) {
  if (plan.labels.empty() || plan.target_count == plan.targets.size())
    return plan.labels.count(plan.targets.ranges());
  LabelTally tally(plan.labels);
  TargetCursor cursor(plan.targets, plan.permutation);
  cursor.seek(0, plan.step_count);
  std::array<Ipv4, kBatchSize> batch;
  while (!cursor.done()) {
    const std::size_t count = cursor.next(batch);
    for (const Ipv4 address : std::span(batch).first(count)) tally.add(address);
  }
  return tally.counts();
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
    throw std::system_error(errno, std::generic_category(), "draw a random seed");
  return seed & kSeedMax;
}

}  // namespace

TargetPlan plan_targets(const ScanConfig& config) {
  TargetLists lists = read_target_lists(config);
  refuse_empty(lists);
  const std::uint64_t left_count = count_addresses(lists.ranges);
  const std::uint64_t seed = config.seed ? *config.seed : random_seed();
  TargetPlan plan{TargetSet(std::move(lists.ranges)),
                  Permutation(left_count, seed),
                  seed,
                  std::move(lists.digest),
                  std::move(lists.labels),
                  std::move(lists.counts)};
  plan.target_count = std::min(left_count, config.max_targets.value_or(left_count));
  plan.step_count = steps_to_targets(plan.permutation, plan.target_count);
  plan.targets_by_label = count_by_label(plan);
  return plan;
}

}  // namespace echoscan
