// An IPv4 address as a type: four bytes in host order, trivially copyable, ordered as numbers.
//
// Byte order is a type here: an Ipv4 is host order everywhere. Network order exists at a frame's
// edge alone, in bpf/ and in the few files that style_test names. The text form is strict: four
// decimal numbers without leading zeros. inet_aton's octal, hexadecimal and short forms are
// refused: zmap reads 010.0.0.1 as 8.0.0.1 and "10" as 0.0.0.10, and pings somebody else.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace echoscan {

struct Ipv4 {
  std::uint32_t value = 0;

  friend constexpr auto operator<=>(const Ipv4&, const Ipv4&) = default;
};

// The longest text form: "255.255.255.255".
inline constexpr std::size_t kIpv4TextBytesMax = 15;

// Reads a dotted quad; nullopt unless the whole of `text` is one.
constexpr std::optional<Ipv4> parse_ipv4(std::string_view text) {
  std::uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (text.empty() || text.front() != '.') return std::nullopt;
      text.remove_prefix(1);
    }
    std::uint32_t byte = 0;
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
      byte = byte * 10 + static_cast<std::uint32_t>(text[digits] - '0');
      if (++digits > 3) return std::nullopt;
    }
    if (digits == 0 || byte > 255 || (digits > 1 && text.front() == '0')) return std::nullopt;
    text.remove_prefix(digits);
    value = value << 8 | byte;
  }
  if (!text.empty()) return std::nullopt;
  return Ipv4{value};
}

// Room that write_ipv4 needs: the longest text form, and a byte that is written and means nothing.
inline constexpr std::size_t kIpv4WriteBytes = kIpv4TextBytesMax + 1;

// The text of each byte, with a dot behind it. A line has two addresses; forming their bytes by
// division was 10 of its 52 ns.
struct ByteText {
  char text[4];
};
inline constexpr auto kByteTexts = [] {
  std::array<ByteText, 256> texts{};
  for (unsigned byte = 0; byte < texts.size(); ++byte) {
    char* out = texts[byte].text;
    if (byte >= 100) *out++ = static_cast<char>('0' + byte / 100);
    if (byte >= 10) *out++ = static_cast<char>('0' + byte / 10 % 10);
    *out++ = static_cast<char>('0' + byte % 10);
    *out = '.';
  }
  return texts;
}();

// Writes the dotted quad at `out`, which has room for kIpv4WriteBytes bytes; returns one past its
// end.
inline char* write_ipv4(char* out, Ipv4 address) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    const unsigned byte = address.value >> shift & 0xff;
    std::memcpy(out, kByteTexts[byte].text, 4);
    out += 2 + (byte >= 10) + (byte >= 100);
  }
  return out - 1;
}

inline std::string to_string(Ipv4 address) {
  char text[kIpv4WriteBytes];
  return std::string(text, write_ipv4(text, address));
}

}  // namespace echoscan
