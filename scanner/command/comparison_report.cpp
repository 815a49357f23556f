#include "scanner/command/comparison_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "output/result/csv_line.h"
#include "output/summary/figure_text.h"
#include "output/summary/paired_change.h"
#include "output/summary/pass_estimate.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

using Json = nlohmann::ordered_json;

struct Row {
  std::string name;  // empty: the targets without a label
  const ComparisonCount* count = nullptr;

  [[nodiscard]] std::uint64_t changed() const { return count->gained + count->lost; }
};

// Most changed first; equal ones as they are numbered or called.
std::vector<Row> rows_of(const Comparison& comparison, Grouping grouping, std::size_t rows_max) {
  const auto index = static_cast<std::size_t>(grouping);
  std::vector<Row> rows;
  for (const auto& [number, count] : comparison.by_number[index])
    rows.push_back({group_name(grouping, number), &count});
  for (const auto& [name, count] : comparison.by_name[index]) rows.push_back({name, &count});
  std::ranges::stable_sort(rows, std::ranges::greater(), &Row::changed);
  if (rows_max > 0 && rows.size() > rows_max) rows.resize(rows_max);
  return rows;
}

PairedChange change_of(const ComparisonCount& count) {
  return paired_change(count.gained, count.lost);
}

// What a reader has to know before he takes a difference for one of the hosts.
std::string change_text(const ComparisonCount& count) {
  const PairedChange change = change_of(count);
  if (change.is_chance())
    return fmt::format("B heard as many as A, as far as chance goes ({:.1f} standard deviations)\n",
                       change.deviations);
  return fmt::format(
      "B heard {} than A by more than chance: {:.1f} standard deviations (McNemar's test of "
      "pairs); hosts, way or rate were not the same{}\n",
      change.deviations < 0 ? "fewer" : "more", change.deviations,
      change.deviations < 0 ? ", and if B was the faster one, its rate may have been too high"
                            : "");
}

AnsweringEstimate estimate_of(const ComparisonCount& count) {
  return chapman(count.both + count.lost, count.both + count.gained, count.both);
}

std::string figure(const std::optional<std::uint64_t>& number) {
  return number ? with_thousands(*number) : "";
}

std::string text_row(std::string_view name, const ComparisonCount& count) {
  return fmt::format("  {:<20} {:>13} {:>11} {:>11} {:>13} {:>13}\n", printable_text(name),
                     with_thousands(count.both), with_thousands(count.gained),
                     with_thousands(count.lost), figure(count.neither()), figure(count.asked));
}

std::string side_line(const char* which, const ComparedSide& side) {
  return fmt::format("{}  {}: {} to {}, {}; {} of {} asked replied\n", which,
                     printable_text(side.name), time_text(side.started_ms),
                     time_text(side.ended_ms), printable_text(side.outcome),
                     with_thousands(side.replied), with_thousands(side.asked));
}

void append_csv_row(std::string& csv, std::string_view table, std::string_view name,
                    const ComparisonCount& count) {
  csv += fmt::format("{},", table);
  append_csv_text(csv, name);
  csv += fmt::format(",{},{},{},", count.both, count.gained, count.lost);
  if (const auto neither = count.neither()) csv += std::to_string(*neither);
  csv += ',';
  if (count.asked) csv += std::to_string(*count.asked);
  const AnsweringEstimate estimate = estimate_of(count);
  csv += fmt::format(",{:.3f},{:.3f},{:.3f}\n", estimate.targets, estimate.standard_error,
                     change_of(count).deviations);
}

Json count_json(const ComparisonCount& count) {
  const AnsweringEstimate estimate = estimate_of(count);
  const auto or_null = [](const std::optional<std::uint64_t>& number) {
    return number ? Json(*number) : Json(nullptr);
  };
  return {{"both", count.both},
          {"gained", count.gained},
          {"lost", count.lost},
          {"neither", or_null(count.neither())},
          {"asked", or_null(count.asked)},
          {"deviations", change_of(count).deviations},
          {"estimate",
           {{"targets", estimate.targets},
            {"standard_error", estimate.standard_error},
            {"is_lower_bound", true}}}};
}

Json side_json(const ComparedSide& side) {
  return {{"name", side.name},
          {"version", side.version},
          {"started", time_text(side.started_ms)},
          {"ended", time_text(side.ended_ms)},
          {"outcome", side.outcome},
          {"seed", side.seed},
          {"asked", side.asked},
          {"replied", side.replied}};
}

}  // namespace

std::string comparison_text(const Comparison& comparison, const ComparisonReport& report) {
  std::string text = side_line("A", report.first) + side_line("B", report.second);
  text += fmt::format("{} targets, {}\n", with_thousands(report.targets), report.digest);
  text += fmt::format("  {:<20} {:>13} {:>11} {:>11} {:>13} {:>13}\n", "", "replied to both",
                      "gained by B", "lost to B", "neither", "asked by both");
  text += text_row("total", comparison.total);
  for (const Grouping grouping : report.groupings) {
    const std::vector<Row> rows = rows_of(comparison, grouping, report.rows_max);
    const auto index = static_cast<std::size_t>(grouping);
    const std::size_t groups =
        comparison.by_number[index].size() + comparison.by_name[index].size();
    text += fmt::format("{}{}\n", name_of(grouping),
                        rows.size() == groups ? ""
                                              : fmt::format(", {} of {} groups", rows.size(),
                                                            with_thousands(groups)));
    for (const Row& row : rows)
      text += text_row(row.name.empty() ? "(none)" : row.name, *row.count);
  }
  text += change_text(comparison.total);
  const AnsweringEstimate estimate = estimate_of(comparison.total);
  return text + fmt::format(
                    "at least {} targets would answer, standard error {} (Chapman's estimate, a "
                    "lower bound: what both have lost is invisible)\n",
                    with_thousands(static_cast<std::uint64_t>(std::llround(estimate.targets))),
                    rate_text(estimate.standard_error));
}

std::string comparison_csv(const Comparison& comparison, const ComparisonReport& report) {
  std::string csv =
      "table,group,both,gained,lost,neither,asked,estimate_lower_bound,standard_error,deviations\n";
  append_csv_row(csv, "total", "total", comparison.total);
  for (const Grouping grouping : report.groupings)
    for (const Row& row : rows_of(comparison, grouping, report.rows_max))
      append_csv_row(csv, name_of(grouping), row.name, *row.count);
  return csv;
}

std::string comparison_json(const Comparison& comparison, const ComparisonReport& report) {
  Json json = {{"type", "comparison"},          {"a", side_json(report.first)},
               {"b", side_json(report.second)}, {"digest", report.digest},
               {"targets", report.targets},     {"total", count_json(comparison.total)}};
  for (const Grouping grouping : report.groupings) {
    Json rows = Json::array();
    for (const Row& row : rows_of(comparison, grouping, report.rows_max)) {
      Json counts = count_json(*row.count);
      Json group = {{"group", row.name.empty() ? Json(nullptr) : Json(row.name)}};
      group.update(counts);
      rows.push_back(std::move(group));
    }
    json[std::string(name_of(grouping))] = std::move(rows);
  }
  // ASCII alone, since names come from others and a terminal obeys what is beyond it.
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace echoscan
