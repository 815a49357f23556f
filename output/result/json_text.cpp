#include "output/result/json_text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "targets/utf8.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighBits = 0x8080808080808080;

// The high bit of each byte of `word` that is zero. Only the lowest such byte is certain; those
// above it may be wrong.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - kOnes) & ~word & kHighBits;
}

// Whether all 8 bytes can be copied as they are: ASCII from the space on, no quote, no backslash.
constexpr bool is_plain(std::uint64_t word) {
  const std::uint64_t below_space = (word - kOnes * 0x20) & ~word;
  return ((word | below_space | zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\\') |
           zero_bytes(word ^ kOnes * 0x7f)) &
          kHighBits) == 0;
}

char* write_bytes(char* out, std::string_view bytes) {
  return std::copy(bytes.begin(), bytes.end(), out);
}

constexpr const char* kDigits = "0123456789abcdef";

char* write_escape(char* out, unsigned unit) {
  out = write_bytes(out, "\\u");
  for (int shift = 12; shift >= 0; shift -= 4) *out++ = kDigits[unit >> shift & 0xf];
  return out;
}

// A character that terminals and readers of lines obey, as its escape: of two units, where it is
// beyond U+FFFF.
char* write_control(char* out, std::string_view character) {
  unsigned point = static_cast<unsigned char>(character[0]) & (0xffU >> (character.size() + 1));
  for (const char byte : character.substr(1))
    point = point << 6 | (static_cast<unsigned char>(byte) & 0x3f);
  if (point <= 0xffff) return write_escape(out, point);
  point -= 0x10000;
  return write_escape(write_escape(out, 0xd800 | point >> 10), 0xdc00 | (point & 0x3ff));
}

char* write_ascii(char* out, char character) {
  if (character == '"' || character == '\\') {
    *out++ = '\\';
    *out++ = character;
  } else if (character >= ' ' && character <= '~') {
    *out++ = character;
  } else {
    out = write_escape(out, static_cast<unsigned char>(character));
  }
  return out;
}

}  // namespace

char* write_json_text(char* out, std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= 8) {
      std::uint64_t word;
      std::memcpy(&word, text.data(), 8);
      if (is_plain(word)) {
        std::memcpy(out, &word, 8);
        out += 8;
        text.remove_prefix(8);
        continue;
      }
    }
    const std::size_t bytes = utf8_bytes(text);
    if (bytes == 1) {
      out = write_ascii(out, text.front());
    } else if (bytes == 0) {
      out = write_bytes(out, "\xef\xbf\xbd");
    } else if (is_control(text.substr(0, bytes))) {
      out = write_control(out, text.substr(0, bytes));
    } else {
      out = write_bytes(out, text.substr(0, bytes));
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return out;
}

}  // namespace echoscan
