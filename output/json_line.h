// A result as one JSON object on one line: docs/json-lines.md is the contract, and a test reads its
// samples.
//
// Keys stand in a fixed order and only a label needs escaping, so the line is formatted straight
// into the caller's buffer, with nothing allocated: the budget is 500 ns for all that is done with
// a reply. nlohmann/json builds a tree first, at over a microsecond a line; it is used where speed
// does not matter.
#pragma once

#include <cstddef>

#include "output/result.h"

namespace echoscan {

// No line is longer, newline included.
inline constexpr std::size_t kJsonLineBytesMax = 1280;

// Writes the line, newline included, at `out`, which has room for kJsonLineBytesMax; returns its
// end.
char* write_json_line(char* out, const Result& result);

}  // namespace echoscan
