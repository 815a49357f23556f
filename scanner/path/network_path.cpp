#include "scanner/path/network_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>

#include "output/summary/figure_text.h"
#include "scanner/network/neighbour.h"
#include "scanner/network/own_address.h"
#include "scanner/network/vrf.h"
#include "scanner/path/port_path.h"
#include "scanner/path/standby_ways.h"
#include "scanner/process/limits.h"
#include "scanner/process/log.h"
#include "scanner/process/stage_timer.h"
#include "scanner/process/user_error.h"
#include "targets/target_set.h"

namespace echoscan {
namespace {

// Where the kernel cannot be told to ask at once, it trusts a stale entry for 5 s and then sends
// three requests, a second apart.
constexpr unsigned kGatewayTimeoutMs = 9000;

template <typename... Arguments>
[[noreturn]] void refuse(fmt::format_string<Arguments...> sentence, Arguments&&... arguments) {
  throw UserError(ExitCode::environment,
                  fmt::format(sentence, std::forward<Arguments>(arguments)...));
}

// The interfaces of the ways, each asked for once.
class Interfaces {
 public:
  const Interface& at(int index) {
    const auto known = known_.find(index);
    return known != known_.end() ? known->second
                                 : known_.emplace(index, find_interface(index)).first->second;
  }

 private:
  std::map<int, Interface> known_;
};

bool is_sendable(const WayShare& share) {
  return !is_unroutable(share.way);
}

// "e0 via 192.0.2.2 from 192.0.2.1: 256 targets" of each way that there is without -i.
std::string other_ways(const PathConfig& config, std::span<const WayShare> ways) {
  std::vector<AddressRange> targets;
  for (const WayShare& share : ways)
    targets.insert(targets.end(), share.ranges.begin(), share.ranges.end());
  const std::vector<WayShare> others =
      find_ways(merge_ranges(std::move(targets)), {config.source_ip, 0});
  std::string text;
  for (const std::string& line : way_lines(others)) text += (text.empty() ? "" : "; ") + line;
  return text;
}

// Where a route may be that is not found without -i; empty where there are no VRFs.
std::string vrf_hint() {
  const std::vector<std::string> vrfs = vrf_names();
  if (vrfs.empty()) return {};
  return fmt::format(", and -i to ask a VRF: {}", fmt::join(vrfs, ", "));
}

[[noreturn]] void refuse_all(const PathConfig& config, std::span<const WayShare> ways) {
  const std::string first = to_string(ways.front().ranges.front().first);
  if (config.interface_name.empty())
    refuse("there is no route to {} or any other target ({}); see `ip route`{}", first,
           fmt::format("{}", fmt::join(way_lines(ways), "; ")), vrf_hint());
  refuse(
      "there is no route to {} out of {}, nor to any other target; without -i there is: {}. "
      "--gateway-mac sends out of {} all the same",
      first, config.interface_name, other_ways(config, ways), config.interface_name);
}

// The way of the most targets that frames can take, else of the most.
const WayShare& choose_way(const PathConfig& config, std::span<const WayShare> ways,
                           Interfaces& interfaces) {
  const auto takes_scan = [&](const WayShare& share) {
    const bool has_mac = config.gateway_mac || std::holds_alternative<Ipv4>(share.way.next_hop);
    return is_sendable(share) && has_mac && share.way.kind != Way::Kind::local &&
           takes_frames(interfaces.at(share.way.interface_index));
  };
  auto found = std::ranges::find_if(ways, takes_scan);
  if (found == ways.end()) found = std::ranges::find_if(ways, is_sendable);
  if (found == ways.end()) refuse_all(config, ways);
  return *found;
}

void check_interface(const PathConfig& config, const Interface& interface, Ipv4 destination) {
  const std::string chosen =
      !config.interface_name.empty()
          ? ""
          : fmt::format(", where the route to {} leads,", to_string(destination));
  const bool may_be_raw = config.method == Method::automatic || config.method == Method::raw_socket;
  if (!takes_frames(interface) && (!may_be_raw || config.gateway_mac))
    throw UserError(
        ExitCode::environment,
        fmt::format(
            "{}{} is {} and takes no frames: use --method raw_socket, without --gateway-mac",
            interface.name, chosen,
            interface.is_loopback ? "the loopback" : "not an Ethernet interface"));
  if (!interface.is_up)
    throw UserError(ExitCode::environment,
                    fmt::format("{}{} is down; `ip link set {} up` switches it on", interface.name,
                                chosen, interface.name));
}

// The address that a way's probes come from.
Ipv4 choose_source(const PathConfig& config, const Interface& interface, const Way& way) {
  if (config.source_ip) return *config.source_ip;
  if (way.source) return *way.source;
  if (const std::optional<Ipv4> address = find_source_address(interface)) return *address;
  throw UserError(ExitCode::environment,
                  fmt::format("{} has no IPv4 address; give one with --source-ip", interface.name));
}

// Addresses of this host on another interface do: the kernel answers ARP for all it has.
void warn_of_foreign_pool(const SourcePool& pool) {
  const std::vector<Ipv4> own = own_addresses_of(pool.addresses());
  const std::size_t foreign = pool.size() - own.size();
  if (foreign == 0) return;
  const auto first = std::ranges::find_if_not(
      pool.addresses(), [&own](Ipv4 address) { return std::ranges::binary_search(own, address); });
  log_warning(
      "--source-ip: {} of its {} addresses are not this host's, {} for one: somebody else "
      "must answer ARP for them or route them here, or replies to them do not arrive",
      with_thousands(foreign), with_thousands(pool.size()), to_string(*first));
}

void warn_of_foreign_source(const PathConfig& config, const Interface& interface) {
  if (!config.source_pool.empty()) {
    warn_of_foreign_pool(config.source_pool);
    return;
  }
  if (config.source_ip && !owns_address(interface, *config.source_ip))
    log_warning("{} is not an address of {}: replies arrive only if the network brings them here",
                to_string(*config.source_ip), interface.name);
}

void check_mtu(const NetworkPath& path, const Interface& interface) {
  const std::size_t headers = PROBE_IPV4_BYTES + PROBE_ICMP_BYTES;
  const std::size_t packet_bytes = path.frame_bytes - PROBE_ETHERNET_BYTES;
  if (!fits_mtu(path, interface))
    refuse(
        "probes of {} bytes of data (--size) are packets of {}, and {} takes {} (its MTU), so that "
        "--size is {} at most: a probe is never sent in fragments",
        packet_bytes - headers, packet_bytes, interface.name, interface.mtu,
        interface.mtu - std::min<std::size_t>(interface.mtu, headers));
}

// "192.0.2.2 or 192.0.2.3": those that frames go to.
std::string gateway_list(const NetworkPath& path) {
  std::vector<std::string> gateways;
  for (const Gateway& gateway : path.gateways)
    if (gateway.is_of_frames) gateways.push_back(to_string(gateway.address));
  return fmt::format("{}", fmt::join(gateways, " or "));
}

// Whether a way's probes leave by the same raw socket as the scan's own, or to the same MAC, told
// by hand.
bool is_own_way(const PathConfig& config, const NetworkPath& path, const WayShare& share,
                Ipv4 source) {
  if (share.way.interface_index != path.interface.index) return false;
  if (config.gateway_mac) return true;
  return path.kernel_routes && source == path.source && share.is_by_source == path.is_by_source;
}

// The number of the way's gateway, which is listed if it is new; kOther when it has none to ask.
std::uint8_t gateway_number(const PathConfig& config, const Interface& interface, const Way& way,
                            std::vector<Gateway>& gateways) {
  const Ipv4* address = std::get_if<Ipv4>(&way.next_hop);
  if (address == nullptr || config.gateway_mac || !takes_frames(interface))
    return NextHopTable::kOther;
  const auto known = std::ranges::find_if(gateways, [&](const Gateway& gateway) {
    return gateway.interface_index == interface.index && gateway.address == *address;
  });
  if (known == gateways.end()) {
    if (gateways.size() == NextHopTable::kOther) return NextHopTable::kOther;
    std::optional<Ipv4> asked_from;
    if (way.source && owns_address(interface, *way.source)) asked_from = way.source;
    if (!asked_from) asked_from = find_source_address(interface);
    gateways.push_back({interface.name, interface.index, interface.mac, *address, {}, asked_from});
    return static_cast<std::uint8_t>(gateways.size() - 1);
  }
  return static_cast<std::uint8_t>(known - gateways.begin());
}

// The router of a way that is not watched while the scan runs; empty when there is none, or it is
// told by hand.
std::string unwatched_router(const PathConfig& config, const WayShare& share, std::uint8_t number) {
  if (number != NextHopTable::kOther || config.gateway_mac) return {};
  const std::string router = next_hop_text(share.way);
  return router.empty() ? router : fmt::format("{} on {}", router, share.interface_name);
}

// Whether frames can take a way behind that gateway: they leave the path's interface, and have one
// source.
bool takes_frames_of(const NetworkPath& path, const WayShare& share, std::uint8_t gateway,
                     Ipv4 source) {
  return !path.kernel_routes && gateway != NextHopTable::kOther && source == path.source &&
         share.way.interface_index == path.interface.index;
}

// Whether frames take it out of another interface than the path's. That one's queues have one
// source as well.
bool is_side_of_frames(const NetworkPath& path, const WayShare& share, std::uint8_t gateway,
                       Ipv4 source) {
  const int index = share.way.interface_index;
  return !path.kernel_routes && gateway < NextHopTable::kOther && index != path.interface.index &&
         std::ranges::none_of(path.side_ways, [&](const SideWay& side) {
           return side.interface.index == index && side.is_of_frames && side.source != source;
         });
}

// The part of the way on standby that leads out of the share's interface, if there is one.
std::optional<std::uint8_t> standby_part(const NetworkPath& path, const WayShare& share,
                                         Ipv4 source) {
  const auto found = std::ranges::find_if(path.standby_ways, [&](const SideWay& standby) {
    return standby.interface.index == share.way.interface_index && standby.source == source &&
           !share.is_by_source;
  });
  if (found == path.standby_ways.end()) return std::nullopt;
  return static_cast<std::uint8_t>(path.side_ways.size() + 1 +
                                   static_cast<std::size_t>(found - path.standby_ways.begin()));
}

// The address that a way's probes come from: to this host itself whichever it has, so that one
// socket does for all.
Ipv4 source_of(const PathConfig& config, const WayShare& share, const Interface& interface,
               const NetworkPath& path) {
  return share.way.kind == Way::Kind::local ? path.source
                                            : choose_source(config, interface, share.way);
}

// Which part of the transmitters each way's probes leave by, and by which next hop.
void assign_ways(const PathConfig& config, std::span<const WayShare> ways, Interfaces& interfaces,
                 NetworkPath& path) {
  path.exit_of_way = {Exit{}};
  std::uint64_t aside = 0;
  for (const WayShare& share : ways) {
    Exit exit{0, NextHopTable::kNone};
    if (is_sendable(share)) {
      const Interface& interface = interfaces.at(share.way.interface_index);
      exit = find_exit(config, share, interface, path);
      if (std::string router = unwatched_router(config, share, exit.next_hop); !router.empty())
        path.unwatched.push_back(std::move(router));
      const bool is_of_frames =
          is_side_of_frames(path, share, exit.next_hop, source_of(config, share, interface, path));
      if (exit.part > path.side_ways.size())
        path.side_ways.push_back({interface, source_of(config, share, interface, path),
                                  share.is_by_source && !is_of_frames, is_of_frames});
      if (exit.part > 0 && !is_of_frames) aside += share.targets;
    }
    path.exit_of_way.push_back(exit);
  }
  if (aside > 0)
    log_info("{} of the targets are not reached {}: they are sent by raw sockets",
             with_thousands(aside),
             path.kernel_routes || path.gateway_mac
                 ? fmt::format("out of {}", path.interface.name)
                 : fmt::format("by the gateway {}", gateway_list(path)));
}

// As many as are asked for; when 0 are, all that the interface has, but no more than there are
// CPUs.
unsigned choose_queue_count(unsigned asked, const Interface& interface) {
  if (asked > interface.queues)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--queues {}: {} has {} transmit queue{}", asked, interface.name,
                                interface.queues, plural(interface.queues)));
  return asked > 0
             ? asked
             : std::min<unsigned>(interface.queues, static_cast<unsigned>(allowed_cpus().size()));
}

}  // namespace

