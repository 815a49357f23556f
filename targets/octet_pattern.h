// nmap's way to write many addresses: a star, a number or `first-last` for each of the four
// numbers.
//
// `198.51.100.*` is a block, `198.51.100-101.1-50` are two ranges: files of exclusions that were
// written for nmap have them, and they can only mean one thing. Read as the ranges that they are. A
// pattern of more than 4,096 ranges (`10.*.*.1`) is refused, since a line of seven characters would
// take the memory of a list of millions. Commas in a number (`10.1,3.0.1`) stay an error: in a list
// a comma ends a target.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "targets/prefix.h"

namespace echoscan {

// Whether a text is written as such a pattern, right or wrong, and not as an address or a range.
bool is_octet_pattern(std::string_view text);

// Appends the pattern's ranges, ascending; or says what is wrong with it, as parse_range() does.
tl::expected<void, std::string> read_octet_pattern(std::string_view text,
                                                   std::vector<AddressRange>& ranges);

}  // namespace echoscan
