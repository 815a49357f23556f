// The path of a scan's probes: out of which interface, from which address, to whose MAC.
//
// Of the ways that the plan found, the scan's method sends by the one with the most targets that
// frames can take: a gateway on an Ethernet interface. All others are sent by raw sockets, which
// the kernel routes: neighbours, a second router, a second uplink, tunnels, this host itself; if
// there is no way for frames, that is all. What cannot work is refused here with what to do about
// it. Two steps, because attaching XDP comes between: a driver may restart the link, and the
// gateway's MAC can be asked for only after it is back.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "scanner/network/interface.h"
#include "scanner/network/way_partition.h"
#include "scanner/options/path_config.h"
#include "scanner/process/clock.h"
#include "scanner/transmit/frame.h"

namespace echoscan {

// Where a raw socket sends, beside the scan's own way.
struct SideWay {
  Interface interface;
  Ipv4 source;
  bool is_by_source = false;  // the kernel is to route by that source
};

struct NetworkPath {
  Interface interface;
  Ipv4 source;
  std::optional<MacAddress> gateway_mac;  // given by --gateway-mac
  std::optional<Ipv4> gateway;  // none when --gateway-mac says where to, or the kernel routes
  bool kernel_routes = false;   // all probes leave by raw sockets
  bool is_by_source = false;    // the kernel, where it routes, is to do so by that source
  std::vector<SideWay> side_ways;
  // Of each way by its label (1 + the number of its share): 0 for the scan's own, else 1 + the
  // number of the side way.
  std::vector<std::size_t> part_of_way;
};

// `ways` are the plan's. Throws UserError with code environment.
NetworkPath find_network_path(const PathConfig& config, std::span<const WayShare> ways);

// The addresses of every frame, with the gateway's MAC. Call when the link is up. Throws UserError.
FrameAddresses resolve_frame_addresses(const NetworkPath& path, Clock& clock);

}  // namespace echoscan
