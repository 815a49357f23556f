#include "scanner/options/aggregate_config.h"

#include "scanner/options/named_files.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

void add_table_options(CLI::App& app, AggregateConfig& config) {
  OptionGroup group(app, "Tables");
  group.arguments("FILE", "", "Results, of any number of shards; '-' is standard input",
                  config.files);
  add_table_form(group, config.tables, "slash8,slash16,slash24,country,asn,label [all]",
                 "most replies");
  add_verbosity(group, config.verbosity);
}

void add_probed_options(CLI::App& app, AggregateConfig& config) {
  OptionGroup group(app, "What was probed");
  group.list("--summary", "FILE", "Summary of the scan, of each shard one (repeatable)",
             config.summaries);
  group.list("--mmdb", "FILE",
             "Database of the scan: how many were probed in each country and system (repeatable)",
             config.geo_databases);
}

void check_combinations(const AggregateConfig& config) {
  if (config.files.empty())
    throw UserError(ExitCode::bad_usage,
                    "no results: give files, or - for standard input (see echoscan aggregate "
                    "--help)");
  refuse_without_lists(config.target, config.geo_databases);
}

}  // namespace

std::optional<AggregateConfig> parse_aggregate_config(const std::vector<std::string>& arguments) {
  AggregateConfig config;
  const Application app = make_application(
      "Reads results that `echoscan scan` wrote as JSON lines, plain, .gz or .zst, and counts them "
      "by\nnetwork, country, autonomous system and label.",
      "echoscan aggregate",
      "Exit status: 0 the tables are complete, 2 bad usage or input, 4 they could not be written, "
      "5 the\n"
      "summaries are not shards of one scan, each once.");
  add_table_options(*app, config);
  add_probed_options(*app, config);
  add_target_options(*app, config.target, "Targets, as given to the scan");
  const std::optional<std::string> config_file =
      parse_arguments(*app, arguments, "Tables", ConfigFile::own_options);
  if (!config_file) return std::nullopt;
  check_combinations(config);
  NamedFiles files;
  files.read("results", config.files);
  files.read("--summary", config.summaries);
  files.read("--mmdb", config.geo_databases);
  files.read(config.target, *config_file);
  files.write_standard_output();
  files.refuse_clashes();
  settle(config.tables);
  if (config.tables.groupings.empty())
    for (std::size_t i = 0; i < kGroupings; ++i)
      config.tables.groupings.push_back(static_cast<Grouping>(i));
  return config;
}

}  // namespace echoscan
