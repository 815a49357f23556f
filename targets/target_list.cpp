#include "targets/target_list.h"

#include <algorithm>
#include <array>
#include <new>
#include <numeric>
#include <optional>

#include "targets/cloud_list.h"
#include "targets/list_bytes.h"
#include "targets/target_line.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

constexpr std::size_t kLineBytesMax = 64 << 10;
// With a comment. A line without an end would be read for ever.
constexpr std::uint64_t kCommentBytesMax = 16 << 20;

// Puts lines together from chunks. It keeps kLineBytesMax of a line, since no target with its label
// is longer.
class LineAssembler {
 public:
  LineAssembler(std::string_view name, TargetList& list) : list_(list), place_{name} {}

  // The error ends the reading: a line that is longer than any, or too many labels.
  tl::expected<void, std::string> take(std::string_view chunk) {
    while (!chunk.empty()) {
      const std::size_t end = chunk.find('\n');
      if (end == std::string_view::npos) {
        keep(chunk);
        if (line_bytes_ <= kCommentBytesMax) return {};
        return tl::make_unexpected("line " + std::to_string(line()) + " has more than " +
                                   std::to_string(kCommentBytesMax >> 20) + " MiB");
      }
      // Nearly every line lies in one chunk, and is read there without a copy.
      if (pending_.empty() && end <= kLineBytesMax) {
        add(chunk.substr(0, end));
      } else {
        keep(chunk.substr(0, end));
        finish();
      }
      if (list_.labels.is_overfull()) return check_labels();
      chunk.remove_prefix(end + 1);
    }
    return {};
  }

  // The last line needs no newline.
  void finish() {
    add(pending_);
    pending_.clear();
    line_bytes_ = 0;
  }

  // The error says that the last line has one label too many.
  [[nodiscard]] tl::expected<void, std::string> check_labels() const {
    if (!list_.labels.is_overfull()) return {};
    return tl::make_unexpected(list_.labels.overfull_error(place_.line));
  }

  // The line that is being read, from 1.
  [[nodiscard]] std::uint64_t line() const { return place_.line + 1; }

 private:
  void keep(std::string_view part) {
    pending_ += part.substr(0, kLineBytesMax + 1 - pending_.size());
    line_bytes_ += part.size();
  }

  void add(std::string_view line) {
    if (++place_.line == 1 && line.starts_with(kByteOrderMark))
      line.remove_prefix(kByteOrderMark.size());
    if (line.size() > kLineBytesMax && line.find('#') == std::string_view::npos) {
      list_.add_error(place_, line, "the line is longer than any target and its label");
    } else {
      list_.add_line(line, place_);
    }
  }

  TargetList& list_;
  ListPlace place_;
  std::string pending_;
  std::uint64_t line_bytes_ = 0;  // of the line that pending_ begins
};

}  // namespace

std::string ListPlace::text() const {
  std::string text(list);
  if (line > 0) text += ":" + std::to_string(line);
  if (!array.empty()) text += ": " + element_text();
  return text;
}

std::string ListPlace::element_text() const {
  return std::string(array) + "[" + std::to_string(element) + "]";
}

void TargetList::add_error(const ListPlace& place, std::string_view text, std::string_view what) {
  ++error_count;
  if (errors.size() >= kListErrorsMax) return;
  const std::string shown = text.empty() ? "" : excerpt(text) + ": ";
  errors.push_back(place.text() + ": " + shown + std::string(what));
}

void TargetList::add(std::string_view target, std::string_view label, const ListPlace& place) {
  const tl::expected<AddressRange, std::string> range = parse_range(target);
  if (!range) return add_error(place, target, range.error());
  add(std::array{*range}, label, place);
}

void TargetList::add(std::span<const AddressRange> targets, std::string_view label,
                     const ListPlace& place) {
  const tl::expected<void, std::string> label_check = check_label(label);
  if (!label_check) return add_error(place, label, label_check.error());
  const LabelId id = labels.id_of(label);
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
  if (!label) return add_error(place, label.error().text, label.error().what);
  add(line_ranges_, *label, place);
}

tl::expected<void, std::string> read_target_list(std::istream& in, std::string_view name,
                                                 TargetList& list) {
  ListBytes bytes(in);
  const char mark = bytes.first_mark();
  if (mark == '{' || mark == '[') return read_cloud_list(bytes, name, list);
  LineAssembler lines(name, list);
  try {
    for (std::string_view chunk = bytes.next(); !chunk.empty(); chunk = bytes.next())
      if (tl::expected<void, std::string> taken = lines.take(chunk); !taken) return taken;
    lines.finish();
    if (tl::expected<void, std::string> checked = lines.check_labels(); !checked) return checked;
  } catch (const std::bad_alloc&) {
    return tl::make_unexpected("there is no memory for what is in it from line " +
                               std::to_string(lines.line()) + " on");
  }
  if (!bytes.failure().empty()) return tl::make_unexpected(bytes.failure());
  return {};
}

}  // namespace echoscan
