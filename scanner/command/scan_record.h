// What a scan has left, read back: its results, its summary, and the lists that it was given.
//
// Results do not say who was asked, and a summary does not say where; the lists do, if they are the
// scan's. Each command that needs them together (aggregate, report) reads them here, so that lists
// of another scan are refused by one sentence everywhere.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/geo/geo_table.h"
#include "output/summary/summary.h"
#include "scanner/options/target_options.h"
#include "targets/label_map.h"
#include "targets/target_set.h"

namespace echoscan {

// Adds every line of every file. Counts malformed lines, and warns of the first few. Throws
// UserError when a file cannot be read.
void read_results(const std::vector<std::string>& paths, Aggregate& aggregate,
                  AggregateReport& report);

// Warns of a summary that does not add up. Throws UserError when it is none.
Summary read_summary_file(const std::string& path);
// Throws UserError also when those of one list are not shards of one scan, each there once.
std::vector<Summary> read_summaries(const std::vector<std::string>& paths);

// Of one scan its summary, of shards their sum; `rtt` are the times of all their results. Throws
// UserError where they are not all shards of one scan.
Summary summary_of_all(const std::vector<std::string>& paths, const std::vector<Summary>& summaries,
                       const RttHistogram& rtt);

// The lists as a scan had them.
struct ScannedLists {
  TargetSet targets;
  LabelMap labels;
};

// Adds what the summaries, read from `paths`, and lists say of how many were probed, and warns of
// what they leave open. Nothing is returned without lists, and where it is not known whom of them
// the scan probed. Throws UserError.
std::optional<ScannedLists> count_probed(const TargetConfig& lists,
                                         const std::vector<std::string>& paths,
                                         const std::vector<Summary>& summaries, const GeoTable& geo,
                                         const Aggregate& aggregate, AggregateReport& report);

}  // namespace echoscan
