#include "scanner/path/port_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "output/summary/figure_text.h"
#include "scanner/network/dpdk_arguments.h"
#include "scanner/network/own_address.h"
#include "scanner/network/pci_card.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kPortAskNs = 200'000'000;
constexpr std::uint64_t kPortPollNs = 1'000'000;
constexpr double kPortGatewayTimeoutS = 9;  // as long as the kernel is given for it

// One unless more are asked for: a queue sends as fast as most cards do, and takes a CPU.
unsigned port_queue_count(unsigned asked, const Interface& interface) {
  if (asked > interface.queues)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--queues {}: {} has {} transmit queue{}", asked, interface.name,
                                interface.queues, plural(interface.queues)));
  return std::max(1U, asked);
}

// DPDK's name of the device. An interface that the kernel keeps stands for what shares it.
std::string device_of(const PathConfig& config) {
  const std::string& name = config.interface_name;
  if (!is_kernel_name(name, config.dpdk_args)) return name;
  if (std::optional<std::string> made = device_over(name, config.dpdk_args)) return *made;
  const std::optional<PciCard> card = find_card_of(name);
  if (!card)
    throw UserError(ExitCode::environment,
                    fmt::format("-i {}: that interface is on no PCI card, and no --vdev of "
                                "--dpdk-args is over it (iface={})",
                                name, name));
  if (!card->is_shared())
    throw UserError(ExitCode::environment,
                    fmt::format("-i {}: DPDK does not drive that card beside the kernel's {}; "
                                "`echoscan doctor -i {}` says how to hand it over",
                                name, card->driver, card->address));
  return card->address;
}

Gateway gateway_by(const NetworkPath& path, Ipv4 address) {
  return {path.interface.name,
          path.interface.index,
          path.interface.mac,
          address,
          {},
          path.source,
          true};
}

// The kernel's gateways, each once, and which of them each way is behind. Nothing is sent where the
// kernel would refuse to.
void take_gateways(std::span<const WayShare> ways, NetworkPath& path) {
  path.exit_of_way = {Exit{}};
  for (const WayShare& share : ways) {
    path.exit_of_way.push_back({0, NextHopTable::kNone});
    if (is_unroutable(share.way)) continue;
    const tl::expected<Exit, std::string> exit = find_port_exit(share, path);
    if (!exit)
      throw UserError(ExitCode::environment,
                      fmt::format("--method dpdk {}; scan these by another method, or name the way "
                                  "by --gateway",
                                  exit.error()));
    path.exit_of_way.back() = *exit;
  }
  if (path.gateways.empty())
    throw UserError(ExitCode::environment,
                    fmt::format("no target has a route out of {}; --gateway or --gateway-mac "
                                "names the next hop by hand",
                                path.interface.name));
}

// Asks until all have answered, or the time is over. Returns who has not.
std::map<std::uint8_t, NoGateway> ask_gateways(PortGatewayProbe& probe, std::span<Gateway> gateways,
                                               Clock& clock, double timeout_s) {
  std::map<std::uint8_t, NoGateway> silent;
  for (std::size_t i = 0; i < gateways.size(); ++i)
    silent.emplace(static_cast<std::uint8_t>(i), NoGateway::no_answer);
  const std::uint64_t begin_ns = clock.now_ns();
  std::uint64_t asked_ns = 0;
  while (!silent.empty() && to_seconds(clock.now_ns() - begin_ns) < timeout_s) {
    if (asked_ns == 0 || clock.now_ns() - asked_ns >= kPortAskNs) {
      for (const auto& [number, reason] : silent) probe.ask(number, std::nullopt);
      asked_ns = clock.now_ns();
    }
    while (const std::optional<GatewayProbe::Claim> claim = probe.next_claim()) {
      if (!claim->is_answer) continue;
      gateways[claim->gateway].mac = claim->mac;
      silent.erase(static_cast<std::uint8_t>(claim->gateway));
    }
    clock.wait_until(clock.now_ns() + kPortPollNs);
  }
  return silent;
}

