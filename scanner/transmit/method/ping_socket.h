// Sending by an unprivileged ping socket: SOCK_DGRAM, IPPROTO_ICMP, one sendto a probe.
//
// It needs no privilege where net.ipv4.ping_group_range allows it, and is the counterpart of a UDP
// socket. It is for `bench` alone, since the kernel writes the checksum and the identifier, which
// is half of the cookie.
#pragma once

#include "scanner/network/interface.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/transmit/method/one_by_one.h"

namespace echoscan {

class PingSocketTransmitter : public OneByOneTransmitter {
 public:
  // Throws UserError or std::system_error.
  PingSocketTransmitter(const Interface& interface, const FrameTemplate& frame_template,
                        Clock& clock);

  [[nodiscard]] std::string mode() const override { return "ping socket"; }

 protected:
  int send_frame(std::span<const std::uint8_t> frame, Ipv4 target) override;

 private:
  FileDescriptor socket_;
};

}  // namespace echoscan
