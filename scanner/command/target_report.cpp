#include "scanner/command/target_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string_view>

#include "output/summary/figure_text.h"
#include "output/summary/share_interval.h"
#include "scanner/command/way_report.h"
#include "scanner/plan/target_plan.h"
#include "scanner/plan/way_plan.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLabelsShown = 20;
constexpr std::size_t kWaysShown = 20;
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

struct LabelCount {
  std::string_view text;
  std::uint64_t count = 0;
};

// How many targets each label has, most first; empty without labels.
std::vector<LabelCount> counts_by_label(const TargetSelection& selection) {
  const std::vector<std::uint64_t> by_number = selection.labels.count(selection.ranges);
  std::vector<LabelCount> counts;
  for (LabelId label = 0; label < by_number.size(); ++label)
    if (by_number[label] > 0) counts.push_back({selection.labels.text(label), by_number[label]});
  std::sort(counts.begin(), counts.end(), [](const LabelCount& a, const LabelCount& b) {
    return a.count != b.count ? a.count > b.count : a.text < b.text;
  });
  return counts;
}

// A figure of the report, in columns.
std::string row(const char* heading, std::uint64_t count, std::string_view what) {
  return fmt::format("{:<10} {:>13}  {}\n", heading, with_thousands(count), what);
}

std::string left_out_rows(const TargetCounts& counts) {
  std::string text;
  const auto add = [&text](std::uint64_t count, const char* what) {
    if (count > 0) text += row(text.empty() ? "left out" : "", count, what);
  };
  add(counts.bad_lines, "bad lines (--skip-bad-lines)");
  add(counts.ipv6_entries, "IPv6 entries");
  add(counts.host_entries, "entries that name hosts and no address");
  add(counts.filtered_entries, "entries by --label-filter");
  return text;
}

std::string reserved_rows(const TargetCounts& counts) {
  std::string text =
      row("", counts.excluded_reserved,
          fmt::format("in special-purpose ranges (IANA registry of {}, multicast){}",
                      kSpecialPurposeRegistryDate, counts.reserved.empty() ? "" : ":"));
  for (const TargetCounts::Reserved& reserved : counts.reserved)
    text += row("", reserved.count,
                fmt::format("  {:<18} {}, {}", to_string(reserved.entry.range), reserved.entry.name,
                            reserved.entry.rfc));
  return text;
}

std::string way_rows(std::span<const WayShare> ways) {
  std::string text;
  std::uint64_t rest = 0;
  for (const WayShare& share : ways) {
    const auto shown = static_cast<std::size_t>(&share - ways.data());
    if (shown < kWaysShown) {
      text += row(shown == 0 ? "ways" : "", share.targets, way_text(share));
    } else {
      rest += share.targets;
    }
  }
  if (ways.size() > kWaysShown)
    text += row("", rest,
                fmt::format("by {} more ways (all with --format json)",
                            with_thousands(ways.size() - kWaysShown)));
  return text;
}

std::string label_rows(const TargetSelection& selection) {
  std::string text;
  if (selection.counts.cut_labels > 0)
    text += row("cut", selection.counts.cut_labels,
                fmt::format("entries' labels, at {} bytes", kTargetLabelBytesMax));
  const std::vector<LabelCount> counts = counts_by_label(selection);
  const std::size_t shown = std::min(counts.size(), kLabelsShown);
  for (std::size_t i = 0; i < shown; ++i)
    text += row(i == 0 ? "labels" : "", counts[i].count,
                counts[i].text.empty() ? "(none)" : counts[i].text);
  if (shown < counts.size()) {
    const std::uint64_t rest = std::accumulate(
        counts.begin() + static_cast<std::ptrdiff_t>(shown), counts.end(), std::uint64_t{0},
        [](std::uint64_t sum, const LabelCount& label) { return sum + label.count; });
    text += row("", rest,
                fmt::format("in {} more labels (all with --format json)",
                            with_thousands(counts.size() - shown)));
  }
  return text;
}

void print(std::FILE* file, std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file) != text.size() || std::fflush(file) != 0)
    throw UserError(ExitCode::output,
                    fmt::format("the targets could not be written: {}", std::strerror(errno)));
}