// As told, else the kernel's for the way with the most targets.
Ipv4 source_of(const PathConfig& config, std::span<const WayShare> ways) {
  if (config.source_ip) return *config.source_ip;
  for (const WayShare& share : ways)
    if (!is_unroutable(share.way) && share.way.source) return *share.way.source;
  const std::optional<Ipv4> own = find_source_address(find_interface(config.interface_name));
  if (!own)
    throw UserError(ExitCode::environment,
                    fmt::format("{} has no IPv4 address to send from; --source-ip names one",
                                config.interface_name));
  return *own;
}

}  // namespace

NetworkPath find_port_path(const PathConfig& config, std::span<const WayShare> ways) {
  check_port_options(config);
  const bool is_shared = is_kernel_name(config.interface_name, config.dpdk_args);
  const std::string device = device_of(config);
  NetworkPath path;
  path.source = source_of(config, ways);
  path.port = DpdkPort::find(device, config.dpdk_args, std::max(1U, config.queues));
  path.interface = path.port->interface();
  if (is_shared) {
    path.interface.name = config.interface_name;
    path.interface.index = find_interface(config.interface_name).index;
    log_warning(
        "as long as DPDK has {}, what comes in there comes to this scan, and not to the kernel",
        config.interface_name);
  }
  path.queue_count = port_queue_count(config.queues, path.interface);
  path.sources = config.source_pool;
  path.frame_bytes = PROBE_FRAME_BYTES + config.payload.padding.size();
  path.vlan = config.vlan;
  path.arp = std::make_shared<PortArp>(
      path.port, ArpPeer(path.interface.mac, path.source, config.vlan, path.sources));
  path.gateway_mac = config.gateway_mac;
  path.exit_of_way.assign(ways.size() + 1, Exit{});
  if (path.gateway_mac) return path;
  if (!config.gateway) {
    take_gateways(ways, path);
  } else {
    path.gateways = {gateway_by(path, *config.gateway)};
  }
  return path;
}

std::map<std::uint8_t, NoGateway> resolve_port_gateways(NetworkPath& path, Clock& clock) {
  PortGatewayProbe probe(path.arp, path.gateways, ArpListener::watch);
  std::map<std::uint8_t, NoGateway> silent =
      ask_gateways(probe, path.gateways, clock, kPortGatewayTimeoutS);
  if (silent.contains(0))
    throw UserError(
        ExitCode::environment,
        fmt::format(
            "the gateway {} on {} does not answer ARP; is it there{}? --gateway-mac names it "
            "by hand",
            to_string(path.gateways.front().address), path.interface.name,
            path.vlan ? fmt::format(", and on VLAN {}", *path.vlan) : ", and on no VLAN"));
  return silent;
}

tl::expected<Exit, std::string> find_port_exit(const WayShare& share, NetworkPath& path) {
  const Ipv4* const address = std::get_if<Ipv4>(&share.way.next_hop);
  if (share.way.kind != Way::Kind::gateway || address == nullptr ||
      share.way.source.value_or(path.source) != path.source)
    return tl::unexpected(fmt::format("sends to IPv4 gateways, and from {}, which leaves out: {}",
                                      to_string(path.source), way_text(share)));
  const auto known = std::ranges::find(path.gateways, *address, &Gateway::address);
  const Exit exit{0, static_cast<std::uint8_t>(known - path.gateways.begin())};
  if (known != path.gateways.end()) return exit;
  if (path.gateways.size() == NextHopTable::kOther)
    return tl::unexpected(fmt::format("sends to no more than {} gateways", NextHopTable::kOther));
  path.gateways.push_back(gateway_by(path, *address));
  return exit;
}

tl::expected<MacAddress, NoGateway> find_port_gateway_mac(const Gateway& gateway,
                                                          const NetworkPath& path, Clock& clock,
                                                          double timeout_s) {
  PortGatewayProbe probe(path.arp, {gateway}, ArpListener::survey);
  // What was heard before the question is no answer to it.
  while (probe.next_claim()) {
  }
  Gateway asked = gateway;
  if (!ask_gateways(probe, {&asked, 1}, clock, timeout_s).empty())
    return tl::unexpected(NoGateway::no_answer);
  return asked.mac;
}

}  // namespace echoscan
