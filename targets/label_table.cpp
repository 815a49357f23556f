#include "targets/label_table.h"

namespace echoscan {
namespace {

constexpr char32_t kNotUtf8 = 0xffffffff;

struct Sequence {
  std::size_t bytes;
  char32_t lead_bits;  // of the first byte
  char32_t smallest;   // what a shorter sequence could have said is not UTF-8
};

Sequence sequence_of(unsigned char lead) {
  if (lead < 0x80) return {1, lead, 0};
  if (lead >= 0xc0 && lead < 0xe0) return {2, lead & 0x1fU, 0x80};
  if (lead >= 0xe0 && lead < 0xf0) return {3, lead & 0x0fU, 0x800};
  if (lead >= 0xf0 && lead < 0xf8) return {4, lead & 0x07U, 0x10000};
  return {0, 0, 0};
}

// Takes the first code point off a text that is not empty; kNotUtf8 when there is none.
char32_t take_code_point(std::string_view& text) {
  const Sequence sequence = sequence_of(static_cast<unsigned char>(text.front()));
  if (sequence.bytes == 0 || text.size() < sequence.bytes) return kNotUtf8;
  char32_t code = sequence.lead_bits;
  for (std::size_t i = 1; i < sequence.bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80) return kNotUtf8;
    code = code << 6 | (byte & 0x3fU);
  }
  text.remove_prefix(sequence.bytes);
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < sequence.smallest || code > 0x10ffff || is_surrogate ? kNotUtf8 : code;
}

}  // namespace

std::string label_error(std::string_view text) {
  if (text.size() > kTargetLabelBytesMax)
    return "the label has " + std::to_string(text.size()) + " bytes; at most " +
           std::to_string(kTargetLabelBytesMax) + " are allowed";
  while (!text.empty()) {
    const char32_t code = take_code_point(text);
    if (code == kNotUtf8) return "the label is not UTF-8";
    if (code < ' ' || (code >= 0x7f && code < 0xa0)) return "the label has a control character";
  }
  return {};
}

}  // namespace echoscan
