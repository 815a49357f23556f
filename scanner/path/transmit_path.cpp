#include "scanner/path/transmit_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "output/summary/figure_text.h"
#include "scanner/path/way_split.h"
#include "scanner/process/limits.h"
#include "scanner/process/log.h"
#include "scanner/process/stage_timer.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/method/af_packet.h"
#include "scanner/transmit/method/af_xdp.h"
#include "scanner/transmit/method/asio.h"
#include "scanner/transmit/method/dpdk.h"
#include "scanner/transmit/method/live_program.h"
#include "scanner/transmit/method/packet_mmap.h"
#include "scanner/transmit/method/pcap.h"
#include "scanner/transmit/method/ping_socket.h"
#include "scanner/transmit/method/raw_socket.h"
#include "scanner/transmit/method/xdp_live.h"
#include "scanner/transmit/pacer.h"

namespace echoscan {
namespace {

// The rate of a queue from which on `auto` prefers live frames to AF_XDP's copy mode. Copy mode
// reaches 0.7 to 0.9 Mpps a core over veth, live frames three times as much; but they take a whole
// core even at lower rates, where copy mode takes a part of one.
constexpr std::uint64_t kLiveMinPps = 500'000;

using Attempt = tl::expected<OpenedQueues, Refusal>;

// All queues by AF_XDP in one mode.
Attempt open_af_xdp_mode(const TransmitSetup& setup, AfXdpTransmitter::Mode mode) {
  if (setup.queue_count > setup.interface.queues)
    return refused(fmt::format("{} has {} transmit queue{}", setup.interface.name,
                               setup.interface.queues, plural(setup.interface.queues)));
  OpenedQueues opened;
  for (unsigned queue = 0; queue < setup.queue_count; ++queue) {
    tl::expected<std::unique_ptr<AfXdpTransmitter>, Refusal> transmitter = AfXdpTransmitter::open(
        setup.interface, queue, mode, setup.frame_template, setup.busy_poll, setup.clock);
    if (!transmitter)
      return refused(fmt::format("queue {}: {}", queue, transmitter.error().reason),
                     transmitter.error().error);
    opened.transmitters.push_back(std::move(*transmitter));
  }
  return opened;
}

Attempt open_af_xdp_zero_copy(const TransmitSetup& setup) {
  return open_af_xdp_mode(setup, AfXdpTransmitter::Mode::zero_copy);
}

Attempt open_af_xdp_copy(const TransmitSetup& setup) {
  return open_af_xdp_mode(setup, AfXdpTransmitter::Mode::copy);
}

Attempt open_af_xdp(const TransmitSetup& setup) {
  Attempt opened = open_af_xdp_zero_copy(setup);
  if (opened) return opened;
  log_info("no AF_XDP zero-copy on {} ({}); trying copy mode", setup.interface.name,
           opened.error().reason);
  return open_af_xdp_copy(setup);
}

// The program paces from kPaceMinPps a queue on, unless there are side ways: their raw sockets
// keep no rate, and one pacer has to count both.
Attempt open_xdp_live(const TransmitSetup& setup) {
  if (setup.frame_template.has_pool())
    return refused("its program in the kernel knows one source, and --source-ip names several");
  if (setup.queue_count > setup.cpus.size())
    return refused(
        fmt::format("it needs a CPU for each queue, and there are {}", setup.cpus.size()));
  const bool keeps_rate =
      setup.rate_pps != Pacer::kUnlimited && !setup.has_side_ways &&
      setup.rate_pps.whole_pps() / setup.queue_count >= XdpLiveTransmitter::kPaceMinPps;
  std::vector<XdpLiveTransmitter::QueueSetup> queues;
  for (unsigned queue = 0; queue < setup.queue_count; ++queue)
    queues.push_back(
        {setup.cpus[queue], rate_share(setup.rate_pps, queue, setup.queue_count), keeps_rate});
  auto transmitters = XdpLiveTransmitter::open(setup.interface, setup.frame_template, queues,
                                               setup.reply_rings, setup.clock);
  if (!transmitters) return tl::make_unexpected(transmitters.error());
  return OpenedQueues{std::move(*transmitters), keeps_rate, true};
}

// Opens the methods that are a socket per queue and whose constructor throws.
template <typename SocketTransmitter>
Attempt open_each(const TransmitSetup& setup) {
  OpenedQueues opened;
  for (unsigned queue = 0; queue < setup.queue_count; ++queue)
    opened.transmitters.push_back(
        std::make_unique<SocketTransmitter>(setup.interface, setup.frame_template, setup.clock));
  return opened;
}

Attempt open_raw_sockets(const TransmitSetup& setup) {
  OpenedQueues opened;
  for (unsigned queue = 0; queue < setup.queue_count; ++queue)
    opened.transmitters.push_back(
        std::make_unique<RawSocketTransmitter>(setup.interface, setup.frame_template, setup.clock,
                                               setup.routes_by_source, setup.route_changes));
  return opened;
}

Attempt open_port_queues(const TransmitSetup& setup) {
  if (!setup.port) return refused("it needs a card that the kernel does not drive");
  OpenedQueues opened;
  for (unsigned queue = 0; queue < setup.queue_count; ++queue)
    opened.transmitters.push_back(std::make_unique<DpdkTransmitter>(
        setup.port, queue, setup.frame_template, setup.vlan, setup.clock));
  return opened;
}

bool can_have_xdp(const TransmitSetup& setup) {
  return static_cast<bool>(setup.reply_rings);
}

bool is_for_live(const TransmitSetup& setup) {
  return can_have_xdp(setup) && (setup.rate_pps == Pacer::kUnlimited ||
                                 setup.rate_pps.whole_pps() / setup.queue_count >= kLiveMinPps);
}

bool is_always(const TransmitSetup&) {
  return true;
}

// A step of `auto`: whether to try it, how to open it, and what to say when it fails.
struct Step {
  bool (*is_worth_trying)(const TransmitSetup& setup);
  Attempt (*open)(const TransmitSetup& setup);
  LogLevel log_level;
  const char* what;     // that there is none of
  const char* instead;  // behind the reason
};

constexpr std::array kLadder{
    Step{can_have_xdp, open_af_xdp_zero_copy, LogLevel::info, "AF_XDP zero-copy", ""},
    Step{is_for_live, open_xdp_live, LogLevel::info, "live frames", ""},
    Step{can_have_xdp, open_af_xdp_copy, LogLevel::warning, "AF_XDP", "; sending by AF_PACKET"},
    Step{is_always, open_each<AfPacketTransmitter>, LogLevel::warning, "AF_PACKET", ""},
};

// Goes down the ladder to the best method that works, and logs why each step before it does not.
Attempt open_best(const TransmitSetup& setup) {
  Attempt opened = refused("no method was tried");
  for (const Step& step : kLadder) {
    if (!step.is_worth_trying(setup)) continue;
    opened = step.open(setup);
    if (opened) break;
    log_at(step.log_level, "no {} on {} ({}){}", step.what, setup.interface.name,
           opened.error().reason, step.instead);
  }
  return opened;
}

// By which method frames leave another interface than the path's: as the path's own, but that live
// frames need a CPU for each queue, and have them all.
Attempt open_side_queues(Method method, const TransmitSetup& setup) {
  if (method != Method::automatic && method != Method::xdp_live) return open_method(method, setup);
  Attempt opened = open_af_xdp_zero_copy(setup);
  return opened ? std::move(opened) : open_af_xdp_copy(setup);
}

// One transmitter for each of the path's queues, by the side way's own queues as far as there are
// some, and by AF_PACKET sockets, which need none, from there on.
std::vector<std::unique_ptr<Transmitter>> open_side_frames(Method method, const SideWay& side,
                                                           const TransmitSetup& path_setup) {
  TransmitSetup setup{side.interface,
                      path_setup.frame_template.out_of(side.interface.mac, side.source),
                      std::min(path_setup.queue_count, side.interface.queues),
                      {},
                      path_setup.rate_pps,
                      path_setup.busy_poll,
                      path_setup.clock,
                      path_setup.cpus};
  std::vector<std::unique_ptr<Transmitter>> transmitters;
  Attempt opened = open_side_queues(method, setup);
  if (opened) {
    transmitters = std::move(opened->transmitters);
  } else {
    log_warning(
        "{} to gateways on {} ({}): sending there by AF_PACKET",
        method == Method::automatic ? "no AF_XDP" : fmt::format("no {}", traits_of(method).name),
        side.interface.name, opened.error().reason);
  }
  while (transmitters.size() < path_setup.queue_count)
    transmitters.push_back(
        std::make_unique<AfPacketTransmitter>(side.interface, setup.frame_template, setup.clock));
  return transmitters;
}

// A raw socket of a side way; the kernel writes the Ethernet header.
std::unique_ptr<Transmitter> open_side_socket(const SideWay& side, const TransmitSetup& setup) {
  return std::make_unique<RawSocketTransmitter>(
      side.interface, setup.frame_template.out_of({}, side.source), setup.clock, side.is_by_source,
      setup.route_changes);
}

bool has_raw_sockets(const NetworkPath& path) {
  return path.kernel_routes || !path.side_ways.empty() || !path.standby_ways.empty();
}

// Puts a transmitter of each side way beside each queue, which goes on sending by the path's own
// way.
void split_ways(Method method, OpenedQueues& opened, const TransmitSetup& setup,
                const NetworkPath& path, const CurrentNextHops& next_hops) {
  if (path.side_ways.empty() && path.standby_ways.empty()) return;
  std::vector<std::vector<std::unique_ptr<Transmitter>>> parts(opened.transmitters.size());
  for (std::size_t queue = 0; queue < parts.size(); ++queue)
    parts[queue].push_back(std::move(opened.transmitters[queue]));
  for (const SideWay& side : path.side_ways) {
    std::vector<std::unique_ptr<Transmitter>> frames;
    if (side.is_of_frames) frames = open_side_frames(method, side, setup);
    for (std::size_t queue = 0; queue < parts.size(); ++queue)
      parts[queue].push_back(side.is_of_frames ? std::move(frames[queue])
                                               : open_side_socket(side, setup));
  }
  for (std::vector<std::unique_ptr<Transmitter>>& of_queue : parts)
    for (const SideWay& standby : path.standby_ways)
      of_queue.push_back(open_side_socket(standby, setup));
  for (std::size_t queue = 0; queue < parts.size(); ++queue)
    opened.transmitters[queue] =
        std::make_unique<WaySplit>(std::move(parts[queue]), next_hops, path.side_ways.size() + 1);
}

}  // namespace

tl::expected<OpenedQueues, Refusal> open_method(Method method, const TransmitSetup& setup) {
  switch (method) {
    case Method::automatic:
      return open_best(setup);
    case Method::af_xdp:
      return open_af_xdp(setup);
    case Method::af_xdp_copy:
      return open_af_xdp_copy(setup);
    case Method::xdp_live:
      return open_xdp_live(setup);
    case Method::af_packet:
      return open_each<AfPacketTransmitter>(setup);
    case Method::packet_mmap:
      return open_each<PacketMmapTransmitter>(setup);
    case Method::pcap:
      return open_each<PcapTransmitter>(setup);
    case Method::raw_socket:
      return open_raw_sockets(setup);
    case Method::ping_socket:
      return open_each<PingSocketTransmitter>(setup);
    case Method::asio:
      return open_each<AsioTransmitter>(setup);
    case Method::dpdk:
    case Method::dpdk_null:
      return open_port_queues(setup);
  }
  return refused("there is no such method");
}

tl::expected<void, Refusal> try_af_xdp(const Interface& interface, bool zero_copy, Clock& clock) {
  using Mode = AfXdpTransmitter::Mode;
  return AfXdpTransmitter::try_bind(interface, 0, zero_copy ? Mode::zero_copy : Mode::copy, clock);
}

tl::expected<void, Refusal> try_xdp_live(const Interface& interface, int cpu) {
  const tl::expected<std::shared_ptr<LiveProgram>, Refusal> program =
      LiveProgram::load(interface, FrameTemplate({}, {}), std::span(&cpu, 1), {});
  if (!program) return tl::make_unexpected(program.error());
  tl::expected<void, Refusal> proof;
  std::thread([&] {
    pin_to(cpu);
    proof = (*program)->prove_mechanism(interface, 0);
  }).join();
  return proof;
}

ProbeRate rate_share(ProbeRate rate_pps, unsigned queue, unsigned queue_count) {
  if (rate_pps == Pacer::kUnlimited) return Pacer::kUnlimited;
  // A share of 0 would mean no limit.
  const std::uint64_t thousandths = rate_pps.thousandths();
  const std::uint64_t share = thousandths / queue_count + (queue < thousandths % queue_count);
  return ProbeRate::of_thousandths(std::max<std::uint64_t>(1, share));
}

OpenedQueues open_queues(const PathConfig& config, const NetworkPath& path,
                         const CurrentNextHops& next_hops, const FrameTemplate& frame_template,
                         const ReplyRings& reply_rings, ProbeRate rate_pps, Clock& clock) {
  const StageTimer timer("transmitters");
  const std::vector<int> cpus = allowed_cpus();
  const TransmitSetup setup{path.interface,
                            frame_template,
                            path.queue_count,
                            reply_rings,
                            rate_pps,
                            config.busy_poll,
                            clock,
                            cpus,
                            path.is_by_source,
                            !path.side_ways.empty() || !path.standby_ways.empty(),
                            path.port,
                            path.vlan,
                            has_raw_sockets(path) ? std::make_shared<RouteChanges>() : nullptr};
  const Method method = method_of(config, path);
  Attempt opened = open_method(method, setup);
  if (!opened)
    throw UserError(
        ExitCode::environment,
        fmt::format("cannot send by {} on {} ({}); use --method af_packet", traits_of(method).name,
                    path.interface.name, opened.error().reason));
  split_ways(method, *opened, setup, path, next_hops);
  return std::move(*opened);
}

}  // namespace echoscan
