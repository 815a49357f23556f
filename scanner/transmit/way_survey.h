// The seam to the routes of a running scan: whether they may have changed, and what the change
// means for the targets.
//
// To ask takes the kernel from a millisecond to seconds (1,000,000 routes), so that it is begun on
// one look and answered on a later one; nothing blocks. The answer is against what was accepted
// last: who cannot follow it yet, since too many targets have lost their way, does not accept it,
// and asks again. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scanner/network/gateway_probe.h"
#include "scanner/transmit/next_hop_map.h"

namespace echoscan {

struct WayChange {
  std::uint64_t targets = 0;  // all
  std::uint64_t moved = 0;    // of these go another way than they did, or none
  std::uint64_t without = 0;  // of these have no way any more
  bool is_any_left = true;    // some have one
  std::string ways;  // of those that moved: "e0 via 192.0.2.3: 4,096 targets; blackhole: 1"
  // Why the scan cannot send by one of them, as a clause; empty when it can.
  std::string obstacle;
  // Why the kernel gave no answer; then nothing of the above is known.
  std::string error;
  std::shared_ptr<const NextHopMap> map;  // null where none moved
  std::vector<Gateway> gateways;          // new ones, numbered behind those that there were
  std::uint64_t next_hops = 0;            // by their numbers, those that some target is behind
};

class WaySurvey {
 public:
  virtual ~WaySurvey() = default;

  // Whether the kernel has told of a change since the last call.
  virtual bool has_news() = 0;
  // Begins to ask for the ways of all targets. Not while it is being asked.
  virtual void ask() = 0;
  // The answer, once, when there is one.
  virtual std::optional<WayChange> answer() = 0;
  // The last answer is what holds from now on.
  virtual void accept() = 0;
};

}  // namespace echoscan
