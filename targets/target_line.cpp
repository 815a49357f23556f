#include "targets/target_line.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "targets/ipv6_prefix.h"
#include "targets/octet_pattern.h"

namespace echoscan {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kSeparators = " \t\r\n\v\f,";
constexpr const char* kTargetInComment =
    "in a comment stands what may be a target; begin the comment with '#', or write a target a "
    "line";
constexpr std::size_t kLineRangesMax = 65'536;  // of one with patterns: its memory is bounded
constexpr std::string_view kJoints = "-/";  // of a range and a block; blanks may stand around them

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("._/:*-").find(c) != std::string_view::npos;
}

bool consists_of(std::string_view text, std::string_view chars) {
  return !text.empty() && text.find_first_not_of(chars) == std::string_view::npos;
}

tl::unexpected<LineFault> fault(std::string_view text, std::string what) {
  return tl::make_unexpected(LineFault{text, std::move(what)});
}

// Where the target that begins a text ends: at a separator that is not a blank around a joint.
std::size_t target_end(std::string_view text) {
  std::size_t end = text.find_first_of(kSeparators);
  while (end != std::string_view::npos && text[end] != ',') {
    const std::size_t next = text.find_first_not_of(kBlanks, end);
    if (next == std::string_view::npos) return end;
    const bool is_joined = kJoints.find(text[end - 1]) != std::string_view::npos ||
                           kJoints.find(text[next]) != std::string_view::npos;
    if (!is_joined) return end;
    end = text.find_first_of(kSeparators, next);
  }
  return std::min(end, text.size());
}

// How many bytes at the front are four numbers with dots between them, of whatever size.
std::size_t quad_bytes(std::string_view word) {
  std::size_t place = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (place == word.size() || word[place++] != '.')) return 0;
    const std::size_t begin = place;
    while (place < word.size() && is_digit(word[place])) ++place;
    if (place == begin) return 0;
  }
  return place;
}

// Eight groups, or fewer around `::`. A MAC address has six and `12:30:00` three.
bool is_ipv6(std::string_view word) {
  const std::string_view address = word.substr(0, word.find('/'));
  return consists_of(address, "0123456789abcdefABCDEF:.") &&
         address.find_first_of(kDigits) != std::string_view::npos &&
         (address.find("::") != std::string_view::npos ||
          std::count(address.begin(), address.end(), ':') == 7);
}

// The first word of a text that is what is looked for; empty when none is.
template <typename IsSought>
std::string_view word_in(std::string_view text, const IsSought& is_sought) {
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && is_word_char(text[end])) ++end;
    const std::string_view word = text.substr(begin, end - begin);
    if (is_sought(word)) return word;
    begin = end + 1;
  }
  return {};
}

// The first part of a label that is written as a target; empty when none is.
std::string_view target_in(std::string_view label) {
  return word_in(label, is_written_as_target);
}

// The prefix length of a netmask; nullopt for what is none.
std::optional<unsigned> mask_length(Ipv4 mask) {
  const auto length = static_cast<unsigned>(std::countl_one(mask.value));
  return static_cast<unsigned>(std::countr_zero(mask.value)) + length >= 32 ? std::optional(length)
                                                                            : std::nullopt;
}

// Reads the second address of a line that begins with a bare one where it is a mask: joins the two
// into a block, or refuses what may be a mask and something else. False when it is no mask.
tl::expected<bool, std::string> join_mask(AddressRange& network, Ipv4 second) {
  constexpr unsigned kCertainLength = 8;  // 255.0.0.0 and more are no hosts
  const std::optional<unsigned> length = mask_length(second);
  if (length && *length >= kCertainLength) {
    const tl::expected<AddressRange, std::string> block =
        parse_range(to_string(network.first) + "/" + std::to_string(*length));
    if (!block) return tl::make_unexpected(block.error());
    network = *block;
    return true;
  }
  const bool is_wildcard = (second.value & (second.value + 1)) == 0 && second.value >> 24 == 0;
  if (length || is_wildcard)
    return tl::make_unexpected(to_string(second) +
                               " may be a mask or a target; write the network with its length, as "
                               "in 192.0.2.0/24");
  return false;
}

