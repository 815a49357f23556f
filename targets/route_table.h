// A table of routes and their origins as CAIDA publishes it (pfx2as): network, length and origin
// with tabs between them.
//
// In a text list `198.51.100.0 24` is an error, since the 24 may be a label. Here it is a length,
// as the line has these three columns and nothing else, and all lines have them. The label is the
// origin, as in `AS64500`; of several origins, `AS64500_64501` or `AS64500,64501`, as the table
// joins them.
#pragma once

#include <memory>
#include <string_view>

#include "targets/line_format.h"

namespace echoscan {

// Null when the line does not have these three columns.
std::unique_ptr<LineFormat> recognise_route_table(std::string_view line);

}  // namespace echoscan
