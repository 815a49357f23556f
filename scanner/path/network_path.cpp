#include "scanner/path/network_path.h"

#include <fmt/format.h>

#include "scanner/network/route.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

// Where the kernel cannot be told to ask at once, it trusts a stale entry for 5 s and then sends
// three requests, a second apart.
constexpr unsigned kGatewayTimeoutMs = 9000;

struct Way {
  Ipv4 destination;
  Route route;
};

// The route of one of three targets: the first that leaves by a gateway, since the lowest may by
// chance be a neighbour; else the first that there is.
Way find_way(const TargetSet& targets, int interface_index, const std::string& interface_name) {
  std::optional<Way> second_best;
  for (const std::uint64_t index : {std::uint64_t{0}, targets.size() / 2, targets.size() - 1}) {
    const Ipv4 destination = targets.at(index);
    const std::optional<Route> route = find_route(destination, interface_index);
    if (route && route->gateway) return {destination, *route};
    if (route && !second_best) second_best = Way{destination, *route};
  }
  if (second_best) return *second_best;
  throw UserError(ExitCode::environment,
                  fmt::format("there is no route to {}{}; see `ip route`", to_string(targets.at(0)),
                              interface_name.empty() ? "" : " out of " + interface_name));
}

// Frames need Ethernet; packets that the kernel routes do not.
bool takes_frames(const Interface& interface) {
  return interface.is_ethernet && !interface.is_loopback;
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

Ipv4 choose_source(const PathConfig& config, const Interface& interface, const Route* route) {
  if (config.source_ip) {
    if (!owns_address(interface, *config.source_ip))
      log_warning("{} is not an address of {}: replies arrive only if the network brings them here",
                  to_string(*config.source_ip), interface.name);
    return *config.source_ip;
  }
  if (route && route->source) return *route->source;
  if (const std::optional<Ipv4> address = find_source_address(interface)) return *address;
  throw UserError(ExitCode::environment,
                  fmt::format("{} has no IPv4 address; give one with --source-ip", interface.name));
}

// The interface's own networks, if any target is on them: a gateway does not lead back there.
std::vector<AddressRange> find_neighbours(const TargetSet& targets, const Interface& interface) {
  std::vector<AddressRange> networks = connected_networks(interface);
  const std::uint64_t elsewhere = count_addresses(subtract_ranges(targets.ranges(), networks));
  if (elsewhere == targets.size()) return {};
  log_info("{} of the targets are on the network of {} itself: they are sent by a raw socket",
           targets.size() - elsewhere, interface.name);
  return networks;
}

}  // namespace

NetworkPath find_network_path(const PathConfig& config, const TargetSet& targets) {
  NetworkPath path;
  path.gateway_mac = config.gateway_mac;
  const bool is_named = !config.interface_name.empty();
  if (is_named) {
    path.interface = find_interface(config.interface_name);
    check_interface(config, path.interface, {});
  }
  path.kernel_routes = config.method == Method::raw_socket;
  if (is_named && config.gateway_mac) {
    path.source = choose_source(config, path.interface, nullptr);
    return path;
  }
  const Way way = find_way(targets, path.interface.index, config.interface_name);
  if (!is_named) {
    path.interface = find_interface(way.route.interface_index);
    check_interface(config, path.interface, way.destination);
  }
  path.source = choose_source(config, path.interface, &way.route);
  if (config.gateway_mac || path.kernel_routes) return path;
  path.gateway = way.route.gateway;
  path.kernel_routes = !path.gateway || !takes_frames(path.interface);
  if (path.kernel_routes)
    log_info("{}: the kernel routes all probes, by a raw socket",
             takes_frames(path.interface)
                 ? fmt::format("there is no gateway to {} out of {}", to_string(way.destination),
                               path.interface.name)
                 : fmt::format("{} takes no frames", path.interface.name));
  else
    path.neighbours = find_neighbours(targets, path.interface);
  return path;
}

FrameAddresses resolve_frame_addresses(const NetworkPath& path, Clock& clock) {
  FrameAddresses addresses{path.interface.mac, {}, path.source};
  if (path.kernel_routes) return addresses;
  if (!path.gateway) {
    addresses.gateway_mac = path.gateway_mac.value();
    return addresses;
  }
  const std::optional<GatewayMac> resolved =
      resolve_gateway(path.interface, *path.gateway, clock, kGatewayTimeoutMs);
  if (!resolved)
    throw UserError(
        ExitCode::environment,
        fmt::format(
            "the gateway {} does not answer on {}; is it there? --gateway-mac names it by hand",
            to_string(*path.gateway), path.interface.name));
  if (!resolved->is_confirmed)
    log_warning("the gateway {} did not confirm its address {}; using it all the same",
                to_string(*path.gateway), to_string(resolved->mac));
  addresses.gateway_mac = resolved->mac;
  return addresses;
}

}  // namespace echoscan
