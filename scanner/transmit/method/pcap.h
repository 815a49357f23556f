// Sending by libpcap: pcap_inject, a frame a call.
//
// Many tools send this way; it is here to be compared. libpcap opens a packet socket, which is set
// to bypass the queueing discipline as ours are: otherwise a frame that finds the link down would
// count as sent. The handle listens to an EtherType that nobody uses, so that it captures nothing.
#pragma once

#include <memory>

#include "scanner/network/interface.h"
#include "scanner/transmit/method/one_by_one.h"

struct pcap;

namespace echoscan {

class PcapTransmitter : public OneByOneTransmitter {
 public:
  // Throws UserError or std::system_error.
  PcapTransmitter(const Interface& interface, const FrameTemplate& frame_template, Clock& clock);

  [[nodiscard]] std::string mode() const override { return "pcap_inject"; }

 protected:
  int send_frame(std::span<const std::uint8_t> frame, Ipv4 target) override;

 private:
  struct Close {
    void operator()(pcap* handle) const;
  };
  std::unique_ptr<pcap, Close> handle_;
};

}  // namespace echoscan
