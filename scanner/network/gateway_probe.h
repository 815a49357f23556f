// The seam to gateways: whether each is still there, and under which MAC address.
//
// A scan asks its gateways while it runs, since one that fails, or hands its address on to another
// machine, makes every host behind it silent, and frames that bypass the kernel give the kernel no
// reason to ask. Numbers of gateways are those of the NextHopTable. One thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "scanner/network/mac_address.h"
#include "targets/address.h"

namespace echoscan {

// A router that some of the targets are behind.
struct Gateway {
  std::string interface_name;
  int interface_index = 0;
  MacAddress interface_mac;
  Ipv4 address;
  MacAddress mac;
  std::optional<Ipv4> asked_from;  // an address of this host's; none: nobody's is given
  bool is_of_frames = false;       // the scan writes its MAC into frames
  bool is_of_kernel = false;       // the kernel does so, for probes of raw sockets
};

class GatewayProbe {
 public:
  virtual ~GatewayProbe() = default;

  // That a machine is a gateway. Its own questions say so too, and are no sign that it answers any.
  struct Claim {
    std::size_t gateway = 0;
    MacAddress mac;
    bool is_answer = true;  // to this host
  };

  [[nodiscard]] virtual const std::vector<Gateway>& gateways() const = 0;
  // Gives one more the next number. One that cannot be asked answers nothing.
  virtual void add(const Gateway& gateway) = 0;
  // Asks the machine with that MAC alone, or all on the link, for a gateway's address. What cannot
  // be sent is not answered.
  virtual void ask(std::size_t gateway, const std::optional<MacAddress>& to) = 0;
  // Makes the kernel ask for a gateway that it has forgotten, as it would with the next probe.
  virtual void have_kernel_ask(std::size_t gateway) = 0;
  // Whether a packet that the kernel sends to a gateway just now goes to that MAC: its table may
  // know another one, or wait for an answer.
  virtual bool kernel_sends_to(std::size_t gateway, const MacAddress& mac) = 0;
  // The next claim, asked for or not; nothing when there is none just now.
  virtual std::optional<Claim> next_claim() = 0;
};

}  // namespace echoscan
