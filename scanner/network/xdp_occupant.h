// The XDP program that is on an interface already, and what to do about it.
//
// A scan never replaces one. Another scan's reply filter is told from everybody else's program, by
// its name: it goes with its scan, and who takes it off makes that scan blind.
#pragma once

#include <optional>
#include <string>

#include "scanner/network/interface.h"

namespace echoscan {

struct XdpOccupant {
  std::string name;          // 'id 17, "xdp_fw"', or 'id 17' without the right to more
  bool is_echoscan = false;  // a scan receives there

  // "another XDP program is there (id 17)".
  [[nodiscard]] std::string clause() const;
  // What helps: "detach it".
  [[nodiscard]] std::string remedy() const;
};

// Nothing when there is none.
std::optional<XdpOccupant> find_xdp_occupant(const Interface& interface);

}  // namespace echoscan
