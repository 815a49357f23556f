#include "scanner/path/link_path.h"

#include <fmt/format.h>

#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "output/summary/figure_text.h"
#include "scanner/network/arp_probe.h"
#include "scanner/network/own_address.h"
#include "scanner/network/port_link.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kPortLinkPollNs = 10'000'000;
// Each is asked for every 10 ms, in 2 us.
constexpr std::size_t kWatchedSourcesMax = 64;

std::vector<Ipv4> watched_of_pool(std::span<const Ipv4> pool) {
  const std::vector<Ipv4> own = own_addresses_of(pool);
  if (own.size() > kWatchedSourcesMax)
    log_warning(
        "{} of this host's {} sources are watched: should another one be taken away, "
        "targets that are asked from it are called silent",
        kWatchedSourcesMax, with_thousands(own.size()));
  return spread_sample(own, kWatchedSourcesMax);
}

// Starting a card's queues has taken its link down; nothing has to be waited for before it goes.
void wait_for_port(const DpdkPort& port, Clock& clock, double timeout_s) {
  const std::string& name = port.interface().name;
  const std::uint64_t begin_ns = clock.now_ns();
  for (bool is_told = false; !port.is_link_up(); is_told = true) {
    if (!is_told) log_info("waiting for the link of {}", name);
    if (to_seconds(clock.now_ns() - begin_ns) > timeout_s)
      throw UserError(
          ExitCode::environment,
          fmt::format("the link of {} is down, for {} s now; is the cable in, is the other end up?",
                      name, timeout_s));
    clock.wait_until(clock.now_ns() + kPortLinkPollNs);
  }
}

}  // namespace

void wait_for_link(const NetworkPath& path, Clock& clock, double timeout_s) {
  if (path.port) {
    wait_for_port(*path.port, clock, timeout_s);
  } else {
    wait_for_carrier(path.interface, clock, timeout_s);
    // Attaching a filter may have restarted these, too. One whose link was down had no ways.
    for (const SideWay& side : path.side_ways)
      if (side.is_of_frames && side.interface.has_carrier)
        wait_for_carrier(side.interface, clock, timeout_s);
  }
}

std::unique_ptr<Link> open_link(const NetworkPath& path) {
  if (path.port) return std::make_unique<PortLink>(path.port);
  std::vector<Ipv4> watched = sources_of(path);
  if (!path.sources.empty()) watched = watched_of_pool(watched);
  std::set<int> further;
  for (const SideWay& side : path.side_ways) further.insert(side.interface.index);
  further.erase(path.interface.index);
  return std::make_unique<InterfaceLink>(path.interface, std::move(watched),
                                         std::vector<int>(further.begin(), further.end()));
}

std::unique_ptr<GatewayProbe> open_gateway_probe(const NetworkPath& path) {
  if (path.port)
    return std::make_unique<PortGatewayProbe>(path.arp, path.gateways, ArpListener::watch);
  std::vector<ArpProbe::Standby> standby;
  for (const SideWay& way : path.standby_ways)
    standby.push_back({way.interface.index, way.interface.name});
  return std::make_unique<ArpProbe>(path.gateways, standby);
}

std::vector<Summary::DriverCounter> read_driver_counters(const NetworkPath& path) {
  std::vector<Summary::DriverCounter> counters;
  if (!path.port) return counters;
  std::string text;
  for (const dpdk_named_count& named : path.port->named_counts()) {
    counters.push_back({named.name, named.count});
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", named.name, named.count);
  }
  if (!text.empty()) log_info("{} counted by itself: {}", path.interface.name, text);
  return counters;
}

}  // namespace echoscan
