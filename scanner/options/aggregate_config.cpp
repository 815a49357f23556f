#include "scanner/options/aggregate_config.h"

#include <algorithm>

#include "scanner/options/named_files.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

// The groupings asked for, each once and in the order of the enumerators; all when none was.
std::vector<Grouping> in_order(const std::vector<Grouping>& asked) {
  std::vector<Grouping> groupings;
  for (const auto& [name, grouping] : grouping_choices())
    if (asked.empty() || std::find(asked.begin(), asked.end(), grouping) != asked.end())
      groupings.push_back(grouping);
  return groupings;
}

void add_table_options(CLI::App& app, AggregateConfig& config, std::optional<std::size_t>& top) {
  OptionGroup group(app, "Tables");
  group.arguments("FILE", "", "Results, of any number of shards; '-' is standard input",
                  config.files);
  group.items(
      "--by", "NAME,...", "Tables: slash8,slash16,slash24,country,asn,label [all]",
      [&config](const std::string& option, const std::string& name) {
        config.groupings.push_back(parse_choice<Grouping>(option, name, grouping_choices()));
      });
  group.value(
      "--format", "text|csv|json", "Tables for people, or one CSV or JSON [text]",
      [&config](const std::string& option, const std::string& text) {
        config.format = parse_choice<TableFormat>(
            option, text,
            {{"text", TableFormat::text}, {"csv", TableFormat::csv}, {"json", TableFormat::json}});
      });
  group.value("--top", "N", "Rows of each table [text: 10; csv, json: all]",
              [&top](const std::string& option, const std::string& text) {
                top = parse_count(option, text, 1, kTableRowsMax);
              });
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
  if (!config.target.target_files.empty()) return;
  if (!config.geo_databases.empty())
    throw UserError(
        ExitCode::bad_usage,
        "--mmdb says how many targets a country has, and needs the scan's list: -t FILE");
  const TargetConfig nothing;
  if (config.target != nothing)
    throw UserError(ExitCode::bad_usage,
                    "options that choose from the scan's lists need the lists: -t FILE");
}

}  // namespace

std::vector<std::pair<std::string, Grouping>> grouping_choices() {
  std::vector<std::pair<std::string, Grouping>> choices;
  for (std::size_t i = 0; i < kGroupings; ++i)
    choices.emplace_back(name_of(static_cast<Grouping>(i)), static_cast<Grouping>(i));
  return choices;
}

std::optional<AggregateConfig> parse_aggregate_config(const std::vector<std::string>& arguments) {
  AggregateConfig config;
  std::optional<std::size_t> top;
  const Application app = make_application(
      "Reads results that `echoscan scan` wrote as JSON lines, plain, .gz or .zst, and counts them "
      "by\nnetwork, country, autonomous system and label.",
      "echoscan aggregate",
      "Exit status: 0 the tables are complete, 2 bad usage or input, 4 they could not be written.");
  add_table_options(*app, config, top);
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
  config.groupings = in_order(config.groupings);
  config.rows_max = top.value_or(config.format == TableFormat::text ? kTextRows : 0);
  return config;
}

}  // namespace echoscan
