// The fields of a result: the one table of names, order, presence and values.
//
// Lines in every format, --fields and its error, the CSV header and the test of docs/json-lines.md
// all read this table, so that a new field is one row here and one in the document. The table is
// constexpr and its functions are lambdas, so that the writer of whole lines (json_line.cpp)
// unrolls it at the price of a hand-written line; a choice by --fields goes through the pointers.
// Values know no format: a number or word is the same in all, and a text is quoted by whoever
// writes the line.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "output/result/result.h"

namespace echoscan {

// A longer text is cut where it is written.
inline constexpr std::size_t kTextBytesMax = 128;
// Of the label, which is longer: it is the user's own.
inline constexpr std::size_t kLabelTextBytesMax = 255;
// IFNAMSIZ, less the 0 at the end.
inline constexpr std::size_t kInterfaceBytesMax = 15;

// Writes a number at `out`; returns its end. 20 digits are enough for any.
template <typename Number>
inline char* write_number(char* out, Number number) {
  return std::to_chars(out, out + 20, number).ptr;
}

inline char* write_word(char* out, std::string_view word) {
  return out + word.copy(out, word.size());
}

inline char* write_bool(char* out, bool value) {
  return write_word(out, value ? std::string_view("true") : std::string_view("false"));
}

// Microseconds with three decimals: nanoseconds, exactly.
inline char* write_microseconds(char* out, std::uint64_t ns) {
  out = write_number(out, ns / 1000);
  const std::uint64_t decimals = ns % 1000;
  *out++ = '.';
  *out++ = static_cast<char>('0' + decimals / 100);
  *out++ = static_cast<char>('0' + decimals / 10 % 10);
  *out++ = static_cast<char>('0' + decimals % 10);
  return out;
}

constexpr std::string_view name_of(Classification classification) {
  constexpr std::array<std::string_view, kClassifications> kNames = {
      "echoreply", "unreach", "sourcequench", "redirect", "timxceed", "paramprob"};
  return kNames[static_cast<std::size_t>(classification)];
}

constexpr bool is_success(const Result& result) {
  return result.classification == Classification::echoreply;
}

struct ResultField {
  enum class Kind {
    literal,  // a number or a truth value
    word,     // characters that no format has to quote
    text,     // anything, from outside
  };

  std::string_view name;
  Kind kind = Kind::literal;
  std::size_t bytes_max = 0;                       // of the value, unquoted
  char* (*write)(char*, const Result&) = nullptr;  // the value of a literal or a word
  std::string_view (*text)(const Result&) = nullptr;
  bool (*is_present)(const Result&) = nullptr;  // null: always
};

constexpr ResultField literal_field(std::string_view name, std::size_t bytes_max,
                                    char* (*write)(char*, const Result&),
                                    bool (*is_present)(const Result&) = nullptr) {
  return {name, ResultField::Kind::literal, bytes_max, write, nullptr, is_present};
}
constexpr ResultField word_field(std::string_view name, std::size_t bytes_max,
                                 char* (*write)(char*, const Result&),
                                 bool (*is_present)(const Result&) = nullptr) {
  return {name, ResultField::Kind::word, bytes_max, write, nullptr, is_present};
}
constexpr ResultField text_field(std::string_view name, std::string_view (*text)(const Result&),
                                 std::size_t bytes_max = kTextBytesMax) {
  return {name, ResultField::Kind::text, bytes_max, nullptr, text, nullptr};
}

// In the order in which they are written.
inline constexpr std::array kResultFields = {
    word_field("type", 5,
               [](char* out, const Result& r) {
                 return write_word(out, is_success(r) ? std::string_view("reply") : "error");
               }),
    literal_field("ts_us", 20,
                  [](char* out, const Result& r) { return write_number(out, r.received_us); }),
    word_field("target", kIpv4TextBytesMax,
               [](char* out, const Result& r) { return write_ipv4(out, r.target); }),
    word_field("saddr", kIpv4TextBytesMax,
               [](char* out, const Result& r) { return write_ipv4(out, r.responder); }),
    word_field(
        "classification", 12,
        [](char* out, const Result& r) { return write_word(out, name_of(r.classification)); }),
    literal_field("icmp_type", 3,
                  [](char* out, const Result& r) { return write_number(out, r.icmp_type); }),
    literal_field("icmp_code", 3,
                  [](char* out, const Result& r) { return write_number(out, r.icmp_code); }),
    literal_field("success", 5,
                  [](char* out, const Result& r) { return write_bool(out, is_success(r)); }),
    literal_field("repeat", 5,
                  [](char* out, const Result& r) { return write_bool(out, r.repeat); }),
    literal_field("cooldown", 5,
                  [](char* out, const Result& r) { return write_bool(out, r.cooldown); }),
    literal_field(
        "off_target", 5, [](char* out, const Result& r) { return write_bool(out, r.off_target); },
        [](const Result& r) { return r.off_target; }),
    literal_field(
        "rtt_us", 21, [](char* out, const Result& r) { return write_microseconds(out, *r.rtt_ns); },
        [](const Result& r) { return r.rtt_ns.has_value(); }),
    literal_field(
        "rtt_trusted", 5, [](char* out, const Result& r) { return write_bool(out, r.rtt_trusted); },
        [](const Result& r) { return !r.rtt_trusted; }),
    literal_field(
        "pass", 3, [](char* out, const Result& r) { return write_number(out, *r.pass); },
        [](const Result& r) { return r.pass.has_value(); }),
    literal_field("ttl", 3, [](char* out, const Result& r) { return write_number(out, r.ttl); }),
    literal_field(
        "quoted_ttl", 3,
        [](char* out, const Result& r) { return write_number(out, *r.quoted_ttl); },
        [](const Result& r) { return r.quoted_ttl.has_value(); }),
    text_field("country", [](const Result& r) { return r.country; }),
    text_field("city", [](const Result& r) { return r.city; }),
    literal_field(
        "asn", 10, [](char* out, const Result& r) { return write_number(out, r.asn); },
        [](const Result& r) { return r.asn != 0; }),
    text_field("as_org", [](const Result& r) { return r.as_org; }),
    text_field(
        "label", [](const Result& r) { return r.label; }, kLabelTextBytesMax),
    text_field(
        "interface", [](const Result& r) { return r.interface; }, kInterfaceBytesMax),
    literal_field("shard", 10,
                  [](char* out, const Result& r) { return write_number(out, r.shard); }),
    word_field(
        "scan_id", ScanId::kBytes, [](char* out, const Result& r) { return r.scan_id.write(out); },
        [](const Result& r) { return !r.scan_id.is_empty(); }),
};

// Whether a line has a value for the field.
inline bool has_value(const ResultField& field, const Result& result) {
  if (field.text) return !field.text(result).empty();
  return !field.is_present || field.is_present(result);
}

// The field of that name, null when there is none.
const ResultField* find_result_field(std::string_view name);

// "type, ts_us, ...": for messages.
std::string result_field_names();
std::vector<std::string> result_field_name_list();

}  // namespace echoscan
