// The link of a path and the watch on its gateways, by the kernel or by the card itself.
//
// A scan asks for both in the same places whichever it is; here is the one choice between them.
#pragma once

#include <memory>
#include <vector>

#include "output/summary/summary.h"
#include "scanner/network/gateway_probe.h"
#include "scanner/network/link.h"
#include "scanner/path/network_path.h"
#include "scanner/process/clock.h"

namespace echoscan {

// Waits for the path's link, as wait_for_carrier does. Throws UserError.
void wait_for_link(const NetworkPath& path, Clock& clock, double timeout_s);
// The path's must be there as long as the link. Throws std::system_error, as the next.
std::unique_ptr<Link> open_link(const NetworkPath& path);
std::unique_ptr<GatewayProbe> open_gateway_probe(const NetworkPath& path);
// What the driver of a card of its own has counted, and a line of it in the log; nothing of a card
// of the kernel's, of which `ethtool -S` says it.
std::vector<Summary::DriverCounter> read_driver_counters(const NetworkPath& path);

}  // namespace echoscan
