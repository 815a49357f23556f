// What `echoscan aggregate` is to count: which files of results, into which tables, and from where
// it knows how many targets were probed.
//
// It takes all of the scan's target options: the lists have the digest of the scan's summary only
// if every option that chooses from them is the same. Targets as arguments are the exception, since
// here the arguments are files of results.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/options/option_group.h"
#include "scanner/options/table_options.h"
#include "scanner/options/target_options.h"

namespace echoscan {

struct AggregateConfig {
  std::vector<std::string> files;      // "-" is standard input
  std::vector<std::string> summaries;  // of the scan, or of each shard
  TargetConfig target;                 // as the scan had it
  std::vector<std::string> geo_databases;
  TableForm tables;
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan aggregate`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<AggregateConfig> parse_aggregate_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
