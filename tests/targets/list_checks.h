// What holds for any list that was read, whatever was in it: the fuzzers check it after each input.
//
// Ranges are the right way round, labels are valid, errors are fit for a terminal, the label map
// agrees at every border with the documented rule, and exclusions lose nothing. A violation ends
// the process, so that the fuzzer notices.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "targets/label_map.h"
#include "targets/target_list.h"
#include "targets/target_set.h"
#include "targets/utf8.h"

namespace echoscan {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

inline void require_printable(const std::string& text) {
  require(text == printable_text(text), "errors are fit for a terminal");
}

// Which label an address has, by the rule and in no hurry.
inline LabelId label_by_rule(const std::vector<LabelledRange>& entries, Ipv4 address) {
  const LabelledRange* best = nullptr;
  for (const LabelledRange& entry : entries)
    if (entry.range.first <= address && address <= entry.range.last &&
        (!best || entry.range.size() <= best->range.size()))
      best = &entry;
  return best ? best->label : kNoLabel;
}

inline void check_labels(LabelTable labels, const std::vector<LabelledRange>& entries,
                         const std::vector<AddressRange>& merged) {
  constexpr std::size_t kEntriesMax = 64;  // the rule's way is quadratic
  const LabelMap map(std::move(labels), entries);
  std::uint64_t labelled = 0;
  for (const std::uint64_t count : map.count(merged)) labelled += count;
  require(map.empty() || labelled == count_addresses(merged), "labels count every address once");
  if (entries.size() > kEntriesMax) return;
  for (const LabelledRange& entry : entries)
    for (const std::uint32_t border : {entry.range.first.value, entry.range.last.value})
      for (const std::uint32_t value : {border - 1, border, border + 1})
        require(map.label_of(Ipv4{value}) == label_by_rule(entries, Ipv4{value}),
                "the most specific range wins, then the later line");
}

// What a list holds: in the order read where there are labels, else ascending.
inline std::vector<LabelledRange> entries_of(TargetList& list) {
  std::vector<LabelledRange> entries = list.entries;
  if (entries.empty())
    for (const AddressRange& range : list.ranges.ranges()) entries.push_back({range, kNoLabel});
  return entries;
}

inline void check_list(TargetList& list, const tl::expected<void, std::string>& is_read) {
  if (!is_read) require_printable(is_read.error());
  for (const std::string& error : list.errors) require_printable(error);
  require(list.errors.size() <= kListErrorsMax, "no more errors are kept than asked for");
  require(list.errors.size() <= list.error_count, "errors are counted");
  std::vector<AddressRange> ranges;
  const std::vector<LabelledRange> entries = entries_of(list);
  for (const LabelledRange& entry : entries) {
    require(entry.range.first <= entry.range.last, "ranges are the right way round");
    const std::string_view label = list.labels.text(entry.label);
    require(check_label(label).has_value() && cut_label(label) == label, "labels are labels");
    ranges.push_back(entry.range);
  }
  const std::uint64_t repeated = list.ranges.count_repeated();
  const std::vector<AddressRange> merged = list.ranges.take_merged();
  require(merged == merge_ranges(ranges), "ranges and entries are the same addresses");
  require(repeated <= count_addresses(merged), "what is listed twice is listed");
  check_labels(std::move(list.labels), entries, merged);
}

// Reads bytes as `read` does, once as targets and once as exclusions: exclusions are the same
// addresses, or they are refused.
template <typename Read>
void check_both_uses(const Read& read) {
  TargetList targets;
  const tl::expected<void, std::string> is_read = read(targets);
  TargetList exclusions;
  exclusions.is_strict = true;
  const tl::expected<void, std::string> is_excluded = read(exclusions);
  require(is_read.has_value() == is_excluded.has_value(), "both are read or none is");
  require(exclusions.error_count >= targets.error_count, "exclusions are no less strict");
  if (exclusions.error_count == 0)
    require(targets.ranges.ranges() == exclusions.ranges.ranges(), "exclusions are all there");
  require(exclusions.host_entry_count == 0, "no exclusion is left out");
  check_list(targets, is_read);
  check_list(exclusions, is_excluded);
}

}  // namespace echoscan
