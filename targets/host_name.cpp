#include "targets/host_name.h"

#include <algorithm>

#include "targets/prefix.h"
#include "targets/target_line.h"

namespace echoscan {
namespace {

constexpr std::size_t kNameBytesMax = 253;
constexpr std::string_view kNumerals = "0123456789";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_of_name(char c) {
  return is_letter(c) || kNumerals.find(c) != std::string_view::npos || c == '-' || c == '.' ||
         c == '_';
}

// Whether a label holds more than a label: a target, which is never left out silently, or a further
// name.
bool hides_target(std::string_view label) {
  for (std::string_view rest = label; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t\r\n\v\f,;"));
    const bool is_dotted = word.find('.') != std::string_view::npos;
    if (is_written_as_target(word) || (is_dotted && is_host_name(word))) return true;
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return false;
}

}  // namespace

bool ends_in_number(std::string_view text) {
  while (text.ends_with('.')) text.remove_suffix(1);
  const std::string_view last = text.substr(text.rfind('.') + 1);
  return last.find_first_not_of(kNumerals) == std::string_view::npos || last.starts_with("0x") ||
         last.starts_with("0X");
}

bool is_host_name(std::string_view text) {
  return text.size() <= kNameBytesMax && !text.starts_with('-') && !text.starts_with('.') &&
         std::any_of(text.begin(), text.end(), is_letter) &&
         std::all_of(text.begin(), text.end(), is_of_name) && !ends_in_number(text);
}

std::optional<HostLine> read_host_line(std::string_view line) {
  const std::string_view text = trimmed(line.substr(0, line.find('#')));
  const std::string_view name = text.substr(0, text.find_first_of(kBlanks));
  const std::string_view label = trimmed(text.substr(name.size()));
  if (!is_host_name(name) || hides_target(label)) return std::nullopt;
  return HostLine{name, label};
}

}  // namespace echoscan