constexpr double kSecondsInTenths = 60;
constexpr double kSharesKnown[] = {0.5, 0.1, 0.01};

// How long it would take, and how well a share would be known, in percent of the targets.
std::string outlook_rows(const ScanOutlook& outlook) {
  std::string known;
  for (const double share : kSharesKnown)
    known += fmt::format("{}{:g} % to {:.2g}", known.empty() ? "" : ", ", share * 100,
                         expected_half_width(share, outlook.targets, outlook.population) * 100);
  std::string text;
  if (outlook.targets < outlook.population)
    text += row("sample", outlook.targets,
                fmt::format("of them, {:.3g} %: shares are known (95 %): {} points, either way",
                            percent(outlook.targets, outlook.population), known));
  return text +
         row("scan", outlook.probes,
             fmt::format(
                 "probe{}{} in {} pass{}, {}", plural(outlook.probes),
                 outlook.is_at_most ? " at most" : "", outlook.passes, plural(outlook.passes, "es"),
                 outlook.rate_pps == 0 ? "as fast as they leave"
                                       : fmt::format("{} at {} a second",
                                                     outlook.seconds < kSecondsInTenths
                                                         ? fmt::format("{:.1f} s", outlook.seconds)
                                                         : span_text(outlook.seconds),
                                                     rate_text(outlook.rate_pps))));
}

Json outlook_json(const ScanOutlook* outlook) {
  if (outlook == nullptr) return nullptr;
  Json half_widths = Json::array();
  for (const double share : kSharesKnown)
    half_widths.push_back(
        {{"share", share},
         {"half_width", expected_half_width(share, outlook->targets, outlook->population)}});
  return {{"targets", outlook->targets},
          {"population", outlook->population},
          {"passes", outlook->passes},
          {"probes", outlook->probes},
          {"probes_at_most", outlook->is_at_most},
          {"rate_pps", outlook->rate_pps == 0 ? Json("max") : Json(outlook->rate_pps)},
          {"seconds", outlook->rate_pps == 0 ? Json(nullptr) : Json(outlook->seconds)},
          {"half_widths", std::move(half_widths)}};
}

}  // namespace

ScanOutlook outlook_of(const TargetReportConfig& config, std::uint64_t population) {
  ScanOutlook outlook;
  outlook.population = population;
  outlook.targets = first_targets(config.order, population);
  outlook.passes = config.order.passes;
  outlook.probes = outlook.targets * outlook.passes;
  outlook.is_at_most = config.order.retries > 0;
  outlook.rate_pps = config.pace.rate_pps.pps();
  if (outlook.rate_pps > 0)
    outlook.seconds = static_cast<double>(outlook.probes) / outlook.rate_pps +
                      pass_gap_s(config.order, config.pace) * (outlook.passes - 1);
  return outlook;
}

std::string target_report_text(const TargetSelection& selection, std::span<const WayShare> ways,
                               const ScanOutlook* outlook) {
  const TargetCounts& counts = selection.counts;
  const std::uint64_t left = count_addresses(selection.ranges);
  const std::uint64_t slash24s = count_slash24s(selection.ranges);
  std::string text = left_out_rows(counts);
  text +=
      row("listed", counts.listed,
          counts.listed_repeatedly == 0 ? std::string("on the lists")
                                        : fmt::format("on the lists, {} of them more than once",
                                                      with_thousands(counts.listed_repeatedly)));
  text += row("excluded", counts.excluded_by_user, "by --exclude and --exclude-file");
  if (!counts.system_list.empty())
    text += row("", counts.excluded_by_system, fmt::format("by {}", counts.system_list));
  text += reserved_rows(counts);
  text += row("remaining", left,
              fmt::format("to probe, in {} range{} and {} /24 network{}",
                          with_thousands(selection.ranges.size()), plural(selection.ranges.size()),
                          with_thousands(slash24s), plural(slash24s)));
  text += label_rows(selection);
  text += way_rows(ways);
  if (outlook != nullptr && outlook->targets > 0) text += outlook_rows(*outlook);
  return text + fmt::format("{:<10} sha256:{}\n", "digest", selection.digest);
}

