// UTF-8: which bytes of a text are one character.
//
// Labels of lists are refused when they are not UTF-8, texts of geo databases are cut between
// characters, and JSON gets U+FFFD for a byte that begins none. All three ask the one function
// here, so that they agree on what a character is, and what reaches a terminal asks whether it is
// printed there or obeyed. Rejected: simdjson::validate_utf8, which says only whether a whole text
// is valid, and the latter two need more.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace echoscan {

// Some editors put it in front of a text; it is no part of the text.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Bytes, 1 to 4, of the character that `text` begins with, by RFC 3629, which knows neither
// overlong forms nor surrogates; 0 when it begins with none, or is empty.
constexpr std::size_t utf8_bytes(std::string_view text) {
  // The second byte's range depends on the first (RFC 3629, section 4); later ones are 80 to bf.
  struct Form {
    unsigned char lead_first, lead_last, second_first, second_last;
    std::size_t bytes;
  };
  constexpr std::array<Form, 8> kForms{{{0xc2, 0xdf, 0x80, 0xbf, 2},
                                        {0xe0, 0xe0, 0xa0, 0xbf, 3},
                                        {0xe1, 0xec, 0x80, 0xbf, 3},
                                        {0xed, 0xed, 0x80, 0x9f, 3},
                                        {0xee, 0xef, 0x80, 0xbf, 3},
                                        {0xf0, 0xf0, 0x90, 0xbf, 4},
                                        {0xf1, 0xf3, 0x80, 0xbf, 4},
                                        {0xf4, 0xf4, 0x80, 0x8f, 4}}};
  if (text.empty()) return 0;
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (at(0) < 0x80) return 1;
  for (const Form& form : kForms) {
    if (at(0) < form.lead_first || at(0) > form.lead_last) continue;
    if (text.size() < form.bytes || at(1) < form.second_first || at(1) > form.second_last) return 0;
    for (std::size_t i = 2; i < form.bytes; ++i)
      if ((at(i) & 0xc0) != 0x80) return 0;
    return form.bytes;
  }
  return 0;
}

// Whether a character, given whole, is obeyed and not printed: by a terminal (C0, DEL, C1), by line
// readers (U+2028, U+2029), or by what sets the text around it (directions, joiners, marks).
constexpr bool is_control(std::string_view character) {
  const auto byte = [character](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(character[i]));
  };
  if (character.size() == 1) return byte(0) < ' ' || byte(0) == 0x7f;
  if (character.size() == 2) {
    const unsigned point = (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
    return point < 0xa0 || point == 0xad || point == 0x61c;
  }
  if (character.size() == 3) {
    const unsigned point = (byte(0) & 0xf) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    return (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
           (point >= 0xfff9 && point <= 0xfffb);
  }
  // U+E0000 to U+E0FFF: tags, which nothing prints.
  return character.size() == 4 && byte(0) == 0xf3 && byte(1) == 0xa0;
}

// A text of others made fit for a terminal: what is_control() names, and bytes that are no
// character, become escapes like `\x1b`. Line ends stay where `keeps_lines` says that they are
// ours.
inline std::string printable_text(std::string_view text, bool keeps_lines = false) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string printable;
  printable.reserve(text.size());
  while (!text.empty()) {
    const std::size_t bytes = std::max<std::size_t>(utf8_bytes(text), 1);
    const std::string_view character = text.substr(0, bytes);
    if (utf8_bytes(text) != 0 && (!is_control(character) || (keeps_lines && text[0] == '\n'))) {
      printable += character;
    } else {
      for (const char byte : character) {
        const auto value = static_cast<unsigned char>(byte);
        printable += {'\\', 'x', kDigits[value >> 4], kDigits[value & 0xf]};
      }
    }
    text.remove_prefix(bytes);
  }
  return printable;
}

// The beginning of `text` of at most `bytes_max` bytes, cut between characters; bytes that are no
// character count as one each.
constexpr std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) {
  std::size_t kept = 0;
  while (kept < text.size()) {
    const std::size_t bytes = std::max<std::size_t>(utf8_bytes(text.substr(kept)), 1);
    if (kept + bytes > bytes_max) break;
    kept += bytes;
  }
  return text.substr(0, kept);
}

}  // namespace echoscan
