// Sending by a raw IPv4 socket: whole packets, which the kernel routes and resolves.
//
// It serves targets to which no gateway leads: neighbours, each with a MAC of its own; 127.0.0.0/8,
// to which the loopback takes no frames; tunnels without Ethernet. sendmmsg of 64 with IP_HDRINCL,
// so that the probe is the same. IP_RECVERR makes drops in netfilter and the queueing discipline
// visible, except one: without a link packets are thrown away and called sent. So the link is
// looked at first, and a batch that may have met that is sent again. What the kernel never sends to
// (a broadcast address, a firewall) is `unroutable`; a route that is gone is waited for first,
// since there may be another soon. Rejected: to bind it to the interface, unless `-i` says so. A
// bound one takes every target for a neighbour once no route leads out of there, and fills the
// neighbour table of all namespaces in a moment.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "scanner/network/link.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/transmit/method/message_batch.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

// Ancillary data with one number.
using RouteControl = std::array<std::uint8_t, CMSG_SPACE(sizeof(int))>;

// What the kernel's choice of a route goes by, beside the target.
struct RouteSelectors {
  bool interface = false;  // only routes that lead out of it
  bool source = false;     // rules by the probes' source
};

class RawSocketTransmitter : public Transmitter {
 public:
  // How long a route that is gone is waited for, as far as the ways have not been asked for again
  // sooner, and how often: a rule that no plan can see is to cost a scan little.
  static constexpr std::uint64_t kRouteWaitNs = 3'000'000'000;
  static constexpr std::uint64_t kRouteWaitEveryNs = 60'000'000'000;

  // Sends while `interface` has a link, by the kernel's routes. Throws std::system_error. The clock
  // must outlive the transmitter.
  RawSocketTransmitter(const Interface& interface, const FrameTemplate& frame_template,
                       Clock& clock, RouteSelectors selectors = {});

  std::size_t send(std::span<const Target> batch) override;
  // The kernel reports nothing of a packet after the call has returned.
  bool settle() override { return true; }
  void give_up() override {}
  [[nodiscard]] std::string mode() const override { return "raw socket"; }

 private:
  // Whether what the kernel has just refused for want of a route is to be tried again.
  bool waits_for_route();

  Clock& clock_;
  InterfaceLink link_;
  FileDescriptor socket_;
  RouteControl control_;
  std::unique_ptr<MessageBatch> messages_;
  std::array<sockaddr_in, MessageBatch::kSize> addresses_{};
  std::optional<std::uint64_t> route_lost_ns_;  // when the last wait for a route began
};

}  // namespace echoscan
