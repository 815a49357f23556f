// What a character is, against the encoding done here and against simdjson's validator.
#include "targets/utf8.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "targets/label_table.h"

namespace echoscan::utf8_test {
namespace {

std::string encoded(char32_t code) {
  const auto tail = [code](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

bool is_surrogate(char32_t code) {
  return code >= 0xd800 && code <= 0xdfff;
}

TEST(Utf8, EveryCodePointIsItsBytes) {
  for (char32_t code = 0; code <= 0x1fffff; ++code) {
    const std::string bytes = encoded(code);
    const bool is_character = code <= 0x10ffff && !is_surrogate(code);
    ASSERT_EQ(utf8_bytes(bytes + "x"), is_character ? bytes.size() : 0) << std::uint32_t{code};
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
      ASSERT_EQ(utf8_bytes(bytes.substr(0, cut)), 0U) << std::uint32_t{code};
  }
}

// All pairs of bytes, with the edges of what may follow them.
TEST(Utf8, AgreesWithSimdjson) {
  const std::string edges = "\x01\x7f\x80\xbf\xc0\xff";
  for (unsigned pair = 0; pair < 0x10000; ++pair) {
    for (const char third : edges) {
      for (const char fourth : {edges[1], edges[2], edges[3], edges[4]}) {
        const char text[] = {static_cast<char>(pair >> 8), static_cast<char>(pair), third, fourth};
        std::size_t bytes = 1;
        while (bytes <= 4 && !simdjson::validate_utf8(text, bytes)) ++bytes;
        ASSERT_EQ(utf8_bytes({text, 4}), bytes <= 4 ? bytes : 0) << std::hex << pair;
      }
    }
  }
}

TEST(Utf8, PrefixesEndBetweenCharacters) {
  // One character of each length, and two bytes that are none.
  const std::string text =
      encoded('a') + encoded(0xe9) + encoded(0x20ac) + encoded(0x1f600) + "\xff\x80" + encoded('z');
  const std::size_t ends[] = {0, 1, 3, 6, 10, 11, 12, 13};
  for (std::size_t max = 0; max < 20; ++max) {
    std::size_t expected = 0;
    for (const std::size_t end : ends)
      if (end <= max) expected = end;
    EXPECT_EQ(utf8_prefix(text, max), text.substr(0, expected)) << max;
  }
}

// What Unicode calls controls, format characters and separators of lines and paragraphs (Cc, Cf,
// Zl, Zp), but for those of some scripts that are printed (U+0600 to U+0605 and the like).
bool is_obeyed(char32_t code) {
  const std::vector<std::pair<char32_t, char32_t>> ranges = {
      {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f},
      {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};
  for (const auto& [first, last] : ranges)
    if (first <= code && code <= last) return true;
  return false;
}

TEST(Utf8, WhatATerminalObeysBecomesAnEscape) {
  for (char32_t code = 0; code <= 0x10ffff; ++code) {
    if (is_surrogate(code)) continue;
    const std::string text = encoded(code);
    ASSERT_EQ(is_control(text), is_obeyed(code)) << std::uint32_t{code};
    const std::string printable = printable_text("x" + text);
    ASSERT_EQ(printable != "x" + text, is_obeyed(code)) << std::uint32_t{code};
    if (is_obeyed(code)) {
      ASSERT_TRUE(printable.starts_with("x\\x")) << printable;
    }
  }
  EXPECT_EQ(printable_text("a\nb\xff\x1b"), "a\\x0ab\\xff\\x1b");
  EXPECT_EQ(printable_text("a\nb\r", true), "a\nb\\x0d");
}

TEST(Label, EveryCodePointIsPrintableOrRefused) {
  for (char32_t code = 0; code <= 0x10ffff; ++code) {
    std::string expected;
    if (is_surrogate(code)) expected = "the label is not UTF-8";
    if (is_obeyed(code)) expected = "the label has a control character";
    const tl::expected<void, std::string> label = check_label("x" + encoded(code) + "y");
    ASSERT_EQ(label ? "" : label.error(), expected) << std::uint32_t{code};
  }
}

}  // namespace
}  // namespace echoscan::utf8_test
