#include "scanner/network/echo_reply_count.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

namespace echoscan {
namespace {

// The file is about 1.5 KB, of which the line of ICMP is the second pair.
constexpr std::size_t kBytesMax = 16'384;
constexpr std::string_view kIcmpTitle = "Icmp:";

std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

// Two lines of one protocol follow each other: names, and the value of each.
std::optional<std::uint64_t> find_value(std::string_view text, std::string_view wanted) {
  while (!text.empty() && !text.starts_with(kIcmpTitle)) take_until(text, '\n');
  std::string_view names = take_until(text, '\n');
  std::string_view values = take_until(text, '\n');
  while (!names.empty() && !values.empty()) {
    const std::string_view name = take_until(names, ' ');
    const std::string_view value = take_until(values, ' ');
    if (name != wanted) continue;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.begin(), value.end(), number);
    return error == std::errc() && end == value.end() ? std::optional(number) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

EchoReplyCount::EchoReplyCount() : file_(open("/proc/net/snmp", O_RDONLY | O_CLOEXEC)) {}

std::optional<std::uint64_t> EchoReplyCount::read() const noexcept {
  std::array<char, kBytesMax> text;
  const ssize_t bytes = file_ ? pread(file_.get(), text.data(), text.size(), 0) : -1;
  if (bytes <= 0) return std::nullopt;
  return find_value({text.data(), static_cast<std::size_t>(bytes)}, "InEchoReps");
}

}  // namespace echoscan
