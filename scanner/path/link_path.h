// The link of a path and the watch on its gateways, by the kernel or by the card itself.
//
// A scan asks for both in the same places whichever it is; here is the one choice between them.
#pragma once

#include <memory>

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
// Logs what the driver of a card of its own has counted; `ethtool -S` says it of the kernel's.
void say_driver_counts(const NetworkPath& path);

}  // namespace echoscan
