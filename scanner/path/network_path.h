// The path of a scan's probes: out of which interface, from which address, to whose MAC.
//
// One path for the whole scan, found by the kernel's own route to the targets where the options do
// not say it. Where no gateway leads (loopback, tunnels, targets on the link itself) the kernel
// routes each packet, by a raw socket, whatever the method. What cannot work is refused here with
// what to do about it. Two steps, because attaching XDP comes between: a driver may
// restart the link, and the gateway's MAC can be asked for only after it is back.
#pragma once

#include <optional>
#include <vector>

#include "scanner/network/interface.h"
#include "scanner/options/path_config.h"
#include "scanner/process/clock.h"
#include "scanner/transmit/frame.h"
#include "targets/target_set.h"

namespace echoscan {

struct NetworkPath {
  Interface interface;
  Ipv4 source;
  std::optional<MacAddress> gateway_mac;  // named by --gateway-mac
  std::optional<Ipv4> gateway;  // none when --gateway-mac says where to, or the kernel routes
  bool kernel_routes = false;   // all probes leave by a raw socket
  std::vector<AddressRange> neighbours;  // the interface's own networks, if targets are on them
};

// Throws UserError with code environment.
NetworkPath find_network_path(const PathConfig& config, const TargetSet& targets);

// The addresses of every frame, the gateway's MAC included; the link is up. Throws UserError.
FrameAddresses resolve_frame_addresses(const NetworkPath& path, Clock& clock);

}  // namespace echoscan