bool takes_frames(const Interface& interface) {
  return interface.is_ethernet && !interface.is_loopback;
}

bool fits_mtu(const NetworkPath& path, const Interface& interface) {
  return path.frame_bytes - PROBE_ETHERNET_BYTES <= interface.mtu;
}

Exit find_exit(const PathConfig& config, const WayShare& share, const Interface& interface,
               NetworkPath& path) {
  const Ipv4 source = source_of(config, share, interface, path);
  Exit exit{0, gateway_number(config, interface, share.way, path.gateways)};
  const bool is_own = takes_frames_of(path, share, exit.next_hop, source);
  const bool is_side = is_side_of_frames(path, share, exit.next_hop, source);
  if (exit.next_hop < path.gateways.size()) {
    Gateway& gateway = path.gateways[exit.next_hop];
    (is_own || is_side ? gateway.is_of_frames : gateway.is_of_kernel) = true;
  }
  if (is_own) return exit;
  if (is_own_way(config, path, share, source)) {
    if (config.gateway_mac) exit.next_hop = 0;
    return exit;
  }
  const auto known = std::ranges::find_if(path.side_ways, [&](const SideWay& side) {
    return side.interface.index == interface.index && side.source == source &&
           side.is_of_frames == is_side && side.is_by_source == (share.is_by_source && !is_side);
  });
  if (known == path.side_ways.end()) {
    if (const std::optional<std::uint8_t> part = standby_part(path, share, source)) {
      if (exit.next_hop < path.gateways.size()) {
        path.gateways[exit.next_hop].is_of_frames = false;
        path.gateways[exit.next_hop].is_of_kernel = true;
      }
      exit.part = *part;
      return exit;
    }
  }
  exit.part = static_cast<std::uint8_t>(known - path.side_ways.begin() + 1);
  if (known == path.side_ways.end())
    exit.part += static_cast<std::uint8_t>(path.standby_ways.size());
  if (known == path.side_ways.end() && exit.part == 0)
    refuse("the targets are behind more than {} uplinks and sources", path.side_ways.size());
  return exit;
}

