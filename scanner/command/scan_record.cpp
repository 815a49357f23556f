#include "scanner/command/scan_record.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "output/aggregate/line_source.h"
#include "output/merge/shard_set.h"
#include "output/merge/summary_sum.h"
#include "output/result/result_field.h"
#include "output/summary/equations.h"
#include "scanner/command/asked_targets.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"
#include "targets/target_set.h"

namespace echoscan {
namespace {

constexpr std::size_t kMalformedShown = 5;

// Refuses lists whose digest is not that of each summary.
void check_digests(const std::vector<std::string>& paths, const std::vector<Summary>& summaries,
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
                      paths[i], digest, summaries[i].targets.digest,
                      lacks_system_list
                          ? fmt::format(", and as an --exclude-file the {} of the machine that "
                                        "scanned, which is not this machine's",
                                        kSystemExcludeFile)
                          : ""));
    if (!has_own_order(summaries[i], count_addresses(selection.ranges)))
      throw UserError(
          ExitCode::bad_usage,
          fmt::format("the order of '{}' is none that this version draws from its seed", paths[i]));
  }
}

// Summaries of one list are shards of one scan, each there once, or their sums are of nothing.
// Whether all are there is another question: those that are, are a sample.
void refuse_mixed(const std::vector<std::string>& paths, const std::vector<Summary>& summaries) {
  std::map<std::string, std::vector<ShardRun>> runs_by_list;
  for (std::size_t i = 0; i < summaries.size(); ++i)
    runs_by_list[summaries[i].targets.digest].push_back({paths[i], summaries[i]});
  for (const auto& [digest, runs] : runs_by_list) {
    const ShardSet set = find_shard_set(runs);
    if (!set.missing.empty())
      log_warning("{} of {} shards {} missing ({}): rates are of a sample", set.missing.size(),
                  set.shards, set.missing.size() == 1 ? "is" : "are", numbers_text(set.missing));
    if (set.strangers.empty() && set.doubled.empty()) continue;
    throw UserError(ExitCode::shards,
                    fmt::format("the summaries are not the shards of one scan, each once: {}",
                                set.strangers.empty() ? set.doubled[0] : set.strangers[0]));
  }
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

// The lists as the scan had them: the system-wide list of this machine counts if it was the scan's.
TargetSelection select_as_scanned(TargetConfig lists, const std::vector<std::string>& paths,
                                  const std::vector<Summary>& summaries) {
  std::string system_digest;
  for (const Summary& summary : summaries)
    if (!summary.targets.system_digest.empty()) system_digest = summary.targets.system_digest;
  if (!summaries.empty() &&
      (system_digest.empty() ||
       system_digest != "sha256:" + system_list_digest(lists.system_exclude_file)))
    lists.system_exclude_file.clear();
  TargetSelection selection = select_targets(lists);
  refuse_empty(selection);
  check_digests(paths, summaries, selection);
  return selection;
}

// What was written in another format has no line to count. A first line that is cut is neither.
void refuse_other_format(const std::string& path, std::string_view first_line) {
  const bool is_csv = find_result_field(first_line.substr(0, first_line.find(','))) != nullptr;
  if (!is_csv && !parse_ipv4(first_line)) return;
  throw UserError(ExitCode::bad_usage,
                  fmt::format("'{}' is {}; JSON lines are read, which --format jsonl writes", path,
                              is_csv ? "CSV" : "a list of addresses"));
}

}  // namespace

void read_results(const std::vector<std::string>& paths, Aggregate& aggregate,
                  AggregateReport& report) {
  for (const std::string& path : paths) {
    const tl::expected<std::unique_ptr<LineSource>, std::string> opened = LineSource::open(path);
    if (!opened) throw UserError(ExitCode::bad_usage, opened.error());
    LineSource& source = **opened;
    ++report.files;
    for (std::string_view line; source.next(line);) {
      ++report.lines;
      if (source.line_number() == 1) refuse_other_format(path, line);
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

Summary read_summary_file(const std::string& path) {
  std::ifstream in(path);
  if (!in)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  const std::string text(std::istreambuf_iterator<char>(in), {});
  tl::expected<Summary, std::string> summary = read_summary(text);
  if (!summary)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("'{}' is not a summary of a scan: {}", path, summary.error()));
  summary->ledger.faults = faults_of(text);
  for (const std::string& fault : summary->ledger.faults)
    log_warning("the summary '{}' does not add up: {}", path, fault);
  return std::move(*summary);
}

std::vector<Summary> read_summaries(const std::vector<std::string>& paths) {
  std::vector<Summary> summaries;
  summaries.reserve(paths.size());
  for (const std::string& path : paths) summaries.push_back(read_summary_file(path));
  refuse_mixed(paths, summaries);
  return summaries;
}

Summary summary_of_all(const std::vector<std::string>& paths, const std::vector<Summary>& summaries,
                       const RttHistogram& rtt) {
  if (summaries.size() == 1) return summaries.front();
  std::vector<ShardRun> runs;
  for (std::size_t i = 0; i < summaries.size(); ++i) runs.push_back({paths[i], summaries[i]});
  const ShardSet set = find_shard_set(runs);
  if (!set.is_whole())
    throw UserError(ExitCode::shards,
                    "these are not all shards of one scan, each once:" + faults_text(set));
  return sum_summaries(set, {0, rtt});
}

std::optional<ScannedLists> count_probed(const TargetConfig& lists,
                                         const std::vector<std::string>& paths,
                                         const std::vector<Summary>& summaries, const GeoTable& geo,
                                         const Aggregate& aggregate, AggregateReport& report) {
  count_by_summaries(summaries, report);
  if (lists.target_files.empty()) return std::nullopt;
  TargetSelection selection = select_as_scanned(lists, paths, summaries);
  ScannedLists scanned{TargetSet(std::move(selection.ranges)), std::move(selection.labels)};
  const TargetSet& targets = scanned.targets;
  if (summaries.empty()) {
    log_warning("no --summary: all {} targets of the lists are taken as probed", targets.size());
    report.targets = {targets.size(), targets.size()};
  } else if (*report.targets->population != targets.size()) {
    log_warning("{} of the lists' {} targets had no way: there are no rates of groups",
                targets.size() - *report.targets->population, targets.size());
    return std::nullopt;
  }
  count_groups(aggregate, targets, scanned.labels, geo, report);
  if (report.targets->probed == targets.size()) return scanned;
  const std::uint64_t asked = count_asked(summaries, targets, scanned.labels, geo, report);
  if (asked != report.targets->probed)
    log_warning(
        "the summaries have {} targets probed, and their orders {}: rates of small groups "
        "may be a little off",
        report.targets->probed, asked);
  return scanned;
}

}  // namespace echoscan
