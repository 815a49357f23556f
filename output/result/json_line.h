// A result as one JSON object on one line: docs/json-lines.md is the contract, and a test reads its
// samples.
//
// Lines are written straight into the caller's buffer, with nothing allocated: the budget is 500 ns
// for all that is done with a reply. The line with every field is unrolled from the field table at
// compile time, so that keys are constants that are copied as whole words; formatting by fmt took
// 87 ns, this takes half. nlohmann/json builds a tree first, at over a microsecond a line; it is
// used where speed does not matter.
#pragma once

#include <cstddef>
#include <span>

#include "output/result/result.h"

namespace echoscan {

struct ResultField;

// No line in any format is longer, newline included.
inline constexpr std::size_t kLineBytesMax = 4096;

// Writes the line with every field that has a value, newline included, at `out`, which has room for
// kLineBytesMax; returns its end.
char* write_json_line(char* out, const Result& result);

// The same with the given fields in the given order.
char* write_json_line(char* out, const Result& result, std::span<const ResultField* const> fields);

}  // namespace echoscan