bool has_kernel_ways(const PathConfig& config, const NetworkPath& path) {
  // A card's interface has a number when it is the kernel's.
  if (path.port) return path.interface.index != 0 && !config.gateway && !config.gateway_mac;
  return config.interface_name.empty() || !config.gateway_mac;
}

NetworkPath find_network_path(const PathConfig& config, std::span<const WayShare> ways) {
  if (config.method == Method::dpdk) {
    NetworkPath path = find_port_path(config, ways);
    check_mtu(path, path.interface);
    return path;
  }
  Interfaces interfaces;
  NetworkPath path;
  path.gateway_mac = config.gateway_mac;
  if (!config.interface_name.empty()) {
    // Said first: a route out of an interface that is down is never there.
    path.interface = find_interface(config.interface_name);
    check_interface(config, path.interface, {});
  }
  const WayShare& own = choose_way(config, ways, interfaces);
  const Ipv4 destination = own.ranges.front().first;
  path.interface = interfaces.at(own.way.interface_index);
  check_interface(config, path.interface, destination);
  path.source = choose_source(config, path.interface, own.way);
  path.sources = config.source_pool;
  path.frame_bytes = PROBE_FRAME_BYTES + config.payload.padding.size();
  path.is_by_source = own.is_by_source;
  warn_of_foreign_source(config, path.interface);
  path.kernel_routes = config.method == Method::raw_socket;
  if (!path.kernel_routes && !config.gateway_mac) {
    path.kernel_routes =
        gateway_number(config, path.interface, own.way, path.gateways) == NextHopTable::kOther;
    if (path.kernel_routes)
      log_info("{}: the kernel routes all probes, by a raw socket",
               takes_frames(path.interface)
                   ? fmt::format("there is no gateway to {} out of {}", to_string(destination),
                                 path.interface.name)
                   : fmt::format("{} takes no frames", path.interface.name));
  }
  path.queue_count = choose_queue_count(config.queues, path.interface);
  assign_ways(config, ways, interfaces, path);
  check_mtu(path, path.interface);
  for (const SideWay& side : path.side_ways) check_mtu(path, side.interface);
  path.standby_ways = find_standby_ways(config, ways, path);
  return path;
}

