// The plan: which addresses will be probed, and in which order. Lists read, exclusions taken off,
// counted.
//
// Everything that depends on the lists and the seed alone is decided here, before any interface is
// looked at, so that --dry-run needs neither privileges nor a network. The lists' digest and the
// seed name the order for good.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scanner/options/order_config.h"
#include "scanner/options/target_options.h"
#include "scanner/plan/target_selection.h"
#include "targets/permutation.h"
#include "targets/shard.h"
#include "targets/target_set.h"

namespace echoscan {

struct TargetPlan {
  TargetSet targets;
  Permutation permutation;
  std::uint64_t seed = 0;
  std::string digest;  // 64 hexadecimal digits

  LabelMap labels;
  TargetCounts counts;

  std::uint64_t first = 0;  // targets of all shards: all that is left, or --max-targets
  Shard shard{};
  StepRange steps{};                                 // the shard's
  std::uint64_t target_count = 0;                    // that they lead to: to be probed here
  std::vector<std::uint64_t> targets_by_label = {};  // of target_count; empty without labels
};

// Reads every list. Throws UserError when one cannot be read, has errors, or when nothing is left.
TargetPlan plan_targets(const TargetConfig& target, const OrderConfig& order);

}  // namespace echoscan
