// A scan's set-up, gone through and undone: what a scan with the same options would be refused for.
//
// The doctor asks it, so that what it calls fatal is what ends a scan before its first probe, word
// for word: the functions are the scan's own, called in its order. Rejected: rules of the doctor's
// own about interfaces, sources and gateways, which called tunnels, IPv6 routers and rules by
// source fatal where scans worked. Nothing is sent to the targets; the kernel may ask for a
// gateway's MAC.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scanner/network/way_partition.h"
#include "scanner/options/path_config.h"
#include "scanner/path/network_path.h"
#include "scanner/process/clock.h"
#include "targets/prefix.h"

namespace echoscan {

struct Rehearsal {
  std::vector<WayShare> ways;             // of the targets; empty when they could not be asked for
  std::optional<NetworkPath> network;     // what the scan would send by
  std::optional<MacAddress> gateway_mac;  // of its frames
  std::string refusal;                    // the scan's sentence; empty: it would begin
};

// With `opens`, receive path and transmitters are opened, which restarts the link of some drivers;
// else what can be known by looking is.
Rehearsal rehearse(const PathConfig& config, std::span<const AddressRange> targets, bool opens,
                   Clock& clock);

}  // namespace echoscan
