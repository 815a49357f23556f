#include "output/bundle/bag_info.h"

#include <fmt/format.h>

#include <algorithm>

#include "targets/utf8.h"

namespace echoscan {
namespace {

constexpr std::size_t kFoldBytesMax = 79;
constexpr std::size_t kTextBytesMax = 2000;

// Blanks around a value would be lost, and one of several at a fold.
std::string with_single_blanks(std::string_view text) {
  std::string single;
  for (const char c : text)
    if (c != ' ' || (!single.empty() && single.back() != ' ')) single += c;
  if (single.ends_with(' ')) single.pop_back();
  return single;
}

}  // namespace

void BagInfo::add(std::string_view label, std::string_view value) {
  const std::string single = with_single_blanks(value);
  std::string line = fmt::format("{}: ", label);
  for (std::string_view rest = single; !rest.empty(); line = " ") {
    const std::size_t room = kFoldBytesMax - std::min(line.size(), kFoldBytesMax);
    std::size_t end = rest.size();
    if (end > room) {
      // The last blank that fits, else the first there is: a word is never cut.
      end = rest.rfind(' ', room);
      if (end == rest.npos) end = std::min(rest.find(' '), rest.size());
    }
    text_ += line;
    text_ += rest.substr(0, end);
    text_ += '\n';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

bool is_plain_text(std::string_view text) {
  if (text.size() > kTextBytesMax) return false;
  while (!text.empty()) {
    const std::size_t bytes = utf8_bytes(text);
    if (bytes == 0 || is_control(text.substr(0, bytes))) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::optional<std::string> find_bag_info(std::string_view text, std::string_view label) {
  std::optional<std::string> value;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.starts_with(' ') || line.starts_with('\t')) {
      if (value) *value += " " + std::string(line.substr(1));
      continue;
    }
    if (value) return value;
    if (line.starts_with(label) && line.substr(label.size()).starts_with(": "))
      value = line.substr(label.size() + 2);
  }
  return value;
}

}  // namespace echoscan
