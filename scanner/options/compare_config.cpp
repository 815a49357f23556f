#include "scanner/options/compare_config.h"

#include <algorithm>

#include "scanner/options/named_files.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

void add_table_options(CLI::App& app, CompareConfig& config) {
  OptionGroup group(app, "Tables");
  group.arguments("SCAN", "", "Two, A and B: bundles, or results each with a --summary",
                  config.scans);
  add_table_form(group, config.tables,
                 "slash8,slash16,slash24,label; country,asn with --mmdb [none but the total]",
                 "most changed");
  add_verbosity(group, config.verbosity);
}

void add_scan_options(CLI::App& app, CompareConfig& config) {
  OptionGroup group(app, "What was asked");
  group.list("--summary", "FILE",
             "Summary of a scan that is no bundle, in the order of A and B (repeatable)",
             config.summaries);
  group.list("--mmdb", "FILE",
             "Database of countries or AS numbers in MaxMind's format (repeatable)",
             config.geo_databases);
}

void check_places(const CompareConfig& config) {
  const auto is_place = [](Grouping grouping) {
    return grouping == Grouping::country || grouping == Grouping::asn;
  };
  if (config.geo_databases.empty() && std::ranges::any_of(config.tables.groupings, is_place))
    throw UserError(ExitCode::bad_usage,
                    "--by country and asn need --mmdb: both scans are to be held against one "
                    "database");
}

}  // namespace

std::optional<CompareConfig> parse_compare_config(const std::vector<std::string>& arguments) {
  CompareConfig config;
  const Application app = make_application(
      "Holds two scans of the same targets against each other: who replied to both, to one of "
      "them, "
      "to\nnone, and how many would answer.",
      "echoscan compare",
      "Exit status: 0 the tables are complete, 2 bad usage or input, or scans that cannot be "
      "compared, 4\nthe tables could not be written.");
  add_table_options(*app, config);
  add_scan_options(*app, config);
  add_target_options(*app, config.target, "Targets, as given to the scans");
  const std::optional<std::string> config_file =
      parse_arguments(*app, arguments, "Tables", ConfigFile::own_options);
  if (!config_file) return std::nullopt;
  if (config.scans.size() != 2)
    throw UserError(ExitCode::bad_usage,
                    "which two scans? name two bundles, or two files of results (see echoscan "
                    "compare --help)");
  refuse_without_lists(config.target, {});
  settle(config.tables);
  check_places(config);
  NamedFiles files;
  files.read("results", config.scans);
  files.read("--summary", config.summaries);
  files.read("--mmdb", config.geo_databases);
  files.read(config.target, *config_file);
  files.write_standard_output();
  files.refuse_clashes();
  return config;
}

}  // namespace echoscan
