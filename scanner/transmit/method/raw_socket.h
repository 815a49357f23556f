// Sending by a raw IPv4 socket: whole packets, which the kernel routes and resolves.
//
// It serves targets to which no gateway leads: those on the interface's own network, each with a
// MAC of its own; the loopback, which takes no frames for 127.0.0.0/8; tunnels without Ethernet. It
// uses sendmmsg of 64 with IP_HDRINCL, so that the probe is the same. Packets pass routing,
// netfilter and the queueing discipline, which costs. IP_RECVERR makes drops there visible as
// ENOBUFS, except one: a discipline without a link throws packets away and calls them sent. So the
// link is looked at after each batch, and a batch that may have met that is sent again. Targets to
// which the kernel never sends (no route, a broadcast address, a firewall) are given up as
// `unroutable`.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "scanner/network/link.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/transmit/method/message_batch.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

// Ancillary data with one number.
using RouteControl = std::array<std::uint8_t, CMSG_SPACE(sizeof(int))>;

class RawSocketTransmitter : public Transmitter {
 public:
  // Sends out of `interface`, but to this host itself wherever the kernel routes that. With
  // `routes_by_source` rules by the probes' source hold. Throws std::system_error. The clock must
  // outlive the transmitter.
  RawSocketTransmitter(const Interface& interface, const FrameTemplate& frame_template,
                       Clock& clock, bool routes_by_source = false);

  std::size_t send(std::span<const Target> batch) override;
  // The kernel reports nothing of a packet after the call has returned.
  bool settle() override { return true; }
  void give_up() override {}
  [[nodiscard]] std::string mode() const override { return "raw socket"; }

 private:
  Clock& clock_;
  InterfaceLink link_;
  FileDescriptor socket_;
  RouteControl control_;
  std::unique_ptr<MessageBatch> messages_;
  std::array<sockaddr_in, MessageBatch::kSize> addresses_{};
};

}  // namespace echoscan
