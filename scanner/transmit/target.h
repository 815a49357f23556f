// A target as senders and transmitters pass it on: the address, the pass that this probe belongs
// to, whether it was sent before, and by which next hop it leaves.
//
// Targets and not frames go through the seam, because methods differ in who owns the frame: a chunk
// of UMEM, a socket's buffer, or the kernel itself. 8 bytes, so that a batch of 64 is 8 cache
// lines.
#pragma once

#include <cstdint>

#include "targets/address.h"

namespace echoscan {

struct Target {
  Ipv4 address;
  std::uint8_t pass = 0;
  // Its probe counts as sent, and is sent again because the link was lost when it had just left.
  bool is_again = false;
  // Its number in the NextHopTable.
  std::uint8_t next_hop = 0;
  // The label of its way, kWayUnknown where that is no smaller number.
  std::uint8_t way = 0;

  static constexpr std::uint8_t kWayUnknown = 255;
};
static_assert(sizeof(Target) == 8);

}  // namespace echoscan
