#include "output/aggregate/aggregate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "output/result/csv_line.h"
#include "output/summary/figure_text.h"
#include "output/summary/share_interval.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

using Json = nlohmann::ordered_json;
using Group = Aggregate::Group;

// Of a population that nobody knows: the interval is a little too wide.
constexpr std::uint64_t kNoEnd = std::uint64_t{1} << 53;

using Row = AggregateRow;

template <typename Key>
std::optional<TargetCount> find_targets(const std::unordered_map<Key, TargetCount>& targets,
                                        const Key& key) {
  const auto known = targets.find(key);
  return known == targets.end() ? std::nullopt : std::optional(known->second);
}

Row total_row(const Aggregate& aggregate, const AggregateReport& report) {
  return {"total", "", &aggregate.total(), report.targets, &aggregate.rtt()};
}

std::string interval_text(const Row& row) {
  if (!row.is_sampled()) return row.rate() ? "all asked" : "";
  const std::optional<ShareInterval> interval = row.interval();
  return interval ? fmt::format("{:.2f} to {:.2f} %", 100 * interval->low, 100 * interval->high)
                  : "too few";
}

void append_text_row(std::string& text, const Row& row, bool is_sample) {
  const std::optional<double> rate = row.rate();
  text += fmt::format("  {:<20} {:>13} {:>11} {:>9}", printable_text(row.name),
                      with_thousands(row.group->replies), with_thousands(row.group->errors),
                      rate ? fmt::format("{:.2f} %", 100 * *rate) : "");
  if (is_sample) text += fmt::format(" {:>17}", interval_text(row));
  if (row.group->rtt.count() > 0) {
    for (const double share : {0.5, 0.9, 0.99})
      text += fmt::format(" {:>11}", duration_text(row.rtt_ns(share)));
  } else if (!row.organisation.empty()) {
    text += fmt::format("{:36}", "");
  }
  text +=
      fmt::format("{}{}\n", row.organisation.empty() ? "" : "  ", printable_text(row.organisation));
}

void append_csv_row(std::string& csv, std::string_view table, const Row& row) {
  csv += fmt::format("{},", table);
  append_csv_text(csv, row.name);
  csv += ',';
  append_csv_text(csv, row.organisation);
  csv += fmt::format(",{},{},{},", row.group->replies, row.group->errors, row.group->repeats);
  if (row.targets) csv += std::to_string(row.targets->probed);
  csv += ',';
  if (const std::optional<double> rate = row.rate()) csv += fmt::format("{:.6f}", *rate);
  for (const double share : {0.5, 0.9, 0.99}) {
    csv += ',';
    if (row.group->rtt.count() > 0) csv += fmt::format("{:.3f}", row.rtt_us(share));
  }
  csv += ',';
  if (row.targets && row.targets->population) csv += std::to_string(*row.targets->population);
  const std::optional<ShareInterval> interval = row.interval();
  csv += interval ? fmt::format(",{:.6f},{:.6f}\n", interval->low, interval->high) : ",,\n";
}

Json json_row(const Row& row) {
  Json json = {{"group", row.name}};
  if (!row.organisation.empty()) json["as_org"] = row.organisation;
  json["replies"] = row.group->replies;
  json["errors"] = row.group->errors;
  json["repeats"] = row.group->repeats;
  if (row.targets) {
    json["targets"] = row.targets->probed;
    if (row.targets->population) json["population"] = *row.targets->population;
  }
  if (const std::optional<double> rate = row.rate()) json["response_rate"] = *rate;
  if (const std::optional<ShareInterval> interval = row.interval()) {
    json["response_rate_low"] = interval->low;
    json["response_rate_high"] = interval->high;
  }
  if (row.group->rtt.count() > 0)
    json["rtt_us"] = {
        {"p50", row.rtt_us(0.5)}, {"p90", row.rtt_us(0.9)}, {"p99", row.rtt_us(0.99)}};
  return json;
}

Json total_json(const Aggregate& aggregate, const AggregateReport& report) {
  Json total = json_row(total_row(aggregate, report));
  total.erase("group");
  const RttHistogram& rtt = aggregate.rtt();
  if (rtt.count() > 0) {
    const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1000; };
    total["rtt_us"] = {{"min", us(rtt.min_ns())},
                       {"p50", us(rtt.percentile_ns(0.50))},
                       {"p90", us(rtt.percentile_ns(0.90))},
                       {"p99", us(rtt.percentile_ns(0.99))},
                       {"max", us(rtt.max_ns())}};
  }
  return total;
}

