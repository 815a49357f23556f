// What --version says: which source this is, how it was built, and what is compiled in.
//
// The first line is name and version alone, for scripts; the rest is for whoever reads a report of
// a fault. The commit changes with each commit, so it is known to this file alone, which only the
// program is linked with: rejected, a constant in the library, by which each commit would link a
// hundred tests again.
#pragma once

#include <string>

namespace echoscan {

// Lines, each of which ends in a newline.
std::string version_text();

}  // namespace echoscan
