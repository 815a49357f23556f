// By which way each target goes now, and what has become of the gateway of that way.
//
// The control says which gateways are waited for and which are given up, and routes may change: a
// sender takes all that up once a batch, so that a batch is of one mind. Rejected: to ask for each
// target what the control says at that moment, which is two loads of shared lines a probe. One
// thread, the sender's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "scanner/pipeline/held_targets.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/process/counter.h"
#include "scanner/transmit/current_next_hops.h"
#include "scanner/transmit/next_hop_table.h"
#include "scanner/transmit/target.h"

namespace echoscan {

class TargetWays {
 public:
  // Both must outlive it.
  TargetWays(const CurrentNextHops& next_hops, const ScanState& state)
      : next_hops_(next_hops), state_(state) {}

  enum class News { none, gateways, routes };

  // Takes up what has changed. A gateway that is given up is waited for no more, and whoever sees
  // the latter sees the former.
  News follow() {
    const std::uint64_t awaited = state_.awaited_next_hops.load(std::memory_order_acquire);
    const std::uint64_t lost = state_.lost_next_hops.load(std::memory_order_relaxed);
    const bool is_any = awaited != awaited_ || lost != lost_;
    awaited_ = awaited;
    lost_ = lost;
    if (next_hops_.follow()) return News::routes;
    return is_any ? News::gateways : News::none;
  }

  // Makes targets of addresses that were drawn, in the front of `room`; returns how many there are
  // to send to. Counts those that have no way, and puts those into the line, which must have room,
  // whose gateway is waited for.
  std::size_t give(std::span<const Ipv4> addresses, std::uint8_t pass, std::span<Target> room,
                   HeldTargets& line, SenderCounters& counters) const;

  // Whether routes are the plan's.
  [[nodiscard]] bool is_first() const { return next_hops_.is_first(); }
  // Whether some targets of the plan may have no way now.
  [[nodiscard]] bool is_any_lost() const { return lost_ != 0 || !is_first(); }
  [[nodiscard]] bool is_any_awaited() const { return awaited_ != 0; }

  void set(Target& target) const {
    const NextHopMap& map = next_hops_.map();
    const LabelId way = map.way_of(target.address);
    target.way = static_cast<std::uint8_t>(std::min<LabelId>(way, Target::kWayUnknown));
    target.next_hop = map.next_hop_of_way(way);
  }
  // The same where routes may have changed since it was set.
  void renew(Target& target) const {
    if (!is_first()) set(target);
  }

  [[nodiscard]] bool is_lost(const Target& target) const {
    return target.next_hop >= NextHopTable::kGone || has(lost_, target);
  }
  [[nodiscard]] bool is_awaited(const Target& target) const {
    return has(awaited_, target) && !is_lost(target);
  }

 private:
  static bool has(std::uint64_t next_hops, const Target& target) {
    return target.next_hop < NextHopTable::kMax && (next_hops >> target.next_hop & 1) != 0;
  }

  NextHopView next_hops_;
  const ScanState& state_;
  std::uint64_t awaited_ = 0;  // next hops by their numbers
  std::uint64_t lost_ = 0;
};

}  // namespace echoscan
