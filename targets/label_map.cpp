#include "targets/label_map.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace echoscan {
namespace {

// An entry with its place in the lists, which decides between equals.
struct Candidate {
  AddressRange range;
  LabelId label;
  std::uint32_t order;

  // Whether `other` gives the label to the addresses that both list.
  bool operator<(const Candidate& other) const {
    if (range.size() != other.range.size()) return range.size() > other.range.size();
    return order < other.order;
  }
};

std::vector<Candidate> candidates_by_first(const std::vector<LabelledRange>& entries) {
  std::vector<Candidate> candidates;
  candidates.reserve(entries.size());
  for (const LabelledRange& entry : entries)
    candidates.push_back({entry.range, entry.label, static_cast<std::uint32_t>(candidates.size())});
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.range.first < b.range.first; });
  return candidates;
}

// Appends a segment, or makes the last one longer.
void append(std::vector<LabelledRange>& segments, std::uint64_t first, std::uint64_t last,
            LabelId label) {
  if (label == kNoLabel) return;
  const AddressRange range{Ipv4{static_cast<std::uint32_t>(first)},
                           Ipv4{static_cast<std::uint32_t>(last)}};
  if (!segments.empty() && segments.back().label == label &&
      std::uint64_t{segments.back().range.last.value} + 1 == first) {
    segments.back().range.last = range.last;
  } else {
    segments.push_back({range, label});
  }
}

// Resolves the overlaps in one sweep over the addresses. The candidates that have begun are in a
// heap, and the best of them gives the label until it ends or the next one begins.
std::vector<LabelledRange> resolve(const std::vector<LabelledRange>& entries) {
  const std::vector<Candidate> candidates = candidates_by_first(entries);
  std::priority_queue<Candidate> begun;
  std::vector<LabelledRange> segments;
  auto next = candidates.begin();
  std::uint64_t place = 0;
  while (next != candidates.end() || !begun.empty()) {
    if (begun.empty()) place = next->range.first.value;
    for (; next != candidates.end() && next->range.first.value == place; ++next) begun.push(*next);
    const Candidate& best = begun.top();
    std::uint64_t last = best.range.last.value;
    if (next != candidates.end()) last = std::min(last, std::uint64_t{next->range.first.value} - 1);
    append(segments, place, last, best.label);
    place = last + 1;
    while (!begun.empty() && begun.top().range.last.value < place) begun.pop();
  }
  return segments;
}

std::vector<AddressRange> ranges_of(const std::vector<LabelledRange>& segments) {
  std::vector<AddressRange> ranges;
  ranges.reserve(segments.size());
  for (const LabelledRange& segment : segments) ranges.push_back(segment.range);
  return ranges;
}

std::vector<LabelId> labels_of(const std::vector<LabelledRange>& segments) {
  std::vector<LabelId> labels;
  labels.reserve(segments.size());
  for (const LabelledRange& segment : segments) labels.push_back(segment.label);
  return labels;
}

}  // namespace

LabelMap::LabelMap(LabelTable table, const std::vector<LabelledRange>& entries)
    : table_(std::move(table)), segments_({}) {
  // Without a label there is nothing to resolve.
  if (table_.size() == 1) return;
  const std::vector<LabelledRange> segments = resolve(entries);
  segments_ = TargetSet(ranges_of(segments));
  label_of_segment_ = labels_of(segments);
}

std::vector<LabelledRange> LabelMap::label_ranges(std::span<const AddressRange> merged) const {
  std::vector<LabelledRange> labelled;
  const std::span<const AddressRange> segments = segments_.ranges();
  std::size_t segment = 0;
  for (const AddressRange& range : merged) {
    std::uint64_t place = range.first.value;
    while (segment < segments.size() && segments[segment].last < range.first) ++segment;
    for (std::size_t i = segment; i < segments.size() && segments[i].first <= range.last; ++i) {
      const Ipv4 first = std::max(range.first, segments[i].first);
      const Ipv4 last = std::min(range.last, segments[i].last);
      if (place < first.value)
        labelled.push_back({{Ipv4{static_cast<std::uint32_t>(place)}, Ipv4{first.value - 1}}});
      labelled.push_back({{first, last}, label_of_segment_[i]});
      place = std::uint64_t{last.value} + 1;
    }
    if (place <= range.last.value)
      labelled.push_back({{Ipv4{static_cast<std::uint32_t>(place)}, range.last}});
  }
  return labelled;
}

std::vector<std::uint64_t> LabelMap::count(std::span<const AddressRange> merged) const {
  if (empty()) return {};
  std::vector<std::uint64_t> counts(label_count());
  for (const LabelledRange& part : label_ranges(merged)) counts[part.label] += part.range.size();
  return counts;
}

}  // namespace echoscan
