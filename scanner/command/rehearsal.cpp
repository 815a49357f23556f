#include "scanner/command/rehearsal.h"

#include <fmt/format.h>

#include <system_error>

#include "scanner/path/receive_path.h"
#include "scanner/path/transmit_path.h"
#include "scanner/plan/way_plan.h"
#include "scanner/process/limits.h"
#include "scanner/process/privileges.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

// A link that is down now is a problem now: a scan would wait for it in vain.
constexpr double kDownLinkTimeoutS = 1;
constexpr std::uint64_t kUsualRatePps = 10'000;
constexpr probe_key kRehearsalKey{};

// From the network path on, as a scan opens its paths.
void open_paths(const PathConfig& config, const WayPlan& ways, bool opens, Clock& clock,
                Rehearsal& scan) {
  NetworkPath& network = *scan.network;
  const Interface& interface = network.interface;
  const Method method = method_of(config, network);
  ReceivePath receive;
  if (opens) {
    raise_locked_memory_limit();
    receive = open_receive_path(method, network, kRehearsalKey, kUsualRatePps);
  } else {
    check_foreign_program(method, interface);
  }
  wait_for_carrier(interface, clock,
                   interface.has_carrier ? config.link_timeout_s : kDownLinkTimeoutS);
  for (const std::size_t way : resolve_gateways(scan.ways, network, clock))
    scan.ways[way].way.kind = Way::Kind::unreachable;
  const FrameAddresses addresses = frame_addresses(network);
  if (!network.kernel_routes) scan.gateway_mac = addresses.gateway_mac;
  if (!opens) return;
  const CurrentNextHops next_hops(next_hop_map(network, ways.map));
  open_queues(config, network, next_hops, FrameTemplate(addresses, kRehearsalKey),
              receive.source->rings(), kUsualRatePps, clock);
}

}  // namespace

Rehearsal rehearse(const PathConfig& config, std::span<const AddressRange> targets, bool opens,
                   Clock& clock) {
  Rehearsal scan;
  try {
    const WayPlan ways = plan_ways(config, targets);
    scan.ways = ways.shares;
    scan.network = find_network_path(config, ways.shares);
    open_paths(config, ways, opens, clock, scan);
  } catch (const UserError& error) {
    scan.refusal = error.what();
  } catch (const std::system_error& error) {
    scan.refusal = fmt::format("cannot {}", error.what());
    if (error.code() == std::errc::operation_not_permitted)
      scan.refusal += "; " + explain_refused_socket(current_privileges());
  }
  return scan;
}

}  // namespace echoscan
