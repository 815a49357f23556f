// Uplinks that no way of the targets leads out of when a scan begins, opened all the same.
//
// Routes that move there in mid-scan can be followed then: the sandbox lets no socket be opened
// later. Each has a raw socket a queue and a ring of 2 MiB, so there are four at most, and those
// that some route to the targets leads out of, of whatever metric, come first: a host of containers
// has bridges with addresses in any number. Rejected: an XDP program on each, which restarts the
// links of some cards; all interfaces. Set-up only.
#pragma once

#include <span>
#include <vector>

#include "scanner/network/way_partition.h"
#include "scanner/options/path_config.h"
#include "scanner/path/network_path.h"

namespace echoscan {

inline constexpr std::size_t kStandbyMax = 4;

// For a path whose other ways are known; `ways` are the plan's. None with `-i`, `--gateway-mac` or
// a pool of sources. May throw std::system_error.
std::vector<SideWay> find_standby_ways(const PathConfig& config, std::span<const WayShare> ways,
                                       const NetworkPath& path);

}  // namespace echoscan
