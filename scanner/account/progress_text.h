// A scan's progress in words: a line for files, a bar for terminals, and JSON for programs.
//
// The bar's line fits any width: what matters most stands longest, and the bar takes the room that
// is left. It is ASCII, since a terminal may not know more. Any thread.
#pragma once

#include <string>

#include "scanner/account/progress.h"

namespace echoscan {

// "30 s, 45.1 %, 37 s left; sent 120,000 (10.0 kpps); replied 14,512 (1.2 k/s), 12.09 %; lost: 0
// ring full, 0 unseen".
std::string progress_line(const Progress& progress);

// "[=====>      ] 45.1 %  ETA 7 h 21 min  sent 120,000  10.0 kpps  alive 14,512  hit 12.09 %" in at
// most `columns` characters; the bar is coloured if asked for.
std::string progress_bar(const Progress& progress, unsigned columns, bool is_coloured);

// One JSON object without a line end; docs/status.md has the keys.
std::string progress_json(const Progress& progress);

}  // namespace echoscan
