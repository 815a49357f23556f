// The map of a scan: whom it asked in each /24, by its lists and its order, and who answered, by
// its results.
//
// Where the scan asked all of its lists the lists alone say it; where a part, the order is walked
// again (asked_targets.h), with a table of 64 MB that leads from an address to its cell.
#pragma once

#include <vector>

#include "output/aggregate/aggregate.h"
#include "output/report/reply_map.h"
#include "output/summary/summary.h"
#include "targets/label_map.h"
#include "targets/target_set.h"

namespace echoscan {

// Of labels only so many are named, those with most targets.
inline constexpr std::size_t kMapLabelsMax = 1000;

// `aggregate` has counted by /24. Without targets (null) only cells with results are known.
ReplyMap scanned_map(const Aggregate& aggregate, const Summary& summary, const TargetSet* targets,
                     const LabelMap& labels);

}  // namespace echoscan
