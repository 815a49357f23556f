// The plan: which addresses will be probed, and in which order.
//
// Everything that follows from lists, options and seed is decided here, before any interface is
// looked at, so that --dry-run needs neither privileges nor a network. The digest of the ranges and
// the seed name the order for good. add_ways() adds how the kernel would send to the targets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "output/result/scan_id.h"
#include "scanner/options/order_config.h"
#include "scanner/options/target_options.h"
#include "scanner/plan/target_selection.h"
#include "scanner/plan/way_plan.h"
#include "targets/permutation.h"
#include "targets/shard.h"
#include "targets/target_set.h"

namespace echoscan {

struct TargetPlan {
  TargetSet targets;
  Permutation permutation;
  std::uint64_t seed = 0;
  std::string digest;  // 64 hexadecimal digits
  ScanId scan_id;

  LabelMap labels;
  TargetCounts counts;

  std::uint64_t first = 0;  // targets of all shards together: all, or --max-targets
  Shard shard{};
  StepRange steps{};                                 // the shard's
  std::uint64_t target_count = 0;                    // of the shard
  std::vector<std::uint64_t> targets_by_label = {};  // of the shard; empty without labels

  // add_ways() finds these.
  WayPlan ways = {};
  std::vector<std::uint64_t> targets_by_way = {};  // of the shard, by the map's labels
  std::uint64_t unroutable_count = 0;              // of the shard: nothing is sent to them
};

// So many percent of the targets, rounded down: at least one, however small the percentage.
std::uint64_t part_of(std::uint64_t targets, double percent);
// The steps of the shard's first targets, so many of them: those of the first pass, from 0.
std::uint64_t steps_of_first(const TargetPlan& plan, std::uint64_t targets);

// How many targets of the order all shards together probe, when so many are left.
std::uint64_t first_targets(const OrderConfig& order, std::uint64_t left_count);

// Reads every list. Throws UserError when one cannot be read, has errors, or when nothing is left.
TargetPlan plan_targets(const TargetConfig& target, const OrderConfig& order);

// Finds the ways of the plan's targets, as plan_ways does.
void add_ways(TargetPlan& plan, const PathConfig& config);
// Makes those ways, by the numbers of their shares, unreachable: nobody is there to lead on.
void drop_ways(TargetPlan& plan, std::span<const std::size_t> ways);

// How many of all targets, whatever the plan probes of them, no way leads to.
std::uint64_t count_without_way(const TargetPlan& plan);

}  // namespace echoscan
