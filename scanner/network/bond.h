// The bond that probes leave by: its ports, and how long one that has failed stays unnoticed.
//
// When one of several ports loses its link, the bond's own carrier stays, and its monitor looks
// only now and then: what left by that port meanwhile is lost, though the kernel took it. The
// kernel counts each port's failures, so that one which is over by the next look is seen as well.
// Rejected: rtnetlink's events, of which the carrier's come only when it is still away a second
// later; SIOCBONDSLAVEINFOQUERY, whose header does not go with net/if.h; /proc/net/bonding, which a
// container need not have. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scanner/network/interface.h"

namespace echoscan {

struct BondPort {
  std::string name;
  bool carries = false;  // active-backup: this one alone; else every one that is in use
  std::uint32_t failures = 0;
};

struct Bond {
  int index = 0;
  std::string name;
  // How old a failure may be that the bond has just noticed, by its own settings.
  std::uint64_t unnoticed_ns = 0;
};

// The bond that the interface is, or that it stands on (a VLAN of a bond, a macvlan on it). Throws
// std::system_error.
std::optional<Bond> find_bond(const Interface& interface);

// The bond's ports as they are now; none when the kernel does not say.
std::vector<BondPort> read_bond_ports(const Bond& bond) noexcept;

}  // namespace echoscan
