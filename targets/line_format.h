// Lines of a list that are no text with labels: a registry's records, a routing table, CSV, JSON.
//
// Each publisher's lines are a class behind this seam, and a list is of one kind throughout: its
// first line chooses, and a later line of another kind is an error. Rejected: to try each kind on
// each line, since a line that is wrong in its own kind might be right in another and mean
// something else there, and an exclusion would then be lost unnoticed. What the kinds are, with
// the column that is the label, is in docs/targets.md. One thread.
#pragma once

#include <memory>
#include <string_view>

#include "targets/target_list.h"

namespace echoscan {

class LineFormat {
 public:
  virtual ~LineFormat() = default;
  // Adds what a line holds that is neither blank nor a comment, or an error.
  virtual void read(std::string_view line, const ListPlace& place, TargetList& list) = 0;
  // Behind the last line: adds an error where lines are missing.
  virtual void finish(std::string_view /*name*/, TargetList& /*list*/) {}
};

// By the first line that is neither blank nor a comment; null where it is text.
std::unique_ptr<LineFormat> recognise_format(std::string_view line);

}  // namespace echoscan
