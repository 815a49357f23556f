// The path by a card that DPDK drives: told by hand, since no kernel has routes or addresses for
// it.
//
// One way for all targets, by the gateway that is named, and no raw sockets beside it. The gateway
// is asked for by the card's own ARP, which the receiver's thread answers for us as well: so the
// port has to be opened, and to receive, before the gateway is resolved.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "scanner/network/way_partition.h"
#include "scanner/options/path_config.h"
#include "scanner/path/network_path.h"
#include "scanner/process/clock.h"

namespace echoscan {

// Starts DPDK and finds the card. `ways` are the plan's. Throws UserError.
NetworkPath find_port_path(const PathConfig& config, std::span<const WayShare> ways);

// Asks for the gateway's MAC, where one is named. Throws UserError when it does not answer.
void resolve_port_gateway(NetworkPath& path, Clock& clock);

}  // namespace echoscan
