// Sending by Boost.Asio: an ip::icmp socket, one send_to a probe.
//
// It is what a C++ program would do that does not care about speed: the counterpart of a language's
// net package. It is for `bench` alone, since raw_socket sends the same with one call for 64
// packets. The kernel writes the IPv4 header.
#pragma once

#include <memory>

#include "scanner/network/interface.h"
#include "scanner/transmit/method/one_by_one.h"

namespace echoscan {

class AsioTransmitter : public OneByOneTransmitter {
 public:
  // Throws std::system_error.
  AsioTransmitter(const Interface& interface, const FrameTemplate& frame_template, Clock& clock);
  ~AsioTransmitter() override;

  [[nodiscard]] std::string mode() const override { return "Boost.Asio ip::icmp"; }

 protected:
  int send_frame(std::span<const std::uint8_t> frame, Ipv4 target) override;

 private:
  struct Socket;
  std::unique_ptr<Socket> socket_;
};

}  // namespace echoscan
