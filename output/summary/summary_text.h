// The summary as text for a terminal: what a person wants to know when a scan has ended.
//
// What went wrong on our side stands first, then what left, what answered, and where it came from.
// Everything here is in the JSON too, which scripts read. Any thread.
#pragma once

#include <string>

#include "output/summary/summary.h"

namespace echoscan {

// A few lines, newline at the end.
std::string summary_text(const Summary& summary);

}  // namespace echoscan
