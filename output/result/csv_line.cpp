#include "output/result/csv_line.h"

#include "output/result/result_field.h"

namespace echoscan {
namespace {

// Needs room for 2 bytes a byte of text, and 2 more.
char* write_csv_text(char* out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return write_word(out, text);
  *out++ = '"';
  for (const char character : text) {
    if (character == '"') *out++ = '"';
    *out++ = character;
  }
  *out++ = '"';
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
