#include "scanner/path/transmit_path.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <thread>

#include "scanner/path/neighbour_split.h"
#include "scanner/process/limits.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/method/af_packet.h"
#include "scanner/transmit/method/af_xdp.h"
#include "scanner/transmit/method/asio.h"
#include "scanner/transmit/method/live_program.h"
#include "scanner/transmit/method/packet_mmap.h"
#include "scanner/transmit/method/pcap.h"
#include "scanner/transmit/method/ping_socket.h"
#include "scanner/transmit/method/raw_socket.h"
#include "scanner/transmit/method/xdp_live.h"
#include "scanner/transmit/pacer.h"

namespace echoscan {
namespace {

// A queue's rate from which `auto` prefers live frames to AF_XDP's copy mode: that reaches 0.7 to
// 0.9 Mpps a core over veth, live frames three times as much; below, they spend a whole core where
// copy mode spends a part.
constexpr std::uint64_t kLiveMinPps = 500'000;

// All queues by AF_XDP in one mode.
Transmitters open_af_xdp_mode(const TransmitSetup& setup, AfXdpTransmitter::Mode mode,
                              std::string& reason) {
  if (setup.queue_count > setup.interface.queues) {
    reason = fmt::format("{} has {} transmit queue{}", setup.interface.name, setup.interface.queues,
                         setup.interface.queues == 1 ? "" : "s");
    return {};
  }
  Transmitters transmitters;
  for (unsigned queue = 0; queue < setup.queue_count; ++queue) {
    AfXdpTransmitter::Attempt attempt = AfXdpTransmitter::open(
        setup.interface, queue, mode, setup.frame_template, setup.busy_poll, setup.clock);
    if (!attempt.transmitter) {
      reason = fmt::format("queue {}: {}", queue, attempt.reason);
      return {};
    }
    transmitters.push_back(std::move(attempt.transmitter));
  }
  return transmitters;
}

Transmitters open_af_xdp(const TransmitSetup& setup, std::string& reason) {
  using Mode = AfXdpTransmitter::Mode;
  Transmitters transmitters = open_af_xdp_mode(setup, Mode::zero_copy, reason);
  if (!transmitters.empty()) return transmitters;
  spdlog::info("no AF_XDP zero-copy on {} ({}); trying copy mode", setup.interface.name, reason);
  return open_af_xdp_mode(setup, Mode::copy, reason);
}

Transmitters open_xdp_live(const TransmitSetup& setup, std::string& reason) {
  if (setup.queue_count > setup.cpus.size()) {
    reason = fmt::format("it needs a CPU for each queue, and there are {}", setup.cpus.size());
    return {};
  }
  return XdpLiveTransmitter::open(setup.interface, setup.frame_template,
                                  std::span(setup.cpus).first(setup.queue_count), setup.clock,
                                  reason);
}

// For methods that are a socket per queue, and whose constructor throws.
template <typename SocketTransmitter>
Transmitters open_each(const TransmitSetup& setup) {
  Transmitters transmitters;
  for (unsigned queue = 0; queue < setup.queue_count; ++queue)
    transmitters.push_back(
        std::make_unique<SocketTransmitter>(setup.interface, setup.frame_template, setup.clock));
  return transmitters;
}

bool is_rate_for_live(const TransmitSetup& setup) {
  return setup.rate_pps == Pacer::kUnlimited || setup.rate_pps / setup.queue_count >= kLiveMinPps;
}

// The best that works: down the ladder, each step with its reason.
Transmitters open_best(const TransmitSetup& setup) {
  using Mode = AfXdpTransmitter::Mode;
  if (setup.has_reply_filter) {
    std::string reason;
    Transmitters transmitters = open_af_xdp_mode(setup, Mode::zero_copy, reason);
    if (!transmitters.empty()) return transmitters;
    spdlog::info("no AF_XDP zero-copy on {} ({})", setup.interface.name, reason);
    if (is_rate_for_live(setup)) {
      transmitters = open_xdp_live(setup, reason);
      if (!transmitters.empty()) return transmitters;
      spdlog::info("no live frames on {} ({})", setup.interface.name, reason);
    }
    transmitters = open_af_xdp_mode(setup, Mode::copy, reason);
    if (!transmitters.empty()) return transmitters;
    spdlog::warn("no AF_XDP on {} ({}); sending by AF_PACKET", setup.interface.name, reason);
  }
  return open_each<AfPacketTransmitter>(setup);
}

}  // namespace

Transmitters open_method(Method method, const TransmitSetup& setup, std::string& reason) {
  switch (method) {
    case Method::automatic:
      return open_best(setup);
    case Method::af_xdp:
      return open_af_xdp(setup, reason);
    case Method::af_xdp_copy:
      return open_af_xdp_mode(setup, AfXdpTransmitter::Mode::copy, reason);
    case Method::xdp_live:
      return open_xdp_live(setup, reason);
    case Method::af_packet:
      return open_each<AfPacketTransmitter>(setup);
    case Method::packet_mmap:
      return open_each<PacketMmapTransmitter>(setup);
    case Method::pcap:
      return open_each<PcapTransmitter>(setup);
    case Method::raw_socket:
      return open_each<RawSocketTransmitter>(setup);
    case Method::ping_socket:
      return open_each<PingSocketTransmitter>(setup);
    case Method::asio:
      return open_each<AsioTransmitter>(setup);
  }
  return {};
}

std::string try_af_xdp(const Interface& interface, bool zero_copy, Clock& clock) {
  using Mode = AfXdpTransmitter::Mode;
  return AfXdpTransmitter::try_bind(interface, 0, zero_copy ? Mode::zero_copy : Mode::copy, clock);
}

std::string try_xdp_live(const Interface& interface, int cpu) {
  const LiveProgram::Attempt attempt =
      LiveProgram::load(interface, FrameTemplate({}, {}), std::span(&cpu, 1));
  if (!attempt.program) return attempt.reason;
  std::string reason;
  std::thread([&] {
    pin_to(cpu);
    reason = attempt.program->prove_mechanism(interface, 0);
  }).join();
  return reason;
}

Transmitters split_neighbours(Transmitters transmitters, const TransmitSetup& setup,
                              const std::vector<AddressRange>& networks) {
  Transmitters near = open_each<RawSocketTransmitter>(setup);
  for (std::size_t queue = 0; queue < transmitters.size(); ++queue)
    transmitters[queue] = std::make_unique<NeighbourSplit>(std::move(transmitters[queue]),
                                                           std::move(near[queue]), networks);
  return transmitters;
}

Transmitters open_transmitters(Method method, const TransmitSetup& setup) {
  std::string reason;
  Transmitters transmitters = open_method(method, setup, reason);
  if (transmitters.empty())
    throw UserError(ExitCode::environment,
                    fmt::format("cannot send by {} on {} ({}); use --method af_packet",
                                traits_of(method).name, setup.interface.name, reason));
  return transmitters;
}

}  // namespace echoscan
