// Sending by a raw IPv4 socket: whole packets, which the kernel routes and resolves.
//
// It serves targets to which no gateway leads: neighbours, each with a MAC of its own; 127.0.0.0/8,
// to which the loopback takes no frames; tunnels without Ethernet. sendmmsg of 64 with IP_HDRINCL,
// so that the probe is the same. IP_RECVERR shows drops in netfilter and the queueing discipline,
// but not those for want of a link: that is looked at first. It is bound to its interface, or of
// two equal routes the kernel would take the other one, with a source that does not belong there.
// But to a bound socket every target is a neighbour once no route leads out of there, and the
// neighbour table of all namespaces is full in a moment: so when routes change, a batch's are asked
// for. What the kernel never sends to (a broadcast, a firewall) is `unroutable`; a lost route is
// waited for first.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "scanner/network/fib.h"
#include "scanner/network/link.h"
#include "scanner/network/route_news.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/transmit/method/message_batch.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

// Ancillary data with one number.
using RouteControl = std::array<std::uint8_t, CMSG_SPACE(sizeof(int))>;

class RawSocketTransmitter : public Transmitter {
 public:
  // How long a route that is gone is waited for, as far as the ways have not been asked for again
  // sooner, and how often: a rule that no plan can see is to cost a scan little.
  static constexpr std::uint64_t kRouteWaitNs = 3'000'000'000;
  static constexpr std::uint64_t kRouteWaitEveryNs = 60'000'000'000;

  // Sends out of `interface`, but to this host itself wherever the kernel routes that. With
  // `routes_by_source` rules by the probes' source hold. `changes` tells when routes change; null:
  // they do not. Throws std::system_error. The clock must outlive the transmitter.
  RawSocketTransmitter(const Interface& interface, const FrameTemplate& frame_template,
                       Clock& clock, bool routes_by_source = false,
                       std::shared_ptr<RouteChanges> changes = nullptr);

  std::size_t send(std::span<const Target> batch) override;
  // The kernel reports nothing of a packet after the call has returned.
  bool settle() override { return true; }
  void give_up() override {}
  [[nodiscard]] std::string mode() const override { return "raw socket"; }

 private:
  // How many of the first of a batch have a route, as far as they may have lost it.
  std::size_t count_routed(std::span<const Target> batch);
  // To the first of a batch there is none: it is to be tried again, or given up.
  std::size_t refuse(const Target& target, int error);

  Clock& clock_;
  InterfaceLink link_;
  FileDescriptor socket_;
  RouteControl control_;
  std::unique_ptr<MessageBatch> messages_;
  std::array<sockaddr_in, MessageBatch::kSize> addresses_{};
  WayQuestion question_;  // as the kernel asks itself for a packet of this socket
  std::shared_ptr<RouteChanges> changes_;
  std::uint32_t known_changes_ = 0;
  bool is_unsure_ = false;  // routes have changed, and no whole batch had one each since
  bool is_refused_ = false;
  std::optional<std::uint64_t> route_lost_ns_;  // when the last wait for a route began
};

}  // namespace echoscan
