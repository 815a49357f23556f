#include "output/result/csv_line.h"

#include <algorithm>

#include "output/result/result_field.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

// As nearly always.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '"'; });
}

// Needs room for 2 bytes a byte of text, and 2 more. What a terminal or a reader of lines would
// obey becomes a question mark.
char* write_csv_text(char* out, std::string_view text) {
  if (is_plain(text)) return write_word(out, text);
  const bool is_quoted = text.find_first_of(",\"\r\n") != std::string_view::npos;
  if (is_quoted) *out++ = '"';
  while (!text.empty()) {
    const std::string_view character = text.substr(0, std::max<std::size_t>(utf8_bytes(text), 1));
    text.remove_prefix(character.size());
    if (character == "\"") *out++ = '"';
    out = is_control(character) ? write_word(out, "?") : write_word(out, character);
  }
  if (is_quoted) *out++ = '"';
  return out;
}

}  // namespace

std::string csv_header(std::span<const ResultField* const> fields) {
  std::string header;
  for (const ResultField* field : fields) {
    if (!header.empty()) header += ',';
    header += field->name;
  }
  return header + "\n";
}

char* write_csv_line(char* out, const Result& result, std::span<const ResultField* const> fields) {
  for (const ResultField* field : fields) {
    if (field->kind == ResultField::Kind::text) {
      out = write_csv_text(out, field->text(result).substr(0, field->bytes_max));
    } else if (has_value(*field, result)) {
      out = field->write(out, result);
    }
    *out++ = ',';
  }
  out[-1] = '\n';
  return out;
}

void append_csv_text(std::string& out, std::string_view text) {
  const std::size_t bytes = out.size();
  out.resize(bytes + 2 * text.size() + 2);
  out.resize(static_cast<std::size_t>(write_csv_text(out.data() + bytes, text) - out.data()));
}

}  // namespace echoscan
