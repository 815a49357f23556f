// A map's cells as text in a page: column by column, deflated, in base64.
//
// Column by column, since what is alike then stands together. Numbers are LEB128, which needs no
// choice of a width; browsers inflate by DecompressionStream. Order: how many cells; their numbers,
// less the one before, less one; not asked; asked; replies; later; code of the median round-trip
// time; label; compared, gained and lost. The page's script reads it (page/page.js, unpackCells).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "output/report/reply_map.h"

namespace echoscan {

std::string packed_cells(const ReplyMap& map);

// A time in one byte, to 3.5 %: 1 + 10 log2(us), at most 255; 0 for none.
std::uint8_t rtt_code(std::uint32_t rtt_us);

// RFC 4648, with padding.
std::string base64(std::string_view bytes);

}  // namespace echoscan
