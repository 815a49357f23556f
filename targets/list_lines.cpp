#include "targets/list_lines.h"

#include <cstdint>
#include <memory>
#include <new>

#include "targets/line_format.h"
#include "targets/target_line.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

// With a comment. A line without an end would be read for ever.
constexpr std::uint64_t kCommentBytesMax = 16 << 20;

bool is_blank_or_comment(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(kBlanks);
  return begin == std::string_view::npos || line[begin] == '#';
}

// Puts lines together from chunks. It keeps kListLineBytesMax of a line, since no target with its
// label is longer.
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
      if (pending_.empty() && end <= kListLineBytesMax) {
        add(chunk.substr(0, end));
      } else {
        keep(chunk.substr(0, end));
        finish_line();
      }
      if (list_.labels.is_overfull()) return check_labels();
      chunk.remove_prefix(end + 1);
    }
    return {};
  }

  // The last line needs no newline. The error says that it has one label too many.
  tl::expected<void, std::string> finish() {
    finish_line();
    if (format_) format_->finish(place_.list, list_);
    return check_labels();
  }

  // The line that is being read, from 1.
  [[nodiscard]] std::uint64_t line() const { return place_.line + 1; }

 private:
  [[nodiscard]] tl::expected<void, std::string> check_labels() const {
    if (!list_.labels.is_overfull()) return {};
    return tl::make_unexpected(list_.labels.overfull_error(place_.line));
  }

  void finish_line() {
    add(pending_);
    pending_.clear();
    line_bytes_ = 0;
  }

  void keep(std::string_view part) {
    pending_ += part.substr(0, kListLineBytesMax + 1 - pending_.size());
    line_bytes_ += part.size();
  }

  void add(std::string_view line) {
    if (++place_.line == 1 && line.starts_with(kByteOrderMark))
      line.remove_prefix(kByteOrderMark.size());
    if (!is_recognised_ && !is_blank_or_comment(line)) {
      is_recognised_ = !is_text_comment(line);
      if (is_recognised_) format_ = recognise_format(line);
    }
    const bool is_long = line.size() > kListLineBytesMax;
    if (is_long && (line.find('#') == std::string_view::npos ||
                    (format_ != nullptr && !is_blank_or_comment(line)))) {
      list_.add_error(place_, line, "the line is longer than any target and its label");
    } else if (format_ == nullptr) {
      list_.add_line(line, place_);
    } else if (!is_blank_or_comment(line)) {
      format_->read(line, place_, list_);
    }
  }

  TargetList& list_;
  ListPlace place_;
  std::unique_ptr<LineFormat> format_;  // null: text
  bool is_recognised_ = false;
  std::string pending_;
  std::uint64_t line_bytes_ = 0;  // of the line that pending_ begins
};

}  // namespace

tl::expected<void, std::string> read_list_lines(ListBytes& bytes, std::string_view name,
                                                TargetList& list) {
  LineAssembler lines(name, list);
  try {
    for (std::string_view chunk = bytes.next(); !chunk.empty(); chunk = bytes.next())
      if (tl::expected<void, std::string> taken = lines.take(chunk); !taken) return taken;
    // Of a list that is cut, what its last lines say is not held against it as well.
    if (!bytes.failure().empty()) return tl::make_unexpected(bytes.failure());
    return lines.finish();
  } catch (const std::bad_alloc&) {
    return tl::make_unexpected("there is no memory for what is in it from line " +
                               std::to_string(lines.line()) + " on");
  }
}

}  // namespace echoscan
