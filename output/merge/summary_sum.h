// One summary of the shards of a scan: what adds up is added, what is measured is computed anew of
// the sums, and what each has of its own is listed.
//
// The sums are checked by the equations that a scan's own summary is checked by (equations.h). The
// order is the whole one, and what is left of it what no shard has walked, so that whoever replays
// it (aggregate, report) finds those who were asked, and no others. Targets of shards that are
// missing are in no count: nobody knows how many those are. Pure.
#pragma once

#include "output/merge/shard_set.h"
#include "output/summary/rtt_histogram.h"
#include "output/summary/summary.h"

namespace echoscan {

// What the merged results are.
struct MergedLines {
  std::uint64_t bytes = 0;
  RttHistogram rtt;  // of first replies, as far as lines tell them
};

// Its outcome is "finished", or "partial" where shards are missing or unfinished. `set` has no
// strangers. Percentiles are those of the lines, if they have all round-trip times, else as far as
// bins of a fifth of their value tell them.
Summary sum_summaries(const ShardSet& set, const MergedLines& lines);

}  // namespace echoscan
