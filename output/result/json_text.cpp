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
  return ((word | below_space | zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\\')) &
          kHighBits) == 0;
}

char* write_bytes(char* out, std::string_view bytes) {
  return std::copy(bytes.begin(), bytes.end(), out);
}

char* write_ascii(char* out, char character) {
  constexpr const char* kDigits = "0123456789abcdef";
  if (character == '"' || character == '\\') {
    *out++ = '\\';
    *out++ = character;
  } else if (static_cast<unsigned char>(character) >= ' ') {
    *out++ = character;
  } else {
    out = write_bytes(out, "\\u00");
    *out++ = kDigits[character >> 4];
    *out++ = kDigits[character & 0xf];
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
    } else {
      out = write_bytes(out, text.substr(0, bytes));
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return out;
}

}  // namespace echoscan
