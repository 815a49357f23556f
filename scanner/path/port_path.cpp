#include "scanner/path/port_path.h"

#include <fmt/format.h>

#include <algorithm>

#include "output/summary/figure_text.h"
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

}  // namespace

NetworkPath find_port_path(const PathConfig& config, std::span<const WayShare> ways) {
  check_port_options(config);
  NetworkPath path;
  path.port = DpdkPort::find(config.interface_name, config.dpdk_args, std::max(1U, config.queues));
  path.interface = path.port->interface();
  path.queue_count = port_queue_count(config.queues, path.interface);
  path.source = *config.source_ip;
  path.sources = config.source_pool;
  path.frame_bytes = PROBE_FRAME_BYTES + config.payload.padding.size();
  path.vlan = config.vlan;
  path.arp = std::make_shared<PortArp>(
      path.port, ArpPeer(path.interface.mac, path.source, config.vlan, path.sources));
  path.gateway_mac = config.gateway_mac;
  if (!path.gateway_mac)
    path.gateways = {{path.interface.name,
                      path.interface.index,
                      path.interface.mac,
                      *config.gateway,
                      {},
                      path.source,
                      true}};
  path.exit_of_way.assign(ways.size() + 1, Exit{});
  return path;
}

void resolve_port_gateway(NetworkPath& path, Clock& clock) {
  if (path.gateways.empty()) return;
  Gateway& gateway = path.gateways.front();
  PortGatewayProbe probe(path.arp, path.gateways);
  const std::uint64_t begin_ns = clock.now_ns();
  std::uint64_t asked_ns = 0;
  while (to_seconds(clock.now_ns() - begin_ns) < kPortGatewayTimeoutS) {
    if (asked_ns == 0 || clock.now_ns() - asked_ns >= kPortAskNs) {
      probe.ask(0, std::nullopt);
      asked_ns = clock.now_ns();
    }
    while (const std::optional<GatewayProbe::Claim> claim = probe.next_claim()) {
      if (!claim->is_answer) continue;
      gateway.mac = claim->mac;
      return;
    }
    clock.wait_until(clock.now_ns() + kPortPollNs);
  }
  throw UserError(
      ExitCode::environment,
      fmt::format("the gateway {} on {} does not answer ARP; is it there{}? --gateway-mac names it "
                  "by hand",
                  to_string(gateway.address), gateway.interface_name,
                  path.vlan ? fmt::format(", and on VLAN {}", *path.vlan) : ", and on no VLAN"));
}

}  // namespace echoscan