Method method_of(const PathConfig& config, const NetworkPath& path) {
  return path.kernel_routes ? Method::raw_socket : config.method;
}

namespace {

// Those of the kernel's that do not answer. Throws UserError when frames go to the first, and it is
// among them.
std::map<std::uint8_t, NoGateway> resolve_kernel_gateways(NetworkPath& path, Clock& clock) {
  // All at once, since the kernel takes 3 s to find out that one is not there.
  std::vector<std::future<tl::expected<GatewayMac, NoGateway>>> answers;
  for (const Gateway& gateway : path.gateways)
    answers.push_back(std::async(std::launch::async, [&gateway, &clock] {
      return resolve_gateway(find_interface(gateway.interface_index), gateway.address, clock,
                             kGatewayTimeoutMs);
    }));
  std::map<std::uint8_t, NoGateway> dead_gateways;
  for (std::size_t i = 0; i < path.gateways.size(); ++i) {
    Gateway& gateway = path.gateways[i];
    const tl::expected<GatewayMac, NoGateway> resolved = answers[i].get();
    if (!resolved && i == 0 && gateway.is_of_frames)
      refuse("the gateway {} on {} {}{}; --gateway-mac names it by hand",
             to_string(gateway.address), gateway.interface_name, why_no_gateway(resolved.error()),
             resolved.error() == NoGateway::no_answer ? "; is it there?" : "");
    if (!resolved) {
      dead_gateways.emplace(static_cast<std::uint8_t>(i), resolved.error());
      continue;
    }
    gateway.mac = resolved->mac;
    if (!resolved->is_confirmed)
      log_warning("the gateway {} did not confirm its address {}; using it all the same",
                  to_string(gateway.address), to_string(resolved->mac));
  }
  return dead_gateways;
}

}  // namespace

