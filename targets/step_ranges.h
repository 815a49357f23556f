// Sets of steps, as ranges: what a scan has still to walk of its order.
//
// A set is ascending, and its ranges neither overlap nor touch. Steps are counted over all passes
// of a shard: pass x (steps of the shard) + steps since the shard's begin, so that one number names
// a probe for good. A set has as many ranges as there are senders, or a few more; a bitmap of all
// steps would be a file of megabytes a second.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "targets/shard.h"

namespace echoscan {

// Makes a set of ranges in any order, of which some may overlap or be empty.
inline void make_step_set(std::vector<StepRange>& ranges) {
  std::erase_if(ranges, [](const StepRange& range) { return range.begin >= range.end; });
  std::ranges::sort(ranges, {}, &StepRange::begin);
  std::size_t kept = 0;
  for (const StepRange& range : ranges) {
    if (kept > 0 && range.begin <= ranges[kept - 1].end) {
      ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
}

// The steps of `whole` that are not in the set.
inline std::vector<StepRange> steps_outside(const std::vector<StepRange>& set, StepRange whole) {
  std::vector<StepRange> outside;
  std::uint64_t begin = whole.begin;
  for (const StepRange& range : set) {
    if (begin < range.begin) outside.push_back({begin, range.begin});
    begin = range.end;
  }
  if (begin < whole.end) outside.push_back({begin, whole.end});
  return outside;
}

inline std::uint64_t count_steps(const std::vector<StepRange>& set) {
  std::uint64_t count = 0;
  for (const StepRange& range : set) count += range.end - range.begin;
  return count;
}

}  // namespace echoscan
