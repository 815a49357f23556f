#include "scanner/command/scanned_map.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "scanner/command/asked_targets.h"

namespace echoscan {
namespace {

constexpr unsigned kHostBits = 8;
constexpr std::size_t kCellsMax = std::size_t{1} << (32 - kHostBits);

// Which place in the map's labels each label has: those with most targets first.
std::vector<std::uint32_t> rank_labels(const TargetSet& targets, const LabelMap& labels,
                                       std::vector<std::string>& names) {
  const std::vector<std::uint64_t> counts = labels.count(targets.ranges());
  std::vector<LabelId> order(counts.size());
  std::iota(order.begin(), order.end(), LabelId{0});
  std::sort(order.begin(), order.end(), [&](LabelId a, LabelId b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : labels.text(a) < labels.text(b);
  });
  std::vector<std::uint32_t> places(counts.size());
  for (const LabelId label : order) {
    if (label == kNoLabel || counts[label] == 0) continue;
    if (names.size() <= kMapLabelsMax)
      names.emplace_back(labels.text(label));
    else if (names.size() == kMapLabelsMax + 1)
      names.emplace_back("further labels");
    places[label] = static_cast<std::uint32_t>(names.size() - 1);
  }
  return places;
}

// The cells of the lists, with their targets and their most common label, all of them asked.
class Cells {
 public:
  explicit Cells(std::vector<ReplyMap::Cell>& cells) : cells_(cells) {}

  void add(const AddressRange& range, std::uint32_t label) {
    const std::uint64_t end = std::uint64_t{range.last.value} + 1;
    for (std::uint64_t first = range.first.value; first < end;) {
      const std::uint64_t cell_end = ((first >> kHostBits) + 1) << kHostBits;
      add_part(static_cast<std::uint32_t>(first >> kHostBits), label,
               static_cast<std::uint32_t>(std::min(end, cell_end) - first));
      first = cell_end;
    }
  }

 private:
  void add_part(std::uint32_t number, std::uint32_t label, std::uint32_t count) {
    if (cells_.empty() || cells_.back().number != number) {
      cells_.push_back({});
      cells_.back().number = number;
      label_counts_.clear();
    }
    ReplyMap::Cell& cell = cells_.back();
    cell.population += count;
    cell.asked += count;
    const auto known = std::find_if(label_counts_.begin(), label_counts_.end(),
                                    [label](const auto& each) { return each.first == label; });
    if (known == label_counts_.end()) {
      label_counts_.emplace_back(label, count);
    } else {
      known->second += count;
    }
    cell.label = std::max_element(label_counts_.begin(), label_counts_.end(),
                                  [](const auto& a, const auto& b) { return a.second < b.second; })
                     ->first;
  }

  std::vector<ReplyMap::Cell>& cells_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> label_counts_;  // of the last cell
};

void count_asked_cells(const Summary& summary, const TargetSet& targets,
                       std::vector<ReplyMap::Cell>& cells) {
  std::vector<std::uint32_t> place_of(kCellsMax);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i].asked = 0;
    place_of[cells[i].number] = static_cast<std::uint32_t>(i);
  }
  for_each_asked(summary, targets, [&](std::span<const Ipv4> batch) {
    for (const Ipv4 target : batch) ++cells[place_of[target.value >> kHostBits]].asked;
  });
}

void add_results(const Aggregate& aggregate, bool adds_cells, std::vector<ReplyMap::Cell>& cells) {
  if (adds_cells) {
    for (const auto& [first, group] : aggregate.by_number(Grouping::slash24)) {
      cells.push_back({});
      cells.back().number = first >> kHostBits;
    }
    std::sort(cells.begin(), cells.end(),
              [](const auto& a, const auto& b) { return a.number < b.number; });
  }
  for (ReplyMap::Cell& cell : cells) {
    const auto& groups = aggregate.by_number(Grouping::slash24);
    const auto found = groups.find(cell.number << kHostBits);
    if (found == groups.end()) continue;
    const Aggregate::Group& group = found->second;
    cell.replies = static_cast<std::uint32_t>(group.replies);
    cell.later = static_cast<std::uint32_t>(group.later);
    if (group.rtt.count() > 0)
      cell.rtt_p50_us = static_cast<std::uint32_t>(
          std::max<std::uint64_t>(1, (group.rtt.percentile_ns(0.5) + 500) / 1000));
  }
}

}  // namespace

ReplyMap scanned_map(const Aggregate& aggregate, const Summary& summary, const TargetSet* targets,
                     const LabelMap& labels) {
  ReplyMap map;
  map.labels = {""};
  map.has_several_passes = summary.order.passes > 1;
  if (targets != nullptr) {
    map.knows_asked = true;
    Cells cells(map.cells);
    if (labels.empty()) {
      for (const AddressRange& range : targets->ranges()) cells.add(range, 0);
    } else {
      const std::vector<std::uint32_t> places = rank_labels(*targets, labels, map.labels);
      for (const LabelledRange& range : labels.label_ranges(targets->ranges()))
        cells.add(range.range, places[range.label]);
    }
    if (summary.response.probed < targets->size()) count_asked_cells(summary, *targets, map.cells);
  }
  add_results(aggregate, targets == nullptr, map.cells);
  return map;
}

}  // namespace echoscan
