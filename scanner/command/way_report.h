// Ways as the reports of `targets` and `doctor` have them in JSON, so that both are read alike.
//
// Each way is an object: `kind`, `interface`, `next_hop` and `source` (null where there is none),
// and `count`, the targets that it leads to. The summary's `ways[]` has the same names.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>

#include "scanner/network/way_partition.h"

namespace echoscan {

nlohmann::ordered_json ways_json(std::span<const WayShare> ways);

}  // namespace echoscan