std::string target_report_json(const TargetSelection& selection, std::span<const WayShare> ways,
                               bool with_ranges, const ScanOutlook* outlook) {
  const TargetCounts& counts = selection.counts;
  Json reserved = Json::array();
  for (const TargetCounts::Reserved& entry : counts.reserved)
    reserved.push_back({{"range", to_string(entry.entry.range)},
                        {"name", entry.entry.name},
                        {"rfc", entry.entry.rfc},
                        {"count", entry.count}});
  Json labels = Json::array();
  for (const LabelCount& label : counts_by_label(selection))
    labels.push_back(
        {{"label", label.text.empty() ? Json(nullptr) : Json(label.text)}, {"count", label.count}});
  Json json = {{"type", "targets"},
               {"listed", counts.listed},
               {"listed_repeatedly", counts.listed_repeatedly},
               {"excluded_by_user", counts.excluded_by_user},
               {"excluded_by_system_list", counts.excluded_by_system},
               {"system_list", counts.system_list.empty()
                                   ? Json(nullptr)
                                   : Json{{"path", counts.system_list},
                                          {"digest", "sha256:" + counts.system_digest}}},
               {"excluded_reserved", counts.excluded_reserved},
               {"reserved", std::move(reserved)},
               {"registry_date", kSpecialPurposeRegistryDate},
               {"ipv6_entries", counts.ipv6_entries},
               {"host_entries", counts.host_entries},
               {"cut_labels", counts.cut_labels},
               {"filtered_entries", counts.filtered_entries},
               {"bad_lines", counts.bad_lines},
               {"count", count_addresses(selection.ranges)},
               {"range_count", selection.ranges.size()},
               {"slash24_count", count_slash24s(selection.ranges)},
               {"labels", std::move(labels)},
               {"ways", ways_json(ways)},
               {"scan", outlook_json(outlook)},
               {"digest", "sha256:" + selection.digest}};
  if (with_ranges) {
    Json ranges = Json::array();
    for (const LabelledRange& part : selection.labels.label_ranges(selection.ranges)) {
      ranges.push_back(
          {{"first", to_string(part.range.first)}, {"last", to_string(part.range.last)}});
      if (part.label != kNoLabel) ranges.back()["label"] = selection.labels.text(part.label);
    }
    json["ranges"] = std::move(ranges);
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void write_range_lines(std::span<const AddressRange> ranges, const LabelMap& labels,
                       const std::function<void(std::string_view)>& write) {
  std::string text;
  for (const LabelledRange& part : labels.label_ranges(ranges)) {
    text += to_string(part.range.first) + "-" + to_string(part.range.last);
    if (part.label != kNoLabel) text += " " + std::string(labels.text(part.label));
    text += "\n";
    if (text.size() < kPieceBytes) continue;
    write(text);
    text.clear();
  }
  write(text);
}

ExitCode run_target_report(const TargetReportConfig& config) {
  const TargetSelection selection = select_targets(config.target);
  std::vector<WayShare> ways;
  say_if_unknown([&] { ways = find_ways(selection.ranges, {}, WayRanges::counted); });
  std::optional<ScanOutlook> outlook;
  if (const std::uint64_t left = count_addresses(selection.ranges); config.has_outlook && left > 0)
    outlook = outlook_of(config, left);
  const ScanOutlook* const shown = outlook ? &*outlook : nullptr;
  if (config.format == ReportFormat::json) {
    print(stdout, target_report_json(selection, ways, config.list_ranges, shown));
  } else if (config.list_ranges) {
    write_range_lines(selection.ranges, selection.labels,
                      [](std::string_view text) { print(stdout, text); });
    if (config.verbosity != Verbosity::quiet)
      print(stderr, printable_text(target_report_text(selection, ways, shown), true));
  } else {
    print(stdout, printable_text(target_report_text(selection, ways, shown), true));
  }
  refuse_empty(selection);
  return ExitCode::finished;
}

}  // namespace echoscan
