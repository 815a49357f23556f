#include "scanner/path/standby_ways.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>

#include "scanner/network/fib.h"
#include "scanner/network/own_address.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

// An interface may go while all are looked at.
std::optional<Interface> look_for_interface(const std::string& name) {
  try {
    return find_interface(name);
  } catch (const UserError&) {
    return std::nullopt;
  }
}

// Whether a route to the first of the targets leads out of there, of whatever metric.
bool leads_there(const SideWay& way, std::span<const WayShare> ways) {
  const auto some =
      std::ranges::find_if(ways, [](const WayShare& share) { return !share.ranges.empty(); });
  if (some == ways.end()) return false;
  const std::array<Ipv4, 1> target{some->ranges.front().first};
  return !is_refusal(ask_ways(target, {std::nullopt, way.interface.index}).front().kind);
}

}  // namespace

std::vector<SideWay> find_standby_ways(const PathConfig& config, std::span<const WayShare> ways,
                                       const NetworkPath& path) {
  if (!config.interface_name.empty() || config.gateway_mac || !config.source_pool.empty())
    return {};
  std::set<int> used{path.interface.index};
  for (const SideWay& side : path.side_ways) used.insert(side.interface.index);
  std::vector<SideWay> standby;
  for (const std::string& name : interface_names()) {
    const std::optional<Interface> interface = look_for_interface(name);
    if (!interface || used.contains(interface->index) || !interface->is_up ||
        !takes_frames(*interface) || !fits_mtu(path, *interface))
      continue;
    if (const std::optional<Ipv4> source = find_source_address(*interface))
      standby.push_back({*interface, config.source_ip.value_or(*source)});
  }
  if (standby.size() > kStandbyMax) {
    std::stable_partition(standby.begin(), standby.end(),
                          [ways](const SideWay& way) { return leads_there(way, ways); });
    standby.erase(standby.begin() + kStandbyMax, standby.end());
  }
  for (const SideWay& way : standby)
    log_debug("{} stands by, should routes lead there", way.interface.name);
  return standby;
}

}  // namespace echoscan
