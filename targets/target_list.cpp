#include "targets/target_list.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "targets/cloud_list.h"
#include "targets/ipv6_prefix.h"
#include "targets/json_record.h"
#include "targets/list_bytes.h"
#include "targets/list_lines.h"
#include "targets/target_line.h"

namespace echoscan {

std::string ListPlace::text() const {
  std::string text(list);
  if (line > 0) text += ":" + std::to_string(line);
  if (element) text += ": " + element_text();
  return text;
}

std::string ListPlace::element_text() const {
  return excerpt(array) + "[" + std::to_string(element.value_or(0)) + "]";
}

void TargetList::add_error(const ListPlace& place, std::string_view text, std::string_view what) {
  ++error_count;
  if (errors.size() >= kListErrorsMax) return;
  const std::string shown = text.empty() ? "" : excerpt(text) + ": ";
  errors.push_back(place.text() + ": " + shown + std::string(what));
}

void TargetList::refuse_stray(std::string_view text, const ListPlace& place) {
  if (!is_strict) return;
  const std::string_view target = ipv4_target_in(text);
  if (!target.empty())
    add_error(
        place, target,
        "it is written as a target, and stands where none is read; of a list of exclusions all "
        "is read or nothing");
}

void TargetList::add(std::string_view target, std::string_view label, const ListPlace& place) {
  const tl::expected<AddressRange, std::string> range = parse_range(target);
  if (!range && is_ipv6_target(target)) {
    ++ipv6_count;
    return;
  }
  if (!range) return add_error(place, target, range.error());
  add(std::array{*range}, label, place);
}

void TargetList::add(std::span<const AddressRange> targets, std::string_view label,
                     const ListPlace& place) {
  const tl::expected<void, std::string> label_check = check_label(label);
  if (!label_check) return add_error(place, label, label_check.error());
  if (label.size() > kTargetLabelBytesMax) ++cut_label_count;
  const LabelId id = labels.id_of(cut_label(label));
  for (const AddressRange& range : targets) add(range, id);
}

bool TargetList::is_wanted(LabelId label) {
  while (is_wanted_.size() <= label)
    is_wanted_.push_back(is_wanted_label(labels.text(static_cast<LabelId>(is_wanted_.size()))) ? 1
                                                                                               : 0);
  return is_wanted_[label] != 0;
}

void TargetList::add(const AddressRange& range, LabelId label) {
  if (is_wanted_label && !is_wanted(label)) {
    ++filtered_count;
    return;
  }
  ++range_count;
  // Ranges without a label say that an address has none, where they are the most specific ones.
  // Among themselves their order decides nothing.
  if (label != kNoLabel && entries.empty())
    for (const AddressRange& earlier : ranges.ranges()) entries.push_back({earlier, kNoLabel});
  ranges.add(range);
  if (label == kNoLabel && entries.empty()) return;
  entries.push_back({range, label});
  if (entries.size() >= entries_max_) remove_copies();
}

// Of equal ranges only the last has a say.
void TargetList::remove_copies() {
  std::vector<std::uint32_t> by_range(entries.size());
  std::iota(by_range.begin(), by_range.end(), 0);
  std::sort(by_range.begin(), by_range.end(), [this](std::uint32_t a, std::uint32_t b) {
    return entries[a].range != entries[b].range ? entries[a].range < entries[b].range : a < b;
  });
  std::vector<bool> is_last(entries.size());
  for (std::size_t i = 0; i < by_range.size(); ++i)
    is_last[by_range[i]] =
        i + 1 == by_range.size() || entries[by_range[i]].range != entries[by_range[i + 1]].range;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (is_last[i]) entries[kept++] = entries[i];
  entries.resize(kept);
  entries_max_ = std::max(kEntriesMin, 2 * kept);
}

void TargetList::add_line(std::string_view line, const ListPlace& place) {
  // Nearly all lines of long lists are an address and nothing else.
  if (const std::optional<Ipv4> address = parse_ipv4(line))
    return add({*address, *address}, kNoLabel);
  const tl::expected<std::string_view, LineFault> label = read_target_line(line, line_ranges_);
  if (!label && place.line > 0 && is_ipv6_line(line)) {
    ++ipv6_count;
    return;
  }
  if (!label && take_host(line, place)) return;
  if (!label) return add_error(place, label.error().text, label.error().what);
  add(line_ranges_, *label, place);
}

bool TargetList::take_host(std::string_view line, const ListPlace& place) {
  if (!look_up_hosts) return false;
  const std::optional<HostLine> host = read_host_line(line);
  if (!host) return false;
  if (hosts_.size() == kHostsMax) {
    add_error(place, host->name, "no more names are looked up than a million a list");
    return true;
  }
  hosts_.push_back(
      {std::string(host->name), std::string(host->label), std::string(place.list), place.line});
  return true;
}

void TargetList::resolve_hosts() {
  if (hosts_.empty()) return;
  std::vector<std::string> names;
  names.reserve(hosts_.size());
  for (const NamedHost& host : hosts_) names.push_back(host.name);
  const std::vector<HostAddresses> found = look_up_hosts(names);
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const NamedHost& host = hosts_[i];
    const ListPlace place{host.list, host.line};
    if (!found[i]) {
      add_error(place, host.name, "it cannot be looked up: " + found[i].error());
      continue;
    }
    ++resolved_count;
    line_ranges_.clear();
    for (const Ipv4 address : *found[i]) line_ranges_.push_back({address, address});
    add(line_ranges_, host.label.empty() ? host.name : host.label, place);
  }
  hosts_.clear();
}

tl::expected<void, std::string> read_target_list(std::istream& in, std::string_view name,
                                                 TargetList& list) {
  ListBytes bytes(in);
  const char mark = bytes.first_mark();
  const bool is_record = mark == '{' && is_json_record(bytes.first_line(kListLineBytesMax));
  if (mark == '[' || (mark == '{' && !is_record)) return read_cloud_list(bytes, name, list);
  tl::expected<void, std::string> read = read_list_lines(bytes, name, list);
  if (!read) return read;
  list.resolve_hosts();
  if (!list.labels.is_overfull()) return {};
  return tl::make_unexpected("the labels of its names of hosts, with all others, are too many");
}

}  // namespace echoscan
