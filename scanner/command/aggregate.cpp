#include "scanner/command/aggregate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <unordered_map>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/aggregate/line_source.h"
#include "output/geo/geo_table.h"
#include "output/sink/byte_sink.h"
#include "output/summary/equations.h"
#include "output/summary/summary.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/log.h"
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

struct Probed {
  std::uint64_t targets = 0;
  std::vector<std::string> digests;
  std::string system_digest;  // of the system-wide list that the scan left out; empty: none
  bool is_complete = true;    // every target of every scan
  std::unordered_map<std::string, std::uint64_t> targets_by_label;
};

Probed read_summaries(const std::vector<std::string>& paths) {
  Probed probed;
  for (const std::string& path : paths) {
    std::ifstream in(path);
    if (!in)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
    const std::string text(std::istreambuf_iterator<char>(in), {});
    const tl::expected<Summary, std::string> summary = read_summary(text);
    if (!summary)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("'{}' is not a summary of a scan: {}", path, summary.error()));
    for (const std::string& fault : faults_of(text))
      log_warning("the summary '{}' does not add up: {}", path, fault);
    probed.targets += summary->targets.count - summary->ledger.not_probed;
    probed.is_complete = probed.is_complete && summary->ledger.not_probed == 0;
    for (const Summary::Label& label : summary->labels)
      if (!label.name.empty()) probed.targets_by_label[label.name] += label.targets;
    probed.digests.push_back(summary->targets.digest);
    if (!summary->targets.system_digest.empty())
      probed.system_digest = summary->targets.system_digest;
  }
  return probed;
}

// Counts the probed targets of each group that has a reply.
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

// Refuses lists whose digest is not that of each summary.
void check_digests(const AggregateConfig& config, const Probed& probed,
                   const TargetSelection& selection) {
  const std::string digest = "sha256:" + selection.digest;
  const bool lacks_system_list =
      !probed.system_digest.empty() && selection.counts.system_list.empty();
  for (std::size_t i = 0; i < probed.digests.size(); ++i)
    if (probed.digests[i] != digest)
      throw UserError(
          ExitCode::bad_usage,
          fmt::format("the lists are not those of the scan of '{}': their digest is {}, and its "
                      "is {}; give the same lists and the same options that choose from them{}",
                      config.summaries[i], digest, probed.digests[i],
                      lacks_system_list
                          ? fmt::format(", and as an --exclude-file the {} of the machine that "
                                        "scanned, which is not this machine's",
                                        kSystemExcludeFile)
                          : ""));
}

GeoTable load_geo(const std::vector<std::string>& databases) {
  GeoTable geo;
  for (const std::string& path : databases)
    if (const tl::expected<void, std::string> added = geo.add_database(path); !added)
      throw UserError(ExitCode::bad_usage, fmt::format("--mmdb: {}", added.error()));
  return geo;
}

// Adds what the summaries and lists say of how many were probed, and warns of what they leave open.
void add_probed(const AggregateConfig& config, const Aggregate& aggregate,
                AggregateReport& report) {
  const Probed probed = read_summaries(config.summaries);
  if (!config.summaries.empty()) report.targets = probed.targets;
  if (probed.is_complete)
    report.targets_by_name[static_cast<std::size_t>(Grouping::label)] = probed.targets_by_label;
  if (config.target.target_files.empty()) return;
  TargetConfig lists = config.target;
  // The system-wide list of this machine counts if it was the scan's.
  if (!config.summaries.empty() &&
      (probed.system_digest.empty() ||
       probed.system_digest != "sha256:" + system_list_digest(lists.system_exclude_file)))
    lists.system_exclude_file.clear();
  TargetSelection selection = select_targets(lists);
  refuse_empty(selection);
  check_digests(config, probed, selection);
  const TargetSet targets(std::move(selection.ranges));
  if (config.summaries.empty()) {
    log_warning("no --summary: all {} targets of the lists are taken as probed", targets.size());
    report.targets = targets.size();
  } else if (probed.targets != targets.size()) {
    log_warning(
        "the summaries have {} of the lists' {} targets probed: there are no rates of groups",
        probed.targets, targets.size());
    return;
  }
  count_targets(aggregate, targets, load_geo(config.geo_databases), report);
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