// A range is written with '-', whatever a text program makes of it.
bool begins_with_other_dash(std::string_view text) {
  constexpr std::array<std::string_view, 7> kDashes{"\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x92",
                                                    "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x80\x95",
                                                    "\xe2\x88\x92"};
  return std::any_of(kDashes.begin(), kDashes.end(),
                     [text](std::string_view dash) { return text.starts_with(dash); });
}

// Of a text that does not begin with blanks. Nearly every line begins with a digit.
bool begins_comment(std::string_view text) {
  const char mark = text.front();
  return mark == ';' || ((mark == '/' || mark == '-') && text.size() > 1 && text[1] == mark);
}

// Reads the targets of a line one after the other.
class LineReader {
 public:
  // `text` is neither empty nor a comment.
  LineReader(std::string_view text, std::vector<AddressRange>& ranges)
      : text_(text), rest_(text), ranges_(ranges) {}

  tl::expected<std::string_view, LineFault> read() {
    tl::expected<void, LineFault> taken = take(target_end(rest_));
    while (taken) {
      const std::size_t begin = std::min(rest_.find_first_not_of(kSeparators), rest_.size());
      has_comma_ = rest_.substr(0, begin).find(',') != std::string_view::npos;
      rest_.remove_prefix(begin);
      const std::string_view token = rest_.substr(0, target_end(rest_));
      if (rest_.empty() || rest_.front() == ';') return read_comment();
      if (!is_target(token)) return read_label();
      taken = take(token.size());
    }
    return tl::make_unexpected(taken.error());
  }

 private:
  // What stands directly behind a target is one too when it has nothing but a target's characters,
  // however wrong it is.
  static bool is_target(std::string_view token) {
    return is_written_as_target(token.substr(0, token.find_first_of(kBlanks))) ||
           (token.find('/') != std::string_view::npos && consists_of(token, "0123456789./"));
  }

  [[nodiscard]] bool is_one_address() const { return ranges_.size() == 1 && bare_count_ == 1; }

  // Takes the target of that many bytes from the front.
  tl::expected<void, LineFault> take(std::size_t bytes) {
    const std::string_view token = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    const tl::expected<AddressRange, std::string> range = parse_range(token);
    if (!range && is_octet_pattern(token)) return take_pattern(token);
    if (!range) return fault(token, range.error());
    if (has_mask_)
      return fault(token, "it stands behind a network and its mask; write a target a line");
    const bool is_bare = parse_ipv4(token).has_value();
    if (is_bare && is_one_address()) {
      const tl::expected<bool, std::string> is_mask = join_mask(ranges_.back(), range->first);
      if (!is_mask) return fault(text_, is_mask.error());
      has_mask_ = *is_mask;
      if (has_mask_) return {};
    }
    if (is_bare) ++bare_count_;
    is_comma_list_ = has_comma_;
    ranges_.push_back(*range);
    return {};
  }

  tl::expected<void, LineFault> take_pattern(std::string_view token) {
    const tl::expected<void, std::string> read = read_octet_pattern(token, ranges_);
    if (!read) return fault(token, read.error());
    if (ranges_.size() > kLineRangesMax)
      return fault(token, "the patterns of the line make more than " +
                              std::to_string(kLineRangesMax) + " ranges; write fewer a line");
    if (has_mask_)
      return fault(token, "it stands behind a network and its mask; write a target a line");
    is_comma_list_ = has_comma_;
    return {};
  }

  // Two addresses alone may be the ends of a range, as in tables of first and last address. With a
  // comma between them they are a list, unless the line goes on to say something about them.
  [[nodiscard]] tl::expected<std::string_view, LineFault> end_with(std::string_view label) const {
    if (ranges_.size() != 2 || bare_count_ != 2 || (is_comma_list_ && label.empty())) return label;
    const Ipv4 first = ranges_[0].first;
    const Ipv4 last = ranges_[1].first;
    if (last.value <= std::uint64_t{first.value} + 1) return label;
    return fault(text_, "two addresses may be two targets or the ends of a range; write " +
                            to_string(first) + "-" + to_string(last) +
                            " for the range, or a target a line");
  }

