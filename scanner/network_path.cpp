#include "scanner/network_path.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "scanner/route.h"
#include "scanner/user_error.h"

namespace echoscan {
namespace {

// A stale entry takes the kernel 5 s of doubt and three requests a second apart where it may not be
// told to ask at once.
constexpr unsigned kGatewayTimeoutMs = 9000;

template <typename... Arguments>
[[noreturn]] void refuse(fmt::format_string<Arguments...> sentence, Arguments&&... arguments) {
  throw UserError(ExitCode::environment,
                  fmt::format(sentence, std::forward<Arguments>(arguments)...));
}

struct Way {
  Ipv4 destination;
  Route route;
};

// The route of one of a few targets: the first that leaves by a gateway, since the lowest may by
// chance be a neighbour; else whatever route there is.
Way find_way(const TargetSet& targets, int interface_index, const std::string& interface_name) {
  std::optional<Way> second_best;
  for (const std::uint64_t index : {std::uint64_t{0}, targets.size() / 2, targets.size() - 1}) {
    const Ipv4 destination = targets.at(index);
    const std::optional<Route> route = find_route(destination, interface_index);
    if (route && route->gateway) return {destination, *route};
    if (route && !second_best) second_best = Way{destination, *route};
  }
  if (second_best) return *second_best;
  refuse("there is no route to {}{}; see `ip route`", to_string(targets.at(0)),
         interface_name.empty() ? "" : " out of " + interface_name);
}

void check_interface(const Interface& interface, Ipv4 destination, bool was_named) {
  const std::string chosen =
      was_named ? "" : fmt::format(", where the route to {} leads", to_string(destination));
  if (interface.is_loopback)
    refuse("{} is the loopback{}: frames cannot be sent on it; name an interface with -i",
           interface.name, chosen);
  if (!interface.is_ethernet)
    refuse("{}{} is not an Ethernet interface, and only those can be scanned from", interface.name,
           chosen);
  if (!interface.is_up)
    refuse("{}{} is down; `ip link set {} up` switches it on", interface.name, chosen,
           interface.name);
}

Ipv4 choose_source(const ScanConfig& config, const Interface& interface, const Route* route) {
  if (config.source_ip) {
    if (!owns_address(interface, *config.source_ip))
      spdlog::warn(
          "{} is not an address of {}: replies arrive only if the network brings them here",
          to_string(*config.source_ip), interface.name);
    return *config.source_ip;
  }
  if (route && route->source) return *route->source;
  if (const std::optional<Ipv4> address = find_source_address(interface)) return *address;
  refuse("{} has no IPv4 address; give one with --source-ip", interface.name);
}

// A gateway does not lead back to its own network: such targets may well stay silent.
void warn_of_neighbours(const TargetSet& targets, const Interface& interface) {
  const std::vector<AddressRange> networks = connected_networks(interface);
  const std::uint64_t elsewhere = count_addresses(subtract_ranges(targets.ranges(), networks));
  if (elsewhere < targets.size())
    spdlog::warn(
        "{} of the targets are on the network of {} itself; their probes go to the gateway like "
        "the others, which may not hand them on",
        targets.size() - elsewhere, interface.name);
}

}  // namespace

NetworkPath find_network_path(const ScanConfig& config, const TargetSet& targets) {
  NetworkPath path;
  const bool is_named = !config.interface_name.empty();
  if (is_named) path.interface = find_interface(config.interface_name);
  if (is_named && config.gateway_mac) {
    check_interface(path.interface, {}, true);
    path.source = choose_source(config, path.interface, nullptr);
    return path;
  }
  if (is_named) check_interface(path.interface, {}, true);
  const Way way = find_way(targets, path.interface.index, config.interface_name);
  if (!is_named) {
    path.interface = find_interface(way.route.interface_index);
    check_interface(path.interface, way.destination, false);
  }
  path.source = choose_source(config, path.interface, &way.route);
  if (config.gateway_mac) return path;
  path.gateway = way.route.gateway;
  if (!path.gateway)
    refuse(
        "there is no gateway to {} out of {}: targets on the interface's own network are not "
        "reached through one; name the next hop with --gateway-mac if there is one after all",
        to_string(way.destination), path.interface.name);
  warn_of_neighbours(targets, path.interface);
  return path;
}

FrameAddresses resolve_frame_addresses(const ScanConfig& config, const NetworkPath& path,
                                       Clock& clock) {
  FrameAddresses addresses{path.interface.mac, {}, path.source};
  if (!path.gateway) {
    addresses.gateway_mac = *config.gateway_mac;
    return addresses;
  }
  const std::optional<GatewayMac> resolved =
      resolve_gateway(path.interface, *path.gateway, clock, kGatewayTimeoutMs);
  if (!resolved)
    refuse("the gateway {} does not answer on {}; is it there? --gateway-mac names it by hand",
           to_string(*path.gateway), path.interface.name);
  if (!resolved->is_confirmed)
    spdlog::warn("the gateway {} did not confirm its address {}; using it all the same",
                 to_string(*path.gateway), to_string(resolved->mac));
  addresses.gateway_mac = resolved->mac;
  return addresses;
}

}  // namespace echoscan
