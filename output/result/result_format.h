// The format of the results: which syntax, which fields, in which order.
//
// Chosen once, from the options; then a line is one call. A virtual seam would buy nothing, since
// the formats are three and known; a branch that always goes the same way costs nothing.
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
  };

  // Without fields: all of them, in the table's order. With `ip` there is nothing to choose.
  explicit ResultFormat(Syntax syntax = Syntax::jsonl, std::vector<const ResultField*> fields = {});

  // What stands before the first line; empty but for csv.
  [[nodiscard]] std::string header() const;

  // Writes the line, newline included, at `out`, which has room for kLineBytesMax; returns its end.
  char* write_line(char* out, const Result& result) const;

 private:
  Syntax syntax_;
  bool has_all_fields_;
  std::vector<const ResultField*> fields_;
};

}  // namespace echoscan
