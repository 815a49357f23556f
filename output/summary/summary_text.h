// The summary as text for a terminal: what a person wants to know when a scan has ended.
//
// It begins with what went wrong on our side, then says what left, what answered, and where answers
// came from. All of it is in the JSON too, which scripts read. Any thread.
#pragma once

#include <string>

#include "output/summary/summary.h"

namespace echoscan {

// A few lines, newline at the end.
std::string summary_text(const Summary& summary);

}  // namespace echoscan
