// What `echoscan aggregate` is to count: which files of results, into which tables, and from where
// it knows how many targets were probed.
//
// It takes all of the scan's target options: the lists have the digest of the scan's summary only
// if every option that chooses from them is the same. Targets as arguments are the exception, since
// here the arguments are files of results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "scanner/options/option_group.h"
#include "scanner/options/target_options.h"

namespace echoscan {

enum class TableFormat { text, csv, json };

// Rows of each table where --top does not say how many; of CSV and JSON all.
inline constexpr std::size_t kTextRows = 10;
inline constexpr std::uint64_t kTableRowsMax = std::uint64_t{1} << 32;

// What --by can name.
std::vector<std::pair<std::string, Grouping>> grouping_choices();

struct AggregateConfig {
  std::vector<std::string> files;      // "-" is standard input
  std::vector<std::string> summaries;  // of the scan, or of each shard
  TargetConfig target;                 // as the scan had it
  std::vector<std::string> geo_databases;
  std::vector<Grouping> groupings;  // the tables, in the order of the enumerators
  TableFormat format = TableFormat::text;
  std::size_t rows_max = 0;  // rows of each table; 0: all
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan aggregate`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<AggregateConfig> parse_aggregate_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
