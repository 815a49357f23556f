#include "output/report/page_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "output/report/map_colours.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

using Json = nlohmann::ordered_json;

// Of a name in the page: thousands of them must fit.
constexpr std::size_t kNameBytesMax = 200;

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// "AS64500 Some Network" for a system.
std::string name_in_page(Grouping grouping, const std::string& name,
                         std::string_view organisation = {}) {
  if (grouping != Grouping::asn) return std::string(utf8_prefix(name, kNameBytesMax));
  return fmt::format("AS{}{}{}", name, organisation.empty() ? "" : " ",
                     utf8_prefix(organisation, kNameBytesMax));
}

PageGroup::Row row_of(Grouping grouping, const AggregateRow& row) {
  PageGroup::Row result;
  result.name = name_in_page(grouping, row.name, row.organisation);
  result.asked = row.targets ? row.targets->probed : 0;
  result.answered = row.group->replies;
  result.interval = row.interval();
  if (row.group->rtt.count() > 0) result.rtt_p50_us = row.rtt_us(0.5);
  return result;
}

// Groups of the lists that have no result at all.
void add_silent(const ReportContent& content, Grouping grouping, std::set<std::string>& seen,
                std::vector<PageGroup::Row>& rows) {
  const auto add = [&](const std::string& name, const TargetCount& targets) {
    if (targets.probed == 0 || !seen.insert(name).second) return;
    rows.push_back({name_in_page(grouping, name), targets.probed, 0,
                    share_interval(0, targets.probed, targets.population.value_or(targets.probed)),
                    std::nullopt});
  };
  const auto index = static_cast<std::size_t>(grouping);
  for (const auto& [name, targets] : content.report.targets_by_name[index]) add(name, targets);
  for (const auto& [number, targets] : content.report.targets_by_number[index])
    add(fmt::format("{}", number), targets);
}

PageGroup page_group(const ReportContent& content, Grouping grouping, std::string name) {
  PageGroup group{std::string(name_of(grouping)), std::move(name), {}, 0};
  std::set<std::string> seen;
  for (const AggregateRow& row : aggregate_rows(content.aggregate, content.report, grouping)) {
    seen.insert(row.name);
    group.rows.push_back(row_of(grouping, row));
  }
  add_silent(content, grouping, seen, group.rows);
  std::sort(group.rows.begin(), group.rows.end(),
            [](const PageGroup::Row& left, const PageGroup::Row& right) {
              if (left.asked != right.asked) return left.asked > right.asked;
              if (left.answered != right.answered) return left.answered > right.answered;
              return left.name < right.name;
            });
  group.row_count = group.rows.size();
  if (group.rows.size() > PageGroup::kRowsMax) group.rows.resize(PageGroup::kRowsMax);
  return group;
}

Json group_json(const PageGroup& group) {
  Json rows = Json::array();
  for (const PageGroup::Row& row : group.rows)
    rows.push_back(
        {row.name, row.asked, row.answered, row.interval ? Json(row.interval->low) : Json(nullptr),
         row.interval ? Json(row.interval->high) : Json(nullptr), or_null(row.rtt_p50_us)});
  return {{"key", group.key}, {"name", group.name}, {"rows", rows}};
}

Json map_json(const ReportContent& content, const ReplyMap& map) {
  const MapSquare square = square_of(map);
  Json labels = Json::array();
  for (const std::string& label : map.labels) labels.push_back(utf8_prefix(label, kNameBytesMax));
  return {{"prefix_length", map.prefix_length},
          {"square", {{"first", to_string(square.first)}, {"prefix_length", square.prefix_length}}},
          {"labels", labels},
          {"knows_asked", map.knows_asked},
          {"has_several_passes", map.has_several_passes},
          {"is_compared", map.is_compared},
          {"is_transposed", content.is_transposed}};
}

Json palette_json() {
  Json palette = Json::array();
  for (const Colour& colour : map_palette())
    palette.push_back(fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue));
  return palette;
}

Json times_json(const Summary::TimeSeries& times) {
  return {{"bin_seconds", times.bin_seconds}, {"counts", times.counts}};
}

}  // namespace

std::vector<PageGroup> page_groups(const ReportContent& content) {
  std::vector<PageGroup> groups;
  for (const auto& [grouping, name] :
       {std::pair{Grouping::label, "label"}, std::pair{Grouping::country, "country"},
        std::pair{Grouping::asn, "autonomous system"}}) {
    PageGroup group = page_group(content, grouping, name);
    if (!group.rows.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<std::uint64_t> density_of(const Aggregate& aggregate) {
  std::vector<std::uint64_t> density(256);
  for (const auto& [first, group] : aggregate.by_number(Grouping::slash24))
    if (group.replies > 0) ++density[std::min<std::uint64_t>(group.replies, density.size()) - 1];
  return density;
}

std::string page_figures(const ReportContent& content, const ReplyMap& map,
                         const std::vector<PageGroup>& groups) {
  Json group_list = Json::array();
  for (const PageGroup& group : groups) group_list.push_back(group_json(group));
  Json rtt = Json::array();
  for (const RttHistogram::Bin& bin : content.summary.rtt.histogram)
    rtt.push_back({bin.from_ns, bin.to_ns, bin.count});
  const Json figures = {{"map", map_json(content, map)},
                        {"palette", palette_json()},
                        {"places",
                         {{"not_asked", MapColours::kNotAsked},
                          {"silent", MapColours::kSilent},
                          {"unknown", MapColours::kUnknown},
                          {"first_label", MapColours::kFirstLabel},
                          {"labels", MapColours::kLabels},
                          {"other_label", MapColours::kOtherLabel},
                          {"first_step", MapColours::kFirstStep},
                          {"steps", MapColours::kSteps},
                          {"first_change", MapColours::kFirstChange},
                          {"changes", MapColours::kChanges}}},
                        {"scales",
                         {{"smallest_share", kSmallestShare},
                          {"shortest_us", kShortestUs},
                          {"longest_us", kLongestUs},
                          {"largest_loss", kLargestLoss},
                          {"largest_change", kLargestChange}}},
                        {"rows_shown", PageGroup::kRowsShown},
                        {"rows_drawn", PageGroup::kRowsDrawn},
                        {"groups", group_list},
                        {"rtt", rtt},
                        {"replied_by_time", times_json(content.summary.receiving.replied_by_time)},
                        {"replied_late", times_json(content.summary.receiving.replied_late)},
                        {"density", density_of(content.aggregate)}};
  const std::string json = figures.dump(-1, ' ', true, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(json.size());
  for (const char c : json) {
    if (c == '<' || c == '>' || c == '&') {
      safe += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace echoscan
