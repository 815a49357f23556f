// What `echoscan merge` is to put together: the summaries and results of a scan's shards.
//
// Summaries are told from results by their names, NAME.json, and NAME.jsonl (or .csv, .txt, also
// with .zst or .gz) beside it has the results, so that `shard-*` names both. Rejected: a key of the
// summary that names its results, which may have been moved, packed or joined since.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/options/option_group.h"

namespace echoscan {

struct MergeConfig {
  struct Shard {
    std::string summary;
    std::string results;
  };
  std::vector<Shard> shards;  // as they were given
  std::string path = "-";     // of the merged results
  std::string summary_path;   // empty: none
  bool is_partial = false;
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan merge`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<MergeConfig> parse_merge_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
