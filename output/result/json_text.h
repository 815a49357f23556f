// Any bytes as the inside of a JSON string: escaped, and repaired where they are not UTF-8.
//
// Labels and organisations come from files of others; a line that holds one must parse whatever
// they wrote. Plain ASCII, nearly all there is, is copied 8 bytes at a time; JSON allows UTF-8 as
// it is, and bytes that are none become U+FFFD, since a strict reader (nlohmann/json) refuses the
// whole line. At most 6 bytes come out of one.
#pragma once

#include <string_view>

namespace echoscan {

// Writes `text` at `out`, without quotes around it; returns the end. Room: 6 bytes a byte, plus 8.
char* write_json_text(char* out, std::string_view text);

}  // namespace echoscan
