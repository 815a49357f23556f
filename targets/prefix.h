// Prefixes and ranges: text in, an address range out, or a clause about what is wrong.
//
// A target is an address, a CIDR block, `first-last`, or `192.0.2.1-50`, which ends at 192.0.2.50.
// Nothing is guessed: host bits in a CIDR are an error that names the network that may have been
// meant, since masking them silently (as zmap does) pings what nobody listed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "targets/address.h"

namespace echoscan {

// Both ends included; first <= last.
struct AddressRange {
  Ipv4 first;
  Ipv4 last;

  // At least 1, at most 2^32.
  [[nodiscard]] constexpr std::uint64_t size() const {
    return std::uint64_t{last.value} - first.value + 1;
  }
  friend constexpr auto operator<=>(const AddressRange&, const AddressRange&) = default;
};

// Reads one target, the whole of `text`. The error says what is wrong with it, without the text
// itself and without a full stop: "host bits are set; the network is 1.2.3.0/24".
tl::expected<AddressRange, std::string> parse_range(std::string_view text);

// An address or a CIDR block where the range is one, else first-last.
std::string to_string(const AddressRange& range);

// The beginning of a text, made fit for a terminal, since a file given as a list may be a picture:
// UTF-8 as it is, escapes like `\x1b` for all that a terminal obeys and for bytes that are none.
std::string excerpt(std::string_view text, std::size_t bytes_max = 60);

// White space in lists: ASCII's.
inline constexpr std::string_view kBlanks = " \t\r\n\v\f";

// The text without the blanks at its ends.
std::string_view trimmed(std::string_view text);

}  // namespace echoscan