// The first few, as many as are to be shown.
std::vector<Row> rows_of(const Aggregate& aggregate, const AggregateReport& report,
                         Grouping grouping) {
  std::vector<Row> rows = aggregate_rows(aggregate, report, grouping);
  if (report.rows_max > 0 && rows.size() > report.rows_max) rows.resize(report.rows_max);
  return rows;
}

}  // namespace

std::uint64_t AggregateRow::rtt_ns(double share) const {
  return rtt ? rtt->percentile_ns(share) : group->rtt.percentile_ns(share);
}

double AggregateRow::rtt_us(double share) const {
  return static_cast<double>(rtt_ns(share)) / 1000;
}

std::optional<double> AggregateRow::rate() const {
  if (!targets || targets->probed == 0) return std::nullopt;
  return static_cast<double>(group->replies) / static_cast<double>(targets->probed);
}

std::optional<ShareInterval> AggregateRow::interval() const {
  if (!targets) return std::nullopt;
  return share_interval(group->replies, targets->probed, targets->population.value_or(kNoEnd));
}

bool AggregateRow::is_sampled() const {
  return targets && targets->probed < targets->population.value_or(kNoEnd);
}

std::vector<AggregateRow> aggregate_rows(const Aggregate& aggregate, const AggregateReport& report,
                                         Grouping grouping) {
  const auto index = static_cast<std::size_t>(grouping);
  std::vector<Row> rows;
  for (const auto& [number, group] : aggregate.by_number(grouping))
    rows.push_back({group_name(grouping, number),
                    grouping == Grouping::asn ? aggregate.organisation(number) : std::string_view(),
                    &group, find_targets(report.targets_by_number[index], number)});
  for (const auto& [name, group] : aggregate.by_name(grouping))
    rows.push_back({name, "", &group, find_targets(report.targets_by_name[index], name), nullptr});
  std::sort(rows.begin(), rows.end(), [](const Row& left, const Row& right) {
    if (left.group->replies != right.group->replies)
      return left.group->replies > right.group->replies;
    return left.name < right.name;
  });
  return rows;
}

std::string aggregate_text(const Aggregate& aggregate, const AggregateReport& report) {
  std::string text =
      fmt::format("{} lines in {} file{}, {} malformed, {} of other kinds\n",
                  with_thousands(report.lines), report.files, plural(report.files),
                  with_thousands(report.malformed), with_thousands(aggregate.other_lines()));
  const bool is_sample = total_row(aggregate, report).is_sampled();
  text += fmt::format("  {:<20} {:>13} {:>11} {:>9}{} {:>11} {:>11} {:>11}\n", "", "replies",
                      "errors", report.targets ? "of asked" : "",
                      is_sample ? fmt::format(" {:>17}", "of all, 95 %") : "", "p50", "p90", "p99");
  append_text_row(text, total_row(aggregate, report), is_sample);
  for (const Grouping grouping : aggregate.groupings()) {
    const std::vector<Row> rows = rows_of(aggregate, report, grouping);
    if (rows.empty()) continue;
    const std::size_t groups =
        aggregate.by_number(grouping).size() + aggregate.by_name(grouping).size();
    text += fmt::format("{}{}\n", name_of(grouping),
                        rows.size() == groups ? ""
                                              : fmt::format(", {} of {} groups", rows.size(),
                                                            with_thousands(groups)));
    for (const Row& row : rows) append_text_row(text, row, is_sample);
  }
  return text;
}

std::string aggregate_csv(const Aggregate& aggregate, const AggregateReport& report) {
  return aggregate_csv(aggregate, report, aggregate.groupings());
}

std::string aggregate_csv(const Aggregate& aggregate, const AggregateReport& report,
                          const std::vector<Grouping>& groupings) {
  std::string csv =
      "table,group,as_org,replies,errors,repeats,targets,response_rate,rtt_p50_us,rtt_p90_us,"
      "rtt_p99_us,population,response_rate_low,response_rate_high\n";
  append_csv_row(csv, "total", total_row(aggregate, report));
  for (const Grouping grouping : groupings)
    for (const Row& row : rows_of(aggregate, report, grouping))
      append_csv_row(csv, name_of(grouping), row);
  return csv;
}

std::string aggregate_json(const Aggregate& aggregate, const AggregateReport& report) {
  Json json = {{"type", "aggregate"},
               {"files", report.files},
               {"lines", report.lines},
               {"malformed", report.malformed},
               {"other_lines", aggregate.other_lines()},
               {"total", total_json(aggregate, report)}};
  for (const Grouping grouping : aggregate.groupings()) {
    Json rows = Json::array();
    for (const Row& row : rows_of(aggregate, report, grouping)) rows.push_back(json_row(row));
    json[std::string(name_of(grouping))] = std::move(rows);
  }
  // ASCII alone, since names come from others and a terminal obeys what is beyond it.
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace echoscan
