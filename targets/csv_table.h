// Tables of CSV: ranges with the network that they belong to, and our own results.
//
// `first,last,asn,name` needs no header, as the four columns say what they are: two addresses, a
// number, a name; the label is number and name, as in `AS64500 Example`. With a header the columns
// are known by name, in any order and beside others: `target` and `label`, as results have them, or
// `first`, `last`, `asn` and `name`, of which the latter two may lack. A geofeed (RFC 8805) is none
// of these: `prefix,country,region,city,postal` is text with a label (target_line.h).
#pragma once

#include <memory>
#include <string_view>

#include "targets/line_format.h"

namespace echoscan {

// Null when the line is neither such a header nor a row of `first,last,asn,name`.
std::unique_ptr<LineFormat> recognise_csv_table(std::string_view line);

}  // namespace echoscan
