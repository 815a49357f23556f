// What `echoscan compare` is to hold against each other: two scans of the same targets, each as a
// bundle, or as a file of results with its summary.
//
// A bundle brings its summary and its list along. For files the lists are given as to the scan,
// with all options that chose from them, where something is asked that only lists can say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/options/option_group.h"
#include "scanner/options/table_options.h"
#include "scanner/options/target_options.h"

namespace echoscan {

struct CompareConfig {
  std::vector<std::string> scans;      // two: folders of bundles, or files of results
  std::vector<std::string> summaries;  // of those that are files, in their order
  TargetConfig target;                 // as the scans had it; none: the lists of a bundle
  std::vector<std::string> geo_databases;
  TableForm tables;
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan compare`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<CompareConfig> parse_compare_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
