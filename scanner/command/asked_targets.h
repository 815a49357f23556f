// How many targets of each group a scan has asked, and how many there are: what rates of groups
// need.
//
// There are as many in a group as the scan's lists and databases say. Where the scan asked all of
// them that is the answer. Where it asked a part, the order says whom: the summary has the seed,
// the steps that were to be walked and those that were left, so the walk is done again, at some 3
// ns a target and a look-up for each kind of group. Only groups that have a result are counted.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/geo/geo_table.h"
#include "output/summary/summary.h"
#include "targets/label_map.h"
#include "targets/target_set.h"

namespace echoscan {

// Whether this version draws the summary's order from its seed: else nobody knows whom it names.
bool has_own_order(const Summary& summary, std::uint64_t targets);

// Calls `use` with the targets that the scan's first pass has asked, a batch at a time (some 3 ns a
// target); the summary's order must be that of the targets.
void for_each_asked(const Summary& summary, const TargetSet& targets,
                    const std::function<void(std::span<const Ipv4>)>& use);

// How many targets of each group there are, all of them asked.
void count_groups(const Aggregate& aggregate, const TargetSet& targets, const LabelMap& labels,
                  const GeoTable& geo, AggregateReport& report);

// Counts behind that how many of each group the scan asked of which those are the summaries, one
// for each shard; returns how many in all. The summaries' order must be that of the targets.
std::uint64_t count_asked(const std::vector<Summary>& summaries, const TargetSet& targets,
                          const LabelMap& labels, const GeoTable& geo, AggregateReport& report);

}  // namespace echoscan