  [[nodiscard]] tl::expected<std::string_view, LineFault> read_comment() const {
    if (!target_in(rest_).empty()) return fault(rest_, kTargetInComment);
    return end_with("");
  }

  [[nodiscard]] tl::expected<std::string_view, LineFault> read_label() const {
    const std::string_view label = rest_.substr(0, rest_.find_last_not_of(kSeparators) + 1);
    const std::string_view word = label.substr(0, label.find_first_of(kSeparators));
    const bool is_length =
        consists_of(word, kDigits) && (word.size() == 1 || (word.size() == 2 && word <= "32"));
    if (is_length && is_one_address() && !has_mask_)
      return fault(text_, "the number may be a prefix length or a label; write " +
                              to_string(ranges_[0].first) + "/" + std::string(word) +
                              ", or a label that does not begin with a number up to 32");
    if (begins_with_other_dash(label)) return fault(text_, "a range is written with '-'");
    const std::string_view target = target_in(label);
    if (!target.empty())
      return fault(target,
                   "a label cannot hold what is written as a target; write a target a line");
    return end_with(label);
  }

  std::string_view text_;
  std::string_view rest_;  // of it, still to be read
  std::vector<AddressRange>& ranges_;
  std::size_t bare_count_ = 0;  // of the ranges, how many are one address and nothing else
  bool has_comma_ = false;      // in front of what is read now
  bool is_comma_list_ = false;  // in front of the last target
  bool has_mask_ = false;
};

}  // namespace

bool is_text_comment(std::string_view line) {
  const std::string_view text = trimmed(line);
  return !text.empty() && begins_comment(text);
}

bool is_written_as_target(std::string_view word) {
  while (!word.empty() && (word.back() == '.' || word.back() == ':')) word.remove_suffix(1);
  if (word.starts_with('/') && consists_of(word.substr(1), "0123456789.")) return true;
  while (!word.empty() && !is_digit(word.front()) &&
         std::string_view("./:-").find(word.front()) != std::string_view::npos && !is_ipv6(word))
    word.remove_prefix(1);
  if (is_ipv6(word)) return true;
  if (word.starts_with("0x") || word.starts_with("0X"))
    return consists_of(word.substr(2), "0123456789abcdefABCDEF");
  // 198.51.100.*, 198.51.0-9.1, 198.51.100-101.1-50
  if (consists_of(word, "0123456789.*-") && std::count(word.begin(), word.end(), '.') == 3 &&
      is_digit(word.front()) && word.find("..") == std::string_view::npos)
    return true;
  // 10.1/16
  if (consists_of(word, "0123456789./") && word.find('/') != std::string_view::npos &&
      word.find('.') != std::string_view::npos)
    return true;
  const std::size_t quad = quad_bytes(word);
  if (quad == 0) return false;
  const std::string_view behind = word.substr(quad);
  if (behind.empty() || behind.starts_with("..")) return true;
  if (std::string_view("/:-").find(behind.front()) == std::string_view::npos) return false;
  return behind.size() == 1 || is_digit(behind[1]);
}

tl::expected<std::string_view, LineFault> read_target_line(std::string_view line,
                                                           std::vector<AddressRange>& ranges) {
  ranges.clear();
  const std::string_view text = trimmed(line.substr(0, line.find('#')));
  if (text.empty()) return std::string_view();
  if (begins_comment(text)) {
    if (!target_in(text).empty()) return fault(text, kTargetInComment);
    return std::string_view();
  }
  return LineReader(text, ranges).read();
}

std::string_view ipv4_target_in(std::string_view text) {
  return word_in(text, [](std::string_view word) {
    return is_written_as_target(word) && !is_ipv6_target(word);
  });
}

bool is_ipv6_line(std::string_view line) {
  std::string_view rest = trimmed(line.substr(0, line.find('#')));
  bool has_ipv6 = false;
  while (!rest.empty()) {
    const std::string_view token = rest.substr(0, target_end(rest));
    if (!is_ipv6_target(token)) break;
    has_ipv6 = true;
    rest.remove_prefix(token.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(kSeparators), rest.size()));
  }
  return has_ipv6 && target_in(rest).empty();
}

}  // namespace echoscan
