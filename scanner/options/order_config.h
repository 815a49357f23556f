// In which order the targets are probed, how often, and which part of them: the options that, with
// the lists, make the plan.
//
// It has a header of its own so that the plan does not include all of a scan's options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "output/result/scan_id.h"
#include "targets/shard.h"

namespace echoscan {

// Seeds are below 2^53, so that a summary's seed survives every JSON reader.
inline constexpr std::uint64_t kSeedMax = (std::uint64_t{1} << 53) - 1;

struct OrderConfig {
  std::optional<std::uint64_t> seed;  // absent: drawn at random
  std::optional<ScanId> scan_id;      // the same; a scan that goes on has that of its first leg
  unsigned passes = 1;
  unsigned retries = 0;        // of the passes, those to who has not replied by then
  std::optional<Shard> shard;  // absent: undivided
  std::string shard_source;    // the option or variables that the shard came from, for the log
  std::optional<std::uint64_t> max_targets;
  std::optional<double> max_targets_percent;  // of all targets; excludes max_targets
  std::optional<double> control_percent;      // of the order, asked slowly in the first pass
};

}  // namespace echoscan
