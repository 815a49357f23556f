#include "output/bundle/coarse_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace echoscan {
namespace {

constexpr unsigned kPrefixBits = 24;
constexpr std::size_t kDigitsMax = 3;

std::size_t digits_of(std::string_view text, std::size_t most) {
  std::size_t count = 0;
  while (count < text.size() && count < most && text[count] >= '0' && text[count] <= '9') ++count;
  return count;
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// How many bytes of the text, which begin no word in its middle, are an IPv6 address; 0: none.
std::size_t ipv6_bytes(std::string_view text) {
  constexpr std::size_t kLongest = 39;
  std::size_t end = 0;
  while (end < text.size() && end <= kLongest && (is_word(text[end]) || text[end] == ':')) ++end;
  // "fe80::1:" ends a clause, and "::" alone is no host's.
  while (end > 0 && text[end - 1] == ':') --end;
  const std::string candidate(text.substr(0, end));
  in6_addr parsed{};
  return std::ranges::count(candidate, ':') >= 2 &&
                 inet_pton(AF_INET6, candidate.c_str(), &parsed) == 1
             ? end
             : 0;
}

// What looks like an address at the beginning of a text.
struct Address {
  std::size_t network_bytes = 0;  // of the first three numbers with their points; 0: none is there
  std::size_t bytes = 0;          // with all that belongs to it
  bool is_large = false;          // a network of more than a /24
};

Address address_at(std::string_view text) {
  Address address;
  std::size_t at = 0;
  for (int number = 0; number < 4; ++number) {
    if (number > 0 && (at >= text.size() || text[at++] != '.')) return {};
    if (number == 3) address.network_bytes = at;
    const std::size_t digits = digits_of(text.substr(at), kDigitsMax);
    if (digits == 0) return {};
    at += digits;
  }
  // More of the same kind belongs to it, as in 1.2.3.4.5.
  while (at < text.size() && (digits_of(text.substr(at), 1) > 0 ||
                              (text[at] == '.' && digits_of(text.substr(at + 1), 1) > 0)))
    ++at;
  if (at < text.size() && text[at] == '/') {
    if (const std::size_t digits = digits_of(text.substr(at + 1), text.size()); digits > 0) {
      unsigned bits = 0;
      const char* const begin = text.data() + at + 1;
      const auto [end, error] = std::from_chars(begin, begin + digits, bits);
      address.is_large = error == std::errc() && bits < kPrefixBits;
      at += 1 + digits;
    }
  }
  address.bytes = at;
  return address;
}

// Calls `use_byte` with each byte that is of no address, and `use_address` with what is put in
// place of each address.
template <typename UseByte, typename UseAddress>
void walk(std::string_view text, const UseByte& use_byte, const UseAddress& use_address) {
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const bool begins_word = at == 0 || !is_word(text[at - 1]);
    if (const Address address = address_at(rest); address.bytes > 0) {
      use_address(address.is_large ? "[a network]"
                                   : std::string(rest.substr(0, address.network_bytes)) + "0/24");
      at += address.bytes;
    } else if (const std::size_t bytes = begins_word ? ipv6_bytes(rest) : 0; bytes > 0) {
      use_address("[IPv6]");
      at += bytes;
    } else {
      use_byte(text[at++]);
    }
  }
}

}  // namespace

bool has_address(std::string_view text) {
  bool has_any = false;
  walk(
      text, [](char) {}, [&has_any](const std::string&) { has_any = true; });
  return has_any;
}

std::string coarse_text(std::string_view text) {
  std::string coarse;
  coarse.reserve(text.size());
  walk(
      text, [&coarse](char c) { coarse += c; },
      [&coarse](const std::string& in_place) { coarse += in_place; });
  return coarse;
}

}  // namespace echoscan
