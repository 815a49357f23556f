// The path by a card that DPDK drives: told by hand, since no kernel has routes or addresses for
// it.
//
// One way for all targets, by the gateway that is named, and no raw sockets beside it. Where the
// kernel keeps the card's interface, and -i names that, its routes say the gateways, while the scan
// runs as well, and its addresses the source. Gateways are asked for by the card's own ARP, which
// the receiver's thread answers for us as well: so the port has to be opened, and to receive,
// before that.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "scanner/network/neighbour.h"
#include "scanner/network/way_partition.h"
#include "scanner/options/path_config.h"
#include "scanner/path/network_path.h"
#include "scanner/process/clock.h"

namespace echoscan {

// Starts DPDK and finds the card. `ways` are the plan's. Throws UserError.
NetworkPath find_port_path(const PathConfig& config, std::span<const WayShare> ways);

// Asks for the MACs of the gateways. Returns those that do not answer; throws UserError when the
// first is among them.
std::map<std::uint8_t, NoGateway> resolve_port_gateways(NetworkPath& path, Clock& clock);

// The exit of a way that has one, whose gateway is behind those that there were when no way has had
// it; or why the card cannot send by it, as a clause.
tl::expected<Exit, std::string> find_port_exit(const WayShare& share, NetworkPath& path);
// The MAC of a gateway that routes name while the scan runs; waits for its answer. The survey's
// thread, since the control's takes what the watch hears.
tl::expected<MacAddress, NoGateway> find_port_gateway_mac(const Gateway& gateway,
                                                          const NetworkPath& path, Clock& clock,
                                                          double timeout_s);

}  // namespace echoscan
