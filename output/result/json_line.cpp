#include "output/result/json_line.h"

#include <array>
#include <cstring>
#include <utility>

#include "output/result/json_text.h"
#include "output/result/result_field.h"

namespace echoscan {
namespace {

// `,"name":`
constexpr std::size_t key_bytes(std::string_view name) {
  return name.size() + 4;
}

constexpr std::size_t line_bytes_max() {
  constexpr std::size_t kBytesPerTextByte = 6;
  std::size_t bytes = sizeof("{}\n") + 8;
  for (const ResultField& field : kResultFields)
    bytes += key_bytes(field.name) + sizeof("null") +
             field.bytes_max * (field.kind == ResultField::Kind::text ? kBytesPerTextByte : 1);
  return bytes;
}
static_assert(line_bytes_max() <= kLineBytesMax);

template <std::size_t Index>
constexpr auto json_key() {
  constexpr std::string_view kName = kResultFields[Index].name;
  std::array<char, key_bytes(kName)> key{};
  key[0] = ',';
  key[1] = '"';
  for (std::size_t i = 0; i < kName.size(); ++i) key[i + 2] = kName[i];
  key[kName.size() + 2] = '"';
  key[kName.size() + 3] = ':';
  return key;
}

// Where the field is a constant, all of this is inlined; else it goes through the field's pointers.
[[gnu::always_inline]] inline char* write_value(char* out, const ResultField& field,
                                                const Result& result) {
  if (field.kind == ResultField::Kind::literal) return field.write(out, result);
  *out++ = '"';
  out = field.kind == ResultField::Kind::word
            ? field.write(out, result)
            : write_json_text(out, field.text(result).substr(0, field.bytes_max));
  *out++ = '"';
  return out;
}

template <std::size_t Index>
[[gnu::always_inline]] inline char* write_field(char* out, const Result& result) {
  static constexpr auto kKey = json_key<Index>();
  constexpr ResultField kField = kResultFields[Index];
  if (!has_value(kField, result)) return out;
  std::memcpy(out, kKey.data(), kKey.size());
  return write_value(out + kKey.size(), kField, result);
}

// Each field begins with a comma; this turns the first one's into the brace.
char* close_line(char* begin, char* end) {
  *begin = '{';
  *end++ = '}';
  *end++ = '\n';
  return end;
}

}  // namespace

[[gnu::flatten]] char* write_json_line(char* out, const Result& result) {
  char* end = out;
  [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    ((end = write_field<Index>(end, result)), ...);
  }
  (std::make_index_sequence<kResultFields.size()>());
  return close_line(out, end);
}

char* write_json_line(char* out, const Result& result, std::span<const ResultField* const> fields) {
  char* end = out;
  for (const ResultField* field : fields) {
    *end++ = ',';
    *end++ = '"';
    end = write_word(end, field->name);
    *end++ = '"';
    *end++ = ':';
    end = has_value(*field, result) ? write_value(end, *field, result) : write_word(end, "null");
  }
  return close_line(out, end);
}

}  // namespace echoscan
