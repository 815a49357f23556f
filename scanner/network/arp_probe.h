// Gateways asked by ARP (RFC 826), past the kernel's neighbour table.
//
// The kernel confirms an entry when it sends to it, and trusts it for some 30 s more; the scan's
// frames are none of its business, and 30 s at 1 Mpps are 30 million hosts called silent. Its
// answers come to both, so that the kernel's table follows where raw sockets need it: later, since
// the kernel takes no other MAC in the first second of an entry (net.ipv4.neigh.*.locktime), or
// earlier. Which one it has is read from it. Rejected: to make the kernel ask by setting its entry
// to NUD_PROBE, which takes 3 s to fail and asks the old MAC alone; its notifications, which say
// nothing as long as it does not ask.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scanner/network/gateway_probe.h"
#include "scanner/process/file_descriptor.h"

namespace echoscan {

class ArpProbe : public GatewayProbe {
 public:
  // An interface that gateways may be added on later, when no socket can be opened any more.
  struct Standby {
    int index;
    std::string name;
  };

  // Throws std::system_error.
  explicit ArpProbe(std::vector<Gateway> gateways, const std::vector<Standby>& standby = {});

  [[nodiscard]] const std::vector<Gateway>& gateways() const override { return gateways_; }
  void add(const Gateway& gateway) override;
  void ask(std::size_t gateway, const std::optional<MacAddress>& to) override;
  void have_kernel_ask(std::size_t gateway) override;
  bool kernel_sends_to(std::size_t gateway, const MacAddress& mac) override;
  std::optional<Claim> next_claim() override;

 private:
  // The socket for an interface's ARP, and one for the datagrams that make the kernel ask.
  struct Sockets {
    FileDescriptor arp;
    FileDescriptor datagram;
  };

  void open(int index, const std::string& name);

  std::vector<Gateway> gateways_;
  std::map<int, Sockets> sockets_;  // by interface
};

}  // namespace echoscan
