// A result as a line for people, who look at a terminal: address, time, TTL, and what is unusual.
//
// "192.0.2.7          12.3 ms  ttl 57  eu-west-1": aligned, and without what a program needs. So
// nobody reads it back: a scan that writes it keeps no checkpoint. It has the columns of `echoscan
// ping`. Rejected: a table with a header, whose widths nobody knows before the last result.
#pragma once

#include <cstdint>
#include <string_view>

#include "output/result/result.h"

namespace echoscan {

// "host unreachable", "time to live exceeded": what an ICMP error says, by RFC 792, 1122 and 1812;
// empty for one without a name.
std::string_view icmp_error_text(std::uint8_t icmp_type, std::uint8_t icmp_code);

// Writes the line, newline included, at `out`, which has room for kLineBytesMax; returns its end.
char* write_text_line(char* out, const Result& result);

}  // namespace echoscan
