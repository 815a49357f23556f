// Where addresses are: the databases that --mmdb names, for the scan and for all who count again.
//
// One place, so that a database which cannot be read is refused by one sentence.
#pragma once

#include <string>
#include <vector>

#include "output/geo/geo_table.h"

namespace echoscan {

// Throws UserError when a database cannot be read. Empty without any.
GeoTable load_geo(const std::vector<std::string>& databases);

}  // namespace echoscan
