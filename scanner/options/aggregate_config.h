// What one aggregate is to count: which files of results, in which tables, and what is known of how
// many were probed.
//
// It takes the scan's target options whole, since lists are the scan's only if every option that
// chooses from them is the same: their digest must be the summary's. Only the targets that a scan
// has as arguments have no place here, where the arguments are the files of results.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "scanner/options/option_group.h"
#include "scanner/options/target_options.h"

namespace echoscan {

enum class TableFormat { text, csv, json };

struct AggregateConfig {
  std::vector<std::string> files;      // "-" is standard input
  std::vector<std::string> summaries;  // of the scan, or of each shard
  TargetConfig target;                 // as the scan had it
  std::vector<std::string> geo_databases;
  std::vector<Grouping> groupings;  // the tables, in the order of the enumerators
  TableFormat format = TableFormat::text;
  std::size_t rows_max = 0;  // of each table; 0: all
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan aggregate`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<AggregateConfig> parse_aggregate_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
