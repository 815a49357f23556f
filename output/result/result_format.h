// The format of the results: which syntax, which fields, in which order.
//
// The options choose it once; then a line is one call. Rejected: a virtual seam. The three formats
// are known, and a branch that always goes the same way costs nothing.
#pragma once

#include <string>
#include <vector>

#include "output/result/json_line.h"
#include "output/result/result.h"

namespace echoscan {

class ResultFormat {
 public:
  enum class Syntax {
    jsonl,  // an object a line
    csv,    // a header, and a line a result
    ip,     // the target's address alone
    text,   // a line for people
  };

  // No fields given: all, in the table's order. `ip` and `text` ignore them.
  explicit ResultFormat(Syntax syntax = Syntax::jsonl, std::vector<const ResultField*> fields = {});

  // The line before the first result: CSV's header; empty for the other formats.
  [[nodiscard]] std::string header() const;

  // Writes the line, newline included, at `out`, which has room for kLineBytesMax; returns its end.
  char* write_line(char* out, const Result& result) const;

 private:
  Syntax syntax_;
  bool has_all_fields_;
  std::vector<const ResultField*> fields_;
};

}  // namespace echoscan
