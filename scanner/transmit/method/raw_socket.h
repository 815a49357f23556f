// Sending by a raw IPv4 socket: whole packets, which the kernel routes and resolves.
//
// The way for what has no gateway: targets on the interface's own network, each with a MAC of its
// own; the loopback, which takes no frames for 127.0.0.0/8; tunnels without Ethernet. sendmmsg of
// 64 with IP_HDRINCL, so that the probe is the same. It passes routing, netfilter and the queueing
// discipline, and that costs. IP_RECVERR makes drops on that way visible as ENOBUFS. One is not: a
// discipline without a link behind it throws packets away and calls them sent, so the link is
// looked at after each batch, and a batch that may have met that is sent again. What the kernel
// will never send (no route, a broadcast address, a firewall) is given up as `unroutable`.
#pragma once

#include <netinet/in.h>

#include <array>
#include <memory>

#include "scanner/network/link.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/transmit/method/message_batch.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class RawSocketTransmitter : public Transmitter {
 public:
  // Throws std::system_error. The clock must outlive the transmitter.
  RawSocketTransmitter(const Interface& interface, const FrameTemplate& frame_template,
                       Clock& clock);

  std::size_t send(std::span<const Target> batch) override;
  // The kernel has done with a packet, as far as it tells, when the call returns.
  bool settle() override { return true; }
  void give_up() override {}
  [[nodiscard]] std::string mode() const override { return "raw socket"; }

 private:
  Clock& clock_;
  InterfaceLink link_;
  FileDescriptor socket_;
  std::unique_ptr<MessageBatch> messages_;
  std::array<sockaddr_in, MessageBatch::kSize> addresses_{};
};

}  // namespace echoscan
