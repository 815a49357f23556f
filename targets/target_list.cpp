#include "targets/target_list.h"

#include <array>

#include "targets/cloud_list.h"
#include "targets/list_bytes.h"
#include "targets/target_line.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

constexpr std::size_t kLineBytesMax = 64 << 10;

// Puts lines together from chunks. It keeps kLineBytesMax of a line, since no target with its label
// is longer.
class LineReader {
 public:
  LineReader(std::string_view name, TargetList& list) : list_(list), place_{name} {}

  void take(std::string_view chunk) {
    while (!chunk.empty()) {
      const std::size_t end = chunk.find('\n');
      if (end == std::string_view::npos) {
        keep(chunk);
        return;
      }
      // Nearly every line lies in one chunk, and is read there without a copy.
      if (pending_.empty() && end <= kLineBytesMax) {
        add(chunk.substr(0, end));
      } else {
        keep(chunk.substr(0, end));
        finish();
      }
      chunk.remove_prefix(end + 1);
    }
  }

  // The last line needs no newline.
  void finish() {
    add(pending_);
    pending_.clear();
  }

 private:
  void keep(std::string_view part) {
    pending_ += part.substr(0, kLineBytesMax + 1 - pending_.size());
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
};

}  // namespace

std::string ListPlace::text() const {
  std::string text(list);
  if (line > 0) text += ":" + std::to_string(line);
  if (!array.empty()) text += ": " + std::string(array) + "[" + std::to_string(element) + "]";
  return text;
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

void TargetList::add(std::span<const AddressRange> ranges, std::string_view label,
                     const ListPlace& place) {
  const tl::expected<void, std::string> label_check = check_label(label);
  if (!label_check) return add_error(place, label, label_check.error());
  const LabelId id = labels.id_of(label);
  for (const AddressRange& range : ranges) entries.push_back({range, id});
}

void TargetList::add_line(std::string_view line, const ListPlace& place) {
  const tl::expected<std::string_view, LineFault> label = read_target_line(line, line_ranges_);
  if (!label) return add_error(place, label.error().text, label.error().what);
  add(line_ranges_, *label, place);
}

tl::expected<void, std::string> read_target_list(std::istream& in, std::string_view name,
                                                 TargetList& list) {
  ListBytes bytes(in);
  const char mark = bytes.first_mark();
  if (mark == '{' || mark == '[') return read_cloud_list(bytes, name, list);
  LineReader lines(name, list);
  for (std::string_view chunk = bytes.next(); !chunk.empty(); chunk = bytes.next())
    lines.take(chunk);
  lines.finish();
  if (!bytes.failure().empty()) return tl::make_unexpected(bytes.failure());
  return {};
}

}  // namespace echoscan
