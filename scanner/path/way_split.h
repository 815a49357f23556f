// One sender, several ways out: each target by the transmitter of its way.
//
// The first is the scan's method, for what is behind the gateway. The others are raw sockets: a
// gateway does not lead back to the network that it is on, a frame for a neighbour needs the
// neighbour's own MAC, and another interface has queues of its own. The kernel resolves each
// neighbour once, and holds a packet back meanwhile (at most as many addresses at a time as
// net.ipv4.neigh.default.gc_thresh3, 1,024). The order of the targets is kept, so that what one way
// refuses holds up the others. The sender's pacer keeps the rate over all ways together, and the
// sender remembers its targets whichever way they went, so that it goes back for all of them when
// the link is lost.
#pragma once

#include <memory>
#include <vector>

#include "scanner/transmit/current_next_hops.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class WaySplit : public Transmitter {
 public:
  // Which part sends to a target is what `next_hops`, which must outlive the transmitter, says of
  // its way. The target carries that way's label, unless there are too many.
  WaySplit(std::vector<std::unique_ptr<Transmitter>> parts, const CurrentNextHops& next_hops);

  std::size_t send(std::span<const Target> batch) override;
  std::size_t take_back(std::span<Target> room) override;
  bool settle() override;
  void rest() override;
  void give_up() override;
  [[nodiscard]] std::string mode() const override;

 private:
  [[nodiscard]] std::size_t part_of(const Target& target) const {
    const NextHopMap& map = next_hops_.map();
    return map.part_of_way(target.way != Target::kWayUnknown ? target.way
                                                             : map.way_of(target.address));
  }

  std::vector<std::unique_ptr<Transmitter>> transmitters_;
  NextHopView next_hops_;
};

}  // namespace echoscan
