#include "targets/ipv6_prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "targets/prefix.h"

namespace echoscan {
namespace {

using Ipv6Bytes = std::array<std::uint8_t, 16>;

constexpr std::size_t kIpv4Begin = 12;

std::optional<Ipv6Bytes> parse_ipv6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  Ipv6Bytes bytes{};
  if (text.size() >= terminated.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  return inet_pton(AF_INET6, terminated.data(), bytes.data()) == 1 ? std::optional(bytes)
                                                                   : std::nullopt;
}

bool is_ipv6_length(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos &&
         (text.size() < 3 || (text.size() == 3 && text <= "128"));
}

}  // namespace

std::optional<Ipv4> embedded_ipv4(std::string_view text) {
  const std::string_view written = text.substr(0, text.find('/'));
  const std::optional<Ipv6Bytes> bytes = parse_ipv6(written);
  if (!bytes) return std::nullopt;
  const bool is_mapped = std::all_of(bytes->begin(), bytes->begin() + 10,
                                     [](std::uint8_t byte) { return byte == 0; }) &&
                         (*bytes)[10] == 0xff && (*bytes)[11] == 0xff;
  if (!is_mapped && written.find('.') == std::string_view::npos) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = kIpv4Begin; i < bytes->size(); ++i) value = value << 8 | (*bytes)[i];
  return Ipv4{value};
}

bool is_ipv6_target(std::string_view text) {
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    const auto is_end = [](std::string_view end) {
      return end.find_first_of("/-") == std::string_view::npos && is_ipv6_target(end);
    };
    return is_end(trimmed(text.substr(0, dash))) && is_end(trimmed(text.substr(dash + 1)));
  }
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos && !is_ipv6_length(text.substr(slash + 1))) return false;
  return parse_ipv6(text.substr(0, slash)).has_value() && !embedded_ipv4(text);
}

}  // namespace echoscan
