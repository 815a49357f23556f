#include "scanner/command/aggregate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/aggregate/line_source.h"
#include "output/geo/geo_table.h"
#include "output/sink/byte_sink.h"
#include "scanner/options/target_options.h"
#include "scanner/plan/target_selection.h"
#include "targets/target_set.h"

namespace echoscan {
namespace {

constexpr std::size_t kMalformedShown = 5;
constexpr std::size_t kTextRows = 10;

struct AggregateConfig {
  std::vector<std::string> files;
  std::vector<std::string> summaries;
  std::vector<std::string> databases;
  std::vector<std::string> by;
  std::string format = "text";
  std::optional<std::size_t> top;
  TargetConfig lists;
};

[[noreturn]] void refuse(const std::string& sentence) {
  throw UserError(ExitCode::bad_usage, sentence);
}

// nullopt when they asked for help.
std::optional<AggregateConfig> parse(const std::vector<std::string>& arguments) {
  AggregateConfig config;
  CLI::App app{
      "Reads results that `echoscan scan` wrote as JSON lines, plain, .gz or .zst, and "
      "counts them by\nnetwork, country, autonomous system and label.",
      "echoscan aggregate"};
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.get_formatter()->column_width(34);
  app.add_option("FILE", config.files, "Results, of any number of shards; '-' is standard input")
      ->required();
  app.add_option("--by", config.by, "Tables: slash8,slash16,slash24,country,asn,label [all]")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->check(CLI::IsMember({"slash8", "slash16", "slash24", "country", "asn", "label"}))
      ->allow_extra_args(false);
  app.add_option("--format", config.format, "Tables for people, or one CSV or JSON [text]")
      ->type_name("text|csv|json")
      ->check(CLI::IsMember({"text", "csv", "json"}));
  app.add_option("--top", config.top, "Rows of each table [text: 10; csv, json: all]")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  const auto list = [&app](const char* name, const char* type, const char* description,
                           std::vector<std::string>& texts) {
    app.add_option(name, texts, description)->type_name(type)->allow_extra_args(false);
  };
  list("--summary", "FILE", "Summary of the scan, of each shard one: how many were probed",
       config.summaries);
  list("-t,--targets", "FILE", "The scan's target list: how many were probed in each group",
       config.lists.target_files);
  list("-x,--exclude", "TARGET", "As given to the scan", config.lists.excludes);
  list("--exclude-file", "FILE", "As given to the scan", config.lists.exclude_files);
  app.add_flag("--allow-reserved", config.lists.allow_reserved, "As given to the scan");
  list("--mmdb", "FILE", "As given to the scan: how many were probed in each country and system",
       config.databases);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    refuse(fmt::format("{} (see echoscan aggregate --help)", error.what()));
  }
  if (!config.databases.empty() && config.lists.target_files.empty())
    refuse("--mmdb says how many targets a country has, and needs the targets: -t FILE");
  return config;
}

std::vector<Grouping> groupings(const std::vector<std::string>& names) {
  std::vector<Grouping> chosen;
  for (std::size_t i = 0; i < kGroupings; ++i) {
    const auto grouping = static_cast<Grouping>(i);
    if (names.empty() || std::find(names.begin(), names.end(), name_of(grouping)) != names.end())
      chosen.push_back(grouping);
  }
  return chosen;
}

// Every line of every file. Malformed ones are counted, and the first few said.
void read_files(const AggregateConfig& config, Aggregate& aggregate, AggregateReport& report) {
  for (const std::string& path : config.files) {
    std::string error;
    const std::unique_ptr<LineSource> source = LineSource::open(path, error);
    if (!source) refuse(error);
    ++report.files;
    for (std::string_view line; source->next(line);) {
      ++report.lines;
      if (aggregate.add_line(line)) continue;
      if (++report.malformed <= kMalformedShown)
        fmt::print(stderr, "echoscan: {}:{}: not a result: {}\n", path, source->line_number(),
                   line.substr(0, 60));
    }
    if (!source->error().empty())
      fmt::print(stderr, "echoscan: '{}' was read up to line {}: {}\n", path, source->line_number(),
                 source->error());
  }
  if (report.malformed > kMalformedShown)
    fmt::print(stderr, "echoscan: {} more malformed lines\n", report.malformed - kMalformedShown);
}

struct Probed {
  std::uint64_t targets = 0;
  std::vector<std::string> digests;
  bool is_complete = true;  // every target of every scan
  std::unordered_map<std::string, std::uint64_t> targets_by_label;
};

Probed read_summaries(const std::vector<std::string>& paths) {
  Probed probed;
  for (const std::string& path : paths) {
    std::ifstream in(path);
    if (!in) refuse(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
    try {
      const nlohmann::json json = nlohmann::json::parse(in);
      const auto not_probed = json.at("ledger").at("not_probed").get<std::uint64_t>();
      probed.targets += json.at("targets").at("count").get<std::uint64_t>() - not_probed;
      probed.is_complete = probed.is_complete && not_probed == 0;
      for (const nlohmann::json& label : json.at("labels"))
        if (label.at("label").is_string())
          probed.targets_by_label[label["label"].get<std::string>()] +=
              label.at("targets").get<std::uint64_t>();
      probed.digests.push_back(json.at("targets").at("digest").get<std::string>());
    } catch (const nlohmann::json::exception& error) {
      refuse(fmt::format("'{}' is not a summary of a scan: {}", path, error.what()));
    }
  }
  return probed;
}

// How many targets each group has that replies are from.
void count_targets(const Aggregate& aggregate, const TargetSet& targets, const GeoTable& geo,
                   AggregateReport& report) {
  const std::span<const AddressRange> ranges = targets.ranges();
  const auto count_networks = [&](Grouping grouping, unsigned host_bits) {
    auto& counts = report.targets_by_number[static_cast<std::size_t>(grouping)];
    for (const auto& [first, group] : aggregate.by_number(grouping)) {
      const std::uint32_t last = first | ((std::uint32_t{1} << host_bits) - 1);
      auto range = std::partition_point(
          ranges.begin(), ranges.end(),
          [first = first](const AddressRange& each) { return each.last.value < first; });
      std::uint64_t& count = counts[first];
      for (; range != ranges.end() && range->first.value <= last; ++range)
        count += std::uint64_t{std::min(last, range->last.value)} -
                 std::max(first, range->first.value) + 1;
    }
  };
  count_networks(Grouping::slash8, 24);
  count_networks(Grouping::slash16, 16);
  count_networks(Grouping::slash24, 8);
  if (geo.is_empty()) return;
  const std::vector<GeoTable::Network>& networks = geo.networks();
  auto& by_asn = report.targets_by_number[static_cast<std::size_t>(Grouping::asn)];
  auto& by_country = report.targets_by_name[static_cast<std::size_t>(Grouping::country)];
  for (const AddressRange& range : ranges) {
    auto network = std::partition_point(
        networks.begin(), networks.end(),
        [&range](const GeoTable::Network& each) { return each.first <= range.first; });
    for (--network; network != networks.end() && network->first <= range.last; ++network) {
      const auto next = network + 1;
      const std::uint64_t end =
          next == networks.end() ? std::uint64_t{1} << 32 : std::uint64_t{next->first.value};
      const std::uint64_t count = std::min(end, std::uint64_t{range.last.value} + 1) -
                                  std::max(network->first.value, range.first.value);
      const GeoRecord record = geo.record(network->record);
      if (record.asn != 0) by_asn[record.asn] += count;
      if (!record.country.empty()) by_country[std::string(record.country)] += count;
    }
  }
}

// What the summaries and lists know of how many were asked; what they do not is said.
void add_targets(const AggregateConfig& config, const Aggregate& aggregate,
                 AggregateReport& report) {
  const Probed probed = read_summaries(config.summaries);
  if (!config.summaries.empty()) report.targets = probed.targets;
  if (probed.is_complete)
    report.targets_by_name[static_cast<std::size_t>(Grouping::label)] = probed.targets_by_label;
  if (config.lists.target_files.empty()) return;
  TargetLists lists = read_target_lists(config.lists);
  refuse_empty(lists);
  const std::string digest = "sha256:" + lists.digest;
  const TargetSet targets(std::move(lists.ranges));
  for (std::size_t i = 0; i < probed.digests.size(); ++i)
    if (probed.digests[i] != digest)
      refuse(
          fmt::format("the lists are not those of the scan of '{}': their digest is {}, and its "
                      "is {}; give the same lists, exclusions and --allow-reserved",
                      config.summaries[i], digest, probed.digests[i]));
  if (config.summaries.empty()) {
    fmt::print(stderr, "echoscan: no --summary: all {} targets of the lists are taken as probed\n",
               targets.size());
    report.targets = targets.size();
  } else if (probed.targets != targets.size()) {
    fmt::print(
        stderr,
        "echoscan: the summaries have {} of the lists' {} targets probed: there are no rates "
        "of groups\n",
        probed.targets, targets.size());
    return;
  }
  GeoTable geo;
  for (const std::string& path : config.databases) {
    std::string error;
    if (!geo.add_database(path, error)) refuse(fmt::format("--mmdb: {}", error));
  }
  count_targets(aggregate, targets, geo, report);
}

}  // namespace

ExitCode run_aggregate(const std::vector<std::string>& arguments) {
  const std::optional<AggregateConfig> config = parse(arguments);
  if (!config) return ExitCode::finished;
  Aggregate aggregate(groupings(config->by));
  AggregateReport report;
  report.rows_max = config->top.value_or(config->format == "text" ? kTextRows : 0);
  read_files(*config, aggregate, report);
  add_targets(*config, aggregate, report);
  DescriptorSink output(STDOUT_FILENO);
  const int error =
      write_and_finish(output, config->format == "csv"    ? aggregate_csv(aggregate, report)
                               : config->format == "json" ? aggregate_json(aggregate, report)
                                                          : aggregate_text(aggregate, report));
  if (error != 0)
    throw UserError(ExitCode::output,
                    fmt::format("the tables could not be written: {}", std::strerror(error)));
  return ExitCode::finished;
}

}  // namespace echoscan
