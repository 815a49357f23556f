#include "scanner/command/compare.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "output/geo/geo_table.h"
#include "output/sink/byte_sink.h"
#include "output/summary/figure_text.h"
#include "scanner/command/asked_targets.h"
#include "scanner/command/compared_scan.h"
#include "scanner/command/scan_record.h"
#include "scanner/plan/geo_databases.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/log.h"

namespace echoscan {
namespace {

// Of those asked, the most of whom nobody may know whether they were.
constexpr double kUnknownShareMax = 0.001;

struct Scans {
  ComparedScan first;
  ComparedScan second;
};

Scans read_scans(const CompareConfig& config) {
  auto summary = config.summaries.begin();
  const auto read = [&](const std::string& path) {
    if (is_bundle(path)) return read_compared_scan(path, "");
    if (summary == config.summaries.end())
      throw UserError(ExitCode::bad_usage,
                      fmt::format("'{}' is no bundle, and needs the scan's --summary", path));
    return read_compared_scan(path, *summary++);
  };
  Scans scans{read(config.scans[0]), read(config.scans[1])};
  if (summary != config.summaries.end())
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("--summary '{}' belongs to no file: a bundle has its own", *summary));
  const auto& [first, second] = scans;
  if (first.summary.targets.digest != second.summary.targets.digest)
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("these are scans of different targets: those of '{}' have {}, those of '{}' "
                    "{}; what one has not asked would look like a loss",
                    first.name, first.summary.targets.digest, second.name,
                    second.summary.targets.digest));
  return scans;
}

bool has_asked_all(const ComparedScan& scan) {
  return scan.summary.response.probed == scan.summary.order.n;
}

// The lists of both scans, from the options or from a bundle; none where there are neither.
std::optional<TargetSelection> select_lists(const CompareConfig& config, const Scans& scans) {
  TargetConfig lists = config.target;
  if (lists.target_files.empty()) {
    const std::string& list = scans.first.list.empty() ? scans.second.list : scans.first.list;
    if (list.empty()) return std::nullopt;
    lists.target_files = {list};
    // The exclusions are taken off already, and what may be probed is there.
    lists.allow_reserved = true;
    lists.system_exclude_file.clear();
  }
  const std::string& scanned = scans.first.summary.targets.digest;
  TargetSelection selection = select_targets(lists);
  // The scanning machine's own list may not be this one's.
  if ("sha256:" + selection.digest != scanned && !lists.system_exclude_file.empty()) {
    lists.system_exclude_file.clear();
    selection = select_targets(lists);
  }
  if ("sha256:" + selection.digest != scanned)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("the lists are not those of the scans: their digest is sha256:{}, "
                                "and the scans' is {}; give the same lists and the same options "
                                "that choose from them",
                                selection.digest, scanned));
  return selection;
}

void require_lists(const CompareConfig& config, const Scans& scans) {
  for (const ComparedScan* scan : {&scans.first, &scans.second})
    if (!has_asked_all(*scan))
      throw UserError(ExitCode::bad_usage,
                      fmt::format("'{}' has asked {} of {} targets; whom, the order says, which "
                                  "takes the scan's lists: -t FILE",
                                  scan->name, with_thousands(scan->summary.response.probed),
                                  with_thousands(scan->summary.order.n)));
  const auto is_label = [](Grouping grouping) { return grouping == Grouping::label; };
  if (std::ranges::any_of(config.tables.groupings, is_label))
    throw UserError(ExitCode::bad_usage, "--by label takes the scans' lists: -t FILE");
}

// Whom a scan has asked, by its order.
AskedSet asked_by(const ComparedScan& scan, const TargetSet& targets) {
  if (!has_own_order(scan.summary, targets.size()))
    throw UserError(ExitCode::bad_usage,
                    fmt::format("the order of '{}' is none that this version draws from its seed, "
                                "so nobody knows whom it has asked",
                                scan.name));
  AskedSet asked(targets.size());
  std::uint64_t count = 0;
  for_each_asked(scan.summary, targets, [&](std::span<const Ipv4> batch) {
    count += batch.size();
    for (const Ipv4 target : batch) asked.add(*targets.index_of(target));
  });
  const std::uint64_t probed = scan.summary.response.probed;
  const std::uint64_t unknown = count > probed ? count - probed : probed - count;
  const std::string sentence = fmt::format(
      "'{}' has asked {} targets, and its order says {}: some had no way, or were "
      "refused, and nobody knows which",
      scan.name, with_thousands(probed), with_thousands(count));
  if (static_cast<double>(unknown) > kUnknownShareMax * static_cast<double>(count))
    throw UserError(ExitCode::bad_usage, sentence);
  if (unknown > 0) log_warning("{}; they count as asked", sentence);
  return asked;
}

void require_targets_alone(const ComparedScan& scan, const TargetSet& targets) {
  for (const Ipv4 address : scan.replied)
    if (!targets.index_of(address))
      throw UserError(ExitCode::bad_usage,
                      fmt::format("'{}' has a reply of {}, which is not on the scan's lists",
                                  scan.name, to_string(address)));
}

ComparedSide side_of(const ComparedScan& scan) {
  const Summary& summary = scan.summary;
  return {scan.name,        summary.outcome,    summary.version,         summary.started_ms,
          summary.ended_ms, summary.order.seed, summary.response.probed, scan.replied.size()};
}

Comparison count_scans(const CompareConfig& config, const Scans& scans) {
  const GeoTable geo = load_geo(config.geo_databases);
  std::optional<TargetSelection> selection = select_lists(config, scans);
  ComparedTargets compared;
  compared.geo = &geo;
  if (!selection) {
    require_lists(config, scans);
    Comparison comparison = compare_replies(scans.first.replied, scans.second.replied,
                                            config.tables.groupings, compared);
    comparison.total.asked = scans.first.summary.order.n;
    return comparison;
  }
  const TargetSet targets(std::move(selection->ranges));
  compared.targets = &targets;
  compared.labels = &selection->labels;
  std::optional<AskedSet> asked;
  for (const ComparedScan* scan : {&scans.first, &scans.second}) {
    require_targets_alone(*scan, targets);
    if (has_asked_all(*scan)) continue;
    AskedSet by_scan = asked_by(*scan, targets);
    if (asked) {
      asked->intersect(by_scan);
    } else {
      asked = std::move(by_scan);
    }
  }
  if (asked) compared.asked = &*asked;
  return compare_replies(scans.first.replied, scans.second.replied, config.tables.groupings,
                         compared);
}

std::string tables_of(const Comparison& comparison, const ComparisonReport& report,
                      TableFormat format) {
  switch (format) {
    case TableFormat::csv:
      return comparison_csv(comparison, report);
    case TableFormat::json:
      return comparison_json(comparison, report);
    case TableFormat::text:
      break;
  }
  return comparison_text(comparison, report);
}

}  // namespace

ComparedScans compare_scans(const CompareConfig& config) {
  const Scans scans = read_scans(config);
  return {count_scans(config, scans),
          {side_of(scans.first), side_of(scans.second), scans.first.summary.targets.digest,
           scans.first.summary.order.n, config.tables.groupings, config.tables.rows_max}};
}

ExitCode run_compare(const CompareConfig& config) {
  const auto& [comparison, report] = compare_scans(config);
  DescriptorSink output(STDOUT_FILENO);
  if (const int error =
          write_and_finish(output, tables_of(comparison, report, config.tables.format));
      error != 0)
    throw UserError(ExitCode::output,
                    fmt::format("the tables could not be written: {}", std::strerror(error)));
  return ExitCode::finished;
}

}  // namespace echoscan
