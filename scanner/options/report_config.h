// What `echoscan report` is to make: of which results, into which file, with which map.
//
// The lists are the scan's, with the options that chose from them, as for aggregate: without them
// nobody knows which networks were asked. A bundle has all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "output/report/map_colours.h"
#include "scanner/options/option_group.h"
#include "scanner/options/target_options.h"

namespace echoscan {

struct ReportConfig {
  static constexpr std::uint64_t kBudgetBytes = 20'000'000;

  std::vector<std::string> files;  // "-" is standard input
  std::string bundle;              // the folder that files, summary and list are in; empty: none
  std::vector<std::string> summaries;  // of the scan, or of all its shards
  TargetConfig target;                 // as the scan had it
  std::vector<std::string> geo_databases;
  std::string against;  // an earlier scan of the same targets, a bundle; empty: none
  std::string page = "report.html";
  std::string picture;  // empty: none
  MapLayer layer = MapLayer::rate;
  bool is_transposed = false;
  std::string title;
  std::uint64_t budget_bytes = kBudgetBytes;
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan report`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<ReportConfig> parse_report_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
