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

constexpr unsigned kLinkSettleMs = 50;
// A link that is down now is a problem now: a scan would wait for it in vain.
constexpr double kDownLinkTimeoutS = 1;
constexpr std::uint64_t kUsualRatePps = 10'000;
constexpr probe_key kKey{};

// From the network path on, as a scan opens its paths.
void open_paths(const PathConfig& config, const WayPlan& ways, bool opens, Clock& clock,
                Rehearsal& scan) {
  NetworkPath& network = *scan.network;
  const Interface& interface = network.interface;
  const std::vector<int> cpus = allowed_cpus();
  const Method method = network.kernel_routes ? Method::raw_socket : config.method;
  const unsigned queue_count = choose_queue_count(config.queues, interface, cpus.size());
  ReceivePath receive;
  if (opens) {
    raise_locked_memory_limit();
    receive = open_receive_path(method, network, kKey);
  } else {
    check_foreign_program(method, interface);
  }
  wait_for_carrier(interface, clock, kLinkSettleMs,
                   interface.has_carrier ? config.link_timeout_s : kDownLinkTimeoutS);
  resolve_gateways(ways.shares, network, clock);
  const FrameAddresses addresses = frame_addresses(network);
  if (!network.kernel_routes) scan.gateway_mac = addresses.gateway_mac;
  if (!opens) return;
  const TransmitSetup setup{interface,
                            FrameTemplate(addresses, kKey),
                            queue_count,
                            receive.is_xdp,
                            kUsualRatePps,
                            config.busy_poll,
                            clock,
                            cpus,
                            network.is_by_source,
                            !network.side_ways.empty()};
  OpenedQueues opened = open_queues(method, setup);
  split_ways(opened, setup, network, ways.map);
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
    scan.is_permission = error.code() == std::errc::operation_not_permitted;
    scan.refusal = fmt::format("cannot {}", error.what());
    if (scan.is_permission) scan.refusal += "; " + explain_refused_socket(current_privileges());
  }
  return scan;
}

}  // namespace echoscan
