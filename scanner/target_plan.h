// The plan: which addresses will be probed, and in which order. Lists read, exclusions taken off,
// counted.
//
// Everything that depends on the lists and the seed alone is decided here, before any interface is
// looked at, so that --dry-run needs neither privileges nor a network. The digest is SHA-256 over
// the text "first-last\n" of each range that is left, ascending: with the seed it names the order
// for good.
#pragma once

#include <cstdint>
#include <string>

#include "scanner/config.h"
#include "targets/permutation.h"
#include "targets/target_set.h"

namespace echoscan {

struct TargetPlan {
  TargetSet targets;
  Permutation permutation;
  std::uint64_t seed = 0;
  std::string digest;  // 64 hexadecimal digits

  std::uint64_t listed = 0;             // distinct addresses on the lists
  std::uint64_t excluded_by_user = 0;   // of those, by --exclude and --exclude-file
  std::uint64_t excluded_reserved = 0;  // of the rest, special-purpose ranges

  std::uint64_t target_count = 0;  // to probe: all that is left, or --max-targets of it
  std::uint64_t step_count = 0;    // of the order, which lead to that many
};

// Reads every list. Throws UserError when one cannot be read, has errors, or when nothing is left.
TargetPlan plan_targets(const ScanConfig& config);

}  // namespace echoscan
