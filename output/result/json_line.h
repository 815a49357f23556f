// A result as one JSON object on one line: docs/json-lines.md is the contract, and a test reads its
// samples.
//
// Lines are written straight into the caller's buffer and allocate nothing, since the budget for
// all that is done with a reply is 500 ns. The line with every field is unrolled from the field
// table at compile time, so that keys are constants, which are copied as whole words: half of the
// 87 ns that formatting by fmt took. Rejected: nlohmann/json, which builds a tree first and takes
// over a microsecond a line.
#pragma once

#include <cstddef>
#include <span>

#include "output/result/result.h"

namespace echoscan {

struct ResultField;

// No line in any format is longer, newline included.
inline constexpr std::size_t kLineBytesMax = 4608;

// Writes the line with every field that has a value, newline included, at `out`, which has room for
// kLineBytesMax; returns its end.
char* write_json_line(char* out, const Result& result);

// The given fields in the given order; one without a value is null, so that a table made of such
// lines has the same columns whatever was found.
char* write_json_line(char* out, const Result& result, std::span<const ResultField* const> fields);

}  // namespace echoscan
