#include "scanner/command/aggregate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/aggregate/line_source.h"
#include "output/geo/geo_table.h"
#include "output/sink/byte_sink.h"
#include "output/summary/equations.h"
#include "output/summary/summary.h"
#include "scanner/command/asked_targets.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/log.h"
#include "targets/permutation.h"
#include "targets/target_set.h"

namespace echoscan {
namespace {

constexpr std::size_t kMalformedShown = 5;

// Adds every line of every file. Counts malformed lines, and warns of the first few.
void read_files(const AggregateConfig& config, Aggregate& aggregate, AggregateReport& report) {
  for (const std::string& path : config.files) {
    const tl::expected<std::unique_ptr<LineSource>, std::string> opened = LineSource::open(path);
    if (!opened) throw UserError(ExitCode::bad_usage, opened.error());
    LineSource& source = **opened;
    ++report.files;
    for (std::string_view line; source.next(line);) {
      ++report.lines;
      if (aggregate.add_line(line)) continue;
      if (++report.malformed <= kMalformedShown)
        log_warning("{}:{}: not a result: {}", path, source.line_number(), line.substr(0, 60));
    }
    if (!source.error().empty())
      log_warning("'{}' was read up to line {}: {}", path, source.line_number(), source.error());
  }
  if (report.malformed > kMalformedShown)
    log_warning("{} more malformed lines", report.malformed - kMalformedShown);
}

std::vector<Summary> read_summaries(const std::vector<std::string>& paths) {
  std::vector<Summary> summaries;
  for (const std::string& path : paths) {
    std::ifstream in(path);
    if (!in)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
    const std::string text(std::istreambuf_iterator<char>(in), {});
    tl::expected<Summary, std::string> summary = read_summary(text);
    if (!summary)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("'{}' is not a summary of a scan: {}", path, summary.error()));
    for (const std::string& fault : faults_of(text))
      log_warning("the summary '{}' does not add up: {}", path, fault);
    summaries.push_back(std::move(*summary));
  }
  return summaries;
}

// What summaries alone say: shards of one scan have one population, other scans each their own.
void count_by_summaries(const std::vector<Summary>& summaries, AggregateReport& report) {
  if (summaries.empty()) return;
  TargetCount total{0, 0};
  std::map<std::string, std::uint64_t> population_by_digest;
  bool is_complete = true;
  for (const Summary& summary : summaries) {
    total.probed += summary.response.probed;
    population_by_digest[summary.targets.digest] = summary.response.population;
    is_complete = is_complete && summary.ledger.not_probed == 0;
  }
  for (const auto& [digest, population] : population_by_digest) *total.population += population;
  report.targets = total;
  if (!is_complete) return;
  const bool are_all = total.probed == *total.population;
  auto& by_label = report.targets_by_name[static_cast<std::size_t>(Grouping::label)];
  for (const Summary& summary : summaries)
    for (const Summary::Label& label : summary.labels)
      if (!label.name.empty()) by_label[label.name].probed += label.targets;
  for (auto& [name, count] : by_label)
    if (are_all) count.population = count.probed;
}

// Refuses lists whose digest is not that of each summary.
void check_digests(const AggregateConfig& config, const std::vector<Summary>& summaries,
                   const TargetSelection& selection) {
  const std::string digest = "sha256:" + selection.digest;
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const bool lacks_system_list =
        !summaries[i].targets.system_digest.empty() && selection.counts.system_list.empty();
    if (summaries[i].targets.digest != digest)
      throw UserError(
          ExitCode::bad_usage,
          fmt::format("the lists are not those of the scan of '{}': their digest is {}, and its "
                      "is {}; give the same lists and the same options that choose from them{}",
                      config.summaries[i], digest, summaries[i].targets.digest,
                      lacks_system_list
                          ? fmt::format(", and as an --exclude-file the {} of the machine that "
                                        "scanned, which is not this machine's",
                                        kSystemExcludeFile)
                          : ""));
    const Permutation permutation(count_addresses(selection.ranges), summaries[i].order.seed);
    if (permutation.prime() != summaries[i].order.prime ||
        permutation.generator() != summaries[i].order.generator ||
        permutation.start() != summaries[i].order.start)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("the order of '{}' is none that this version draws from its seed",
                                  config.summaries[i]));
  }
}

GeoTable load_geo(const std::vector<std::string>& databases) {
  GeoTable geo;
  for (const std::string& path : databases)
    if (const tl::expected<void, std::string> added = geo.add_database(path); !added)
      throw UserError(ExitCode::bad_usage, fmt::format("--mmdb: {}", added.error()));
  return geo;
}

// The lists as the scan had them: the system-wide list of this machine counts if it was the scan's.
TargetSelection select_as_scanned(const AggregateConfig& config,
                                  const std::vector<Summary>& summaries) {
  TargetConfig lists = config.target;
  std::string system_digest;
  for (const Summary& summary : summaries)
    if (!summary.targets.system_digest.empty()) system_digest = summary.targets.system_digest;
  if (!summaries.empty() &&
      (system_digest.empty() ||
       system_digest != "sha256:" + system_list_digest(lists.system_exclude_file)))
    lists.system_exclude_file.clear();
  return select_targets(lists);
}

// Adds what the summaries and lists say of how many were probed, and warns of what they leave open.
void add_probed(const AggregateConfig& config, const Aggregate& aggregate,
                AggregateReport& report) {
  const std::vector<Summary> summaries = read_summaries(config.summaries);
  count_by_summaries(summaries, report);
  if (config.target.target_files.empty()) return;
  TargetSelection selection = select_as_scanned(config, summaries);
  refuse_empty(selection);
  check_digests(config, summaries, selection);
  const TargetSet targets(std::move(selection.ranges));
  const GeoTable geo = load_geo(config.geo_databases);
  if (summaries.empty()) {
    log_warning("no --summary: all {} targets of the lists are taken as probed", targets.size());
    report.targets = {targets.size(), targets.size()};
  } else if (*report.targets->population != targets.size()) {
    log_warning("{} of the lists' {} targets had no way: there are no rates of groups",
                targets.size() - *report.targets->population, targets.size());
    return;
  }
  count_groups(aggregate, targets, selection.labels, geo, report);
  if (report.targets->probed == targets.size()) return;
  const std::uint64_t asked = count_asked(summaries, targets, selection.labels, geo, report);
  if (asked != report.targets->probed)
    log_warning(
        "the summaries have {} targets probed, and their orders {}: rates of small groups "
        "may be a little off",
        report.targets->probed, asked);
}

std::string tables(const Aggregate& aggregate, const AggregateReport& report, TableFormat format) {
  switch (format) {
    case TableFormat::csv:
      return aggregate_csv(aggregate, report);
    case TableFormat::json:
      return aggregate_json(aggregate, report);
    case TableFormat::text:
      break;
  }
  return aggregate_text(aggregate, report);
}

}  // namespace

ExitCode run_aggregate(const AggregateConfig& config) {
  Aggregate aggregate(config.groupings);
  AggregateReport report;
  report.rows_max = config.rows_max;
  read_files(config, aggregate, report);
  add_probed(config, aggregate, report);
  DescriptorSink output(STDOUT_FILENO);
  const int error = write_and_finish(output, tables(aggregate, report, config.format));
  if (error != 0)
    throw UserError(ExitCode::output,
                    fmt::format("the tables could not be written: {}", std::strerror(error)));
  return ExitCode::finished;
}

}  // namespace echoscan