std::vector<std::size_t> resolve_gateways(std::span<const WayShare> ways, NetworkPath& path,
                                          Clock& clock) {
  const StageTimer timer("gateways");
  const std::map<std::uint8_t, NoGateway> dead_gateways =
      path.port ? resolve_port_gateways(path, clock) : resolve_kernel_gateways(path, clock);
  std::vector<std::size_t> dead;
  bool is_any_alive = false;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const std::uint8_t gateway = path.exit_of_way[i + 1].next_hop;
    if (gateway == NextHopTable::kNone) continue;
    const auto found = dead_gateways.find(gateway);
    if (found == dead_gateways.end()) {
      is_any_alive = true;
      continue;
    }
    log_warning("the gateway {} on {} {}: nothing is sent to the {} behind it",
                to_string(path.gateways[gateway].address), ways[i].interface_name,
                why_no_gateway(found->second), counted(ways[i].targets, "target"));
    path.exit_of_way[i + 1].next_hop = NextHopTable::kNone;
    dead.push_back(i);
  }
  if (!is_any_alive && !ways.empty())
    refuse("none of the gateways to the targets answers; see `ip neighbour`");
  return dead;
}

NextHopMap next_hop_map(const NetworkPath& path, const LabelMap& ways) {
  std::vector<std::uint8_t> next_hop_of_way;
  std::vector<std::uint8_t> part_of_way;
  for (const Exit& exit : path.exit_of_way) {
    next_hop_of_way.push_back(exit.next_hop);
    part_of_way.push_back(exit.part);
  }
  return {ways, std::move(next_hop_of_way), std::move(part_of_way)};
}

std::vector<Ipv4> sources_of(const NetworkPath& path) {
  if (!path.sources.empty())
    return {path.sources.addresses().begin(), path.sources.addresses().end()};
  std::vector<Ipv4> sources{path.source};
  for (const SideWay& side : path.side_ways) sources.push_back(side.source);
  return sources;
}

std::string source_text(const NetworkPath& path) {
  return path.sources.empty() ? to_string(path.source) : to_string(path.sources);
}

FrameAddresses frame_addresses(const NetworkPath& path) {
  FrameAddresses addresses{path.interface.mac, {}, path.source};
  addresses.sources = path.sources;
  if (path.gateway_mac) addresses.gateway_mac = *path.gateway_mac;
  if (!path.kernel_routes && !path.gateways.empty())
    addresses.gateway_mac = path.gateways.front().mac;
  return addresses;
}

}  // namespace echoscan
