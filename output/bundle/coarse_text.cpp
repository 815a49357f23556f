#include "output/bundle/coarse_text.h"

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

}  // namespace

bool has_address(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at)
    if (address_at(text.substr(at)).bytes > 0) return true;
  return false;
}

std::string coarse_text(std::string_view text) {
  std::string coarse;
  coarse.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Address address = address_at(text.substr(at));
    if (address.bytes == 0) {
      coarse += text[at++];
      continue;
    }
    if (address.is_large) {
      coarse += "[a network]";
    } else {
      coarse += text.substr(at, address.network_bytes);
      coarse += "0/24";
    }
    at += address.bytes;
  }
  return coarse;
}

}  // namespace echoscan
