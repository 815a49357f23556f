// Any bytes as the inside of a JSON string: escaped, and repaired where they are not UTF-8.
//
// Labels and organisations come from files of others, and a line must parse whatever these hold.
// Nearly all text is plain ASCII, which is copied 8 bytes at a time. UTF-8 is copied as it is;
// characters that a terminal obeys (C1, U+202E) are escaped too, and bytes that are no character
// become U+FFFD, since a strict reader (nlohmann/json) would refuse the whole line. One byte
// becomes 6 at most.
#pragma once

#include <string_view>

namespace echoscan {

// Writes `text` at `out`, without quotes around it; returns the end. `out` has room for 6 bytes a
// byte of text, and 8 more.
char* write_json_text(char* out, std::string_view text);

}  // namespace echoscan
