// The path of a scan's probes: out of which interface, from which address, to whose MAC.
//
// The whole scan has one path. Where the options do not say it, the kernel's own route to the
// targets does. Where no gateway leads (loopback, tunnels, targets on the link itself) a raw socket
// sends whatever the method, and the kernel routes each packet. A path that cannot work is refused
// with what to do about it. There are two steps because XDP is attached in between: a driver may
// then restart the link, and the gateway's MAC can be asked for only after the link is back.
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
  std::optional<MacAddress> gateway_mac;  // given by --gateway-mac
  std::optional<Ipv4> gateway;            // none with --gateway-mac, or when the kernel routes
  bool kernel_routes = false;             // all probes leave by a raw socket
  std::vector<AddressRange> neighbours;   // the interface's own networks, if targets are on them
};

// Throws UserError with code environment.
NetworkPath find_network_path(const PathConfig& config, const TargetSet& targets);

// The addresses of every frame, with the gateway's MAC. Call when the link is up. Throws UserError.
FrameAddresses resolve_frame_addresses(const NetworkPath& path, Clock& clock);

}  // namespace echoscan
