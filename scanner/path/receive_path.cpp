#include "scanner/path/receive_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "scanner/network/xdp_occupant.h"
#include "scanner/process/log.h"
#include "scanner/process/stage_timer.h"
#include "scanner/process/user_error.h"
#include "scanner/receive/source/dpdk_receiver.h"
#include "scanner/receive/source/joined_source.h"
#include "scanner/receive/source/packet_receiver.h"
#include "scanner/receive/source/ring_size.h"
#include "scanner/receive/source/xdp_reply_filter.h"
#include "scanner/transmit/method/dpdk.h"
#include "scanner/transmit/pacer.h"

namespace echoscan {
namespace {

// 4 MiB, since raw sockets send a tenth of what the scan's method may.
constexpr unsigned kSideBlocks = 64;
constexpr unsigned kStandbyBlocks = 32;
constexpr std::uint64_t kPredecessorPollNs = 200'000'000;

// A reply may come in by any of the path's interfaces, whichever of its sources it goes to.
match_config match_on(const NetworkPath& path, const probe_key& key) {
  if (!path.sources.empty()) {
    const std::span<const Ipv4> pool = path.sources.addresses();
    return {key, pool.front().value, pool.back().value - pool.front().value};
  }
  std::vector<Ipv4> sources = sources_of(path);
  for (const SideWay& standby : path.standby_ways) sources.push_back(standby.source);
  const bool is_one =
      std::ranges::all_of(sources, [&sources](Ipv4 source) { return source == sources.front(); });
  return {key, is_one ? sources.front().value : 0, 0};
}

// For what is sent within a round trip, if everybody answers.
RingDemand ring_demand(const NetworkPath& path, ProbeRate rate_pps) {
  std::set<int> interfaces{path.interface.index};
  for (const SideWay& side : path.side_ways)
    if (side.is_of_frames) interfaces.insert(side.interface.index);
  const std::uint64_t replies_under_way = rate_pps == Pacer::kUnlimited
                                              ? std::numeric_limits<std::uint64_t>::max()
                                              : rate_pps.whole_pps() / 1000 * kRoundTripMs;
  return {replies_under_way, static_cast<int>(interfaces.size())};
}

// Whether the scan is refused when the reply filter cannot be attached.
bool needs_filter(Method method, bool is_foreign) {
  return method == Method::automatic ? is_foreign : traits_of(method).needs_reply_filter;
}

[[noreturn]] void refuse_filter(const Interface& interface, const std::string& reason,
                                const std::string& remedy) {
  throw UserError(ExitCode::environment,
                  fmt::format("cannot attach to {}: {}; {}use --method af_packet", interface.name,
                              reason, remedy.empty() ? "" : remedy + " or "));
}

using AttachedFilter = tl::expected<std::unique_ptr<XdpReplyFilter>, XdpReplyFilter::NoXdp>;

// Tries to attach again and again as long as another scan's filter is there, and somebody is
// patient: to look whether it is gone, and only then to attach, would let a third one in between.
AttachedFilter attach_filter(Method method, const Interface& interface, const match_config& match,
                             const RingDemand& demand, const std::optional<Patience>& patience) {
  AttachedFilter filter = XdpReplyFilter::attach(interface, match, demand);
  if (!patience || !needs_filter(method, true)) return filter;
  const std::uint64_t begin_ns = patience->clock.now_ns();
  for (bool is_told = false; !filter && filter.error().is_echoscan; is_told = true) {
    if (to_seconds(patience->clock.now_ns() - begin_ns) >= patience->wait_s)
      throw UserError(
          ExitCode::later,
          fmt::format("cannot attach to {}: {}, still after {} s (--wait); wait for its "
                      "end or use --method af_packet",
                      interface.name, filter.error().reason, patience->wait_s));
    if (!is_told)
      log_warning("{}: {}: waiting for its end, {} s at most (--wait)", interface.name,
                  filter.error().reason, patience->wait_s);
    patience->clock.wait_until(patience->clock.now_ns() + kPredecessorPollNs);
    filter = XdpReplyFilter::attach(interface, match, demand);
  }
  return filter;
}

void warn_of_generic_mode(const XdpReplyFilter& filter, const Interface& interface) {
  if (const std::optional<Refusal>& why_not_native = filter.why_not_native())
    log_warning("no native XDP on {} ({}): replies are matched in generic mode, which is slower",
                interface.name, why_not_native->reason);
}

// On one interface.
ReceivePath open_receiver(Method method, const Interface& interface, const match_config& match,
                          const RingDemand& demand, const std::optional<Patience>& patience) {
  if (!interface.is_ethernet && !interface.is_loopback) {
    log_info("no Ethernet on {}: replies are received by AF_PACKET", interface.name);
    return {std::make_unique<PacketReceiver>(interface, match), false};
  }
  AttachedFilter filter = attach_filter(method, interface, match, demand, patience);
  if (filter) {
    warn_of_generic_mode(**filter, interface);
    return {std::move(*filter), true};
  }
  const XdpReplyFilter::NoXdp& why = filter.error();
  if (needs_filter(method, why.is_foreign)) refuse_filter(interface, why.reason, why.remedy);
  auto receiver = std::make_unique<PacketReceiver>(interface, match);
  log_warning("no XDP on {}, {}: {} AF_PACKET", interface.name, why.reason,
              method == Method::automatic ? "sending and receiving by" : "replies are received by");
  return {std::move(receiver), false};
}

// On an interface that side ways leave by: none of them needs the filter.
std::unique_ptr<ReplySource> open_side_receiver(const SideWay& side, const match_config& match,
                                                const RingDemand& demand) {
  if (side.is_of_frames) {
    AttachedFilter filter = XdpReplyFilter::attach(side.interface, match, demand);
    if (filter) {
      warn_of_generic_mode(**filter, side.interface);
      return std::move(*filter);
    }
    log_warning("no XDP on {}, {}: replies are received by AF_PACKET there", side.interface.name,
                filter.error().reason);
  }
  return std::make_unique<PacketReceiver>(side.interface, match, kSideBlocks);
}

// A card receives from the moment on that its queues are set up, and those that send with them.
ReceivePath open_port(const NetworkPath& path, const match_config& match) {
  path.port->open(path.queue_count,
                  path.frame_bytes + (path.vlan ? DpdkTransmitter::kTagBytes : 0));
  return {std::make_unique<DpdkReceiver>(path.port, path.arp, match), false};
}

}  // namespace

ReceivePath open_receive_path(Method method, const NetworkPath& path, const probe_key& key,
                              ProbeRate rate_pps, const std::optional<Patience>& patience) {
  const StageTimer timer("receiver");
  if (path.port) return open_port(path, match_on(path, key));
  const RingDemand demand = ring_demand(path, rate_pps);
  ReceivePath receive =
      open_receiver(method, path.interface, match_on(path, key), demand, patience);
  std::vector<std::unique_ptr<ReplySource>> sources;
  std::vector<std::string> interfaces{path.interface.name};
  sources.push_back(std::move(receive.source));
  std::set<int> watched{path.interface.index};
  // Those of frames first, as an interface may have both.
  for (const bool is_of_frames : {true, false})
    for (const SideWay& side : path.side_ways)
      if (side.is_of_frames == is_of_frames && watched.insert(side.interface.index).second) {
        sources.push_back(open_side_receiver(side, match_on(path, key), demand));
        interfaces.push_back(side.interface.name);
      }
  for (const SideWay& standby : path.standby_ways) {
    sources.push_back(
        std::make_unique<PacketReceiver>(standby.interface, match_on(path, key), kStandbyBlocks));
    interfaces.push_back(standby.interface.name);
  }
  receive.source = sources.size() == 1
                       ? std::move(sources.front())
                       : std::make_unique<JoinedSource>(std::move(sources), std::move(interfaces));
  return receive;
}

void check_foreign_program(Method method, const Interface& interface) {
  if (!interface.is_ethernet && !interface.is_loopback) return;
  const std::optional<XdpOccupant> occupant = find_xdp_occupant(interface);
  if (occupant && needs_filter(method, true))
    refuse_filter(interface, occupant->clause(), occupant->remedy());
}

XdpTrial try_xdp(const Interface& interface) {
  auto filter = XdpReplyFilter::attach(interface, {}, {});
  XdpTrial trial;
  if (!filter) {
    trial.native = refused(filter.error().reason, filter.error().native_error);
    trial.generic = refused(filter.error().reason, filter.error().error);
    return trial;
  }
  if (const std::optional<Refusal>& why_not_native = (*filter)->why_not_native())
    trial.native = tl::make_unexpected(*why_not_native);
  trial.source = std::move(*filter);
  return trial;
}

}  // namespace echoscan
