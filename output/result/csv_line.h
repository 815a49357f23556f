// A result as one line of CSV, quoted as RFC 4180 says.
//
// Two departures are usual on Unix: lines end in a newline alone, and text is UTF-8 as it is. A
// field without a value is empty, so that every line has the header's columns. Truth values are
// `true` and `false`, as in JSON (zmap writes 1 and 0).
#pragma once

#include <span>
#include <string>

#include "output/result/result.h"

namespace echoscan {

struct ResultField;

// The names, newline included.
std::string csv_header(std::span<const ResultField* const> fields);

// Writes the line, newline included, at `out`, which has room for kLineBytesMax; returns its end.
char* write_csv_line(char* out, const Result& result, std::span<const ResultField* const> fields);

// Appends `text` to `out`, in quotes if it holds a comma, a quote or a line's end.
void append_csv_text(std::string& out, std::string_view text);

}  // namespace echoscan
