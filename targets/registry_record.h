// The registries' delegated statistics: `ripencc|DE|ipv4|193.0.0.0|2048|19930901|allocated`.
//
// The value of an IPv4 record is a number of addresses, which need not be a power of two. A file
// begins with a version line and says in summary lines how many records of each type it has; a
// file that has another number of IPv4 records was cut, and half a list is never taken for one. The
// label is registry, country and status with slashes between them, as far as they are there, since
// the extended files list what is available or reserved, too. Several files may stand one behind
// the other.
#pragma once

#include <memory>
#include <string_view>

#include "targets/line_format.h"

namespace echoscan {

// Null when the line is neither a version line nor a record of such a file.
std::unique_ptr<LineFormat> recognise_registry(std::string_view line);

}  // namespace echoscan
