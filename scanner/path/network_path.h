// The path of a scan's probes: out of which interface, from which address, to whose MAC.
//
// Of the ways that the plan found, the scan's method sends by the one with the most targets that
// frames can take, a gateway on an Ethernet interface, and by the other gateways on that interface
// that have the same source. A second uplink with gateways has frames and queues of its own. All
// others are sent by raw sockets, which the kernel routes: neighbours, a second source on an
// interface, tunnels, this host itself; if there is no way for frames, that is all. Other uplinks
// stand by, a raw socket each, for routes that change. What cannot work is refused here with what
// to do about it. Two steps, because attaching XDP comes between: a driver may restart the link,
// and the gateway's MAC can be asked for only after it is back.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scanner/network/gateway_probe.h"
#include "scanner/network/interface.h"
#include "scanner/network/port_arp.h"
#include "scanner/network/way_partition.h"
#include "scanner/options/path_config.h"
#include "scanner/process/clock.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/next_hop_map.h"
#include "targets/label_map.h"

namespace echoscan {

// Where else probes leave, beside the scan's own way.
struct SideWay {
  Interface interface;
  Ipv4 source;
  bool is_by_source = false;  // the kernel is to route by that source
  bool is_of_frames = false;  // to gateways, by the interface's own queues; else by a raw socket
};

// How a way's probes leave.
struct Exit {
  // 0: by the scan's own method; else 1 + the number of the side way. Those on standby come last.
  std::uint8_t part = 0;
  // Behind which of the path's gateways it is, NextHopTable::kOther: none; kNone: nothing is sent.
  std::uint8_t next_hop = 0;
};

struct NetworkPath {
  Interface interface;
  unsigned queue_count = 1;
  Ipv4 source;         // of a pool the first
  SourcePool sources;  // the pool, where there is one
  std::size_t frame_bytes = PROBE_FRAME_BYTES;
  std::optional<MacAddress> gateway_mac;  // given by --gateway-mac
  // By their numbers in the NextHopTable. Unless the kernel routes, frames go to the first, which
  // has the most targets. None when --gateway-mac says where to.
  std::vector<Gateway> gateways;
  // Routers that some of the targets are behind, and that nobody watches: "fe80::2 on eth0".
  std::vector<std::string> unwatched;
  bool kernel_routes = false;  // all probes leave by raw sockets
  bool is_by_source = false;   // the kernel, where it routes, is to do so by that source
  std::vector<SideWay> side_ways;
  // Out of interfaces that no route of the targets leads out of when the scan begins; one may when
  // an uplink fails, and then no socket can be opened any more.
  std::vector<SideWay> standby_ways;
  std::vector<Exit> exit_of_way;  // by the way's label: 1 + the number of its share
  // Of a card that DPDK drives, which the interface then describes; null: the kernel's.
  std::shared_ptr<DpdkPort> port;
  std::shared_ptr<PortArp> arp;
  std::optional<std::uint16_t> vlan;  // that its frames are tagged for
};

// Whether the kernel's routes say where probes go; they are told by hand otherwise.
bool has_kernel_ways(const PathConfig& config, const NetworkPath& path);

// `ways` are the plan's. Throws UserError with code environment.
NetworkPath find_network_path(const PathConfig& config, std::span<const WayShare> ways);

// How probes of a way leave out of `interface`, which is the way's. A gateway that is new is added
// to the path's; a part greater than the number of its side ways, those on standby included, is one
// that there is not.
// Throws UserError.
Exit find_exit(const PathConfig& config, const WayShare& share, const Interface& interface,
               NetworkPath& path);

// Whether frames can be made for an interface: it is neither the loopback nor a tunnel.
bool takes_frames(const Interface& interface);
// Whether the path's probes go out of an interface in one piece: none is ever fragmented.
bool fits_mtu(const NetworkPath& path, const Interface& interface);

// By which method the path's own way is sent.
Method method_of(const PathConfig& config, const NetworkPath& path);

// The map of the path's exits. `ways`, the plan's, must outlive it.
NextHopMap next_hop_map(const NetworkPath& path, const LabelMap& ways);

// Asks for the MACs of all gateways. Call when the link is up. Returns the numbers of the ways
// whose gateway does not answer; the path sends nothing to their targets any more. Throws UserError
// when that is the one that frames go to, or leaves no way at all.
std::vector<std::size_t> resolve_gateways(std::span<const WayShare> ways, NetworkPath& path,
                                          Clock& clock);
// The addresses that the path's probes come from: one for each way, or the pool.
std::vector<Ipv4> sources_of(const NetworkPath& path);
// "192.0.2.1", or of a pool "192.0.2.8/29,192.0.2.20".
std::string source_text(const NetworkPath& path);
// The addresses of every frame, with the MAC of the first gateway, once that is resolved.
FrameAddresses frame_addresses(const NetworkPath& path);

}  // namespace echoscan
