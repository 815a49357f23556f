// One sender, several ways out: each target by the transmitter of its way.
//
// The first is the scan's method, for what is behind its gateways. Another interface with gateways
// has queues of its own, and so a transmitter of frames; the rest goes by raw sockets: a gateway
// does not lead back to the network that it is on, and a frame for a neighbour needs the
// neighbour's own MAC. The kernel resolves each neighbour once, and holds a packet back meanwhile
// (at most as many addresses at a time as net.ipv4.neigh.default.gc_thresh3, 1,024). A batch is
// sorted by ways and taken whole: what one way refuses of it waits here and holds up the next
// batch. Rejected: to keep the order, which calls a transmitter for each one or two targets where
// ways alternate. The sender's pacer keeps the rate over all ways together, and the sender
// remembers its targets whichever way they went, so that it goes back for all of them when the link
// is lost.
#pragma once

#include <memory>
#include <vector>

#include "scanner/transmit/current_next_hops.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class WaySplit : public Transmitter {
 public:
  // Which part sends to a target is what `next_hops`, which must outlive the transmitter, says of
  // its way. The target carries that way's label, unless there are too many. The parts behind the
  // first `planned` stand by.
  WaySplit(std::vector<std::unique_ptr<Transmitter>> parts, const CurrentNextHops& next_hops,
           std::size_t planned);

  std::size_t send(std::span<const Target> batch) override;
  std::size_t take_back(std::span<Target> room) override;
  bool settle() override;
  void rest() override;
  void give_up() override;
  [[nodiscard]] std::string mode() const override;

 private:
  struct Part {
    std::unique_ptr<Transmitter> transmitter;
    std::vector<Target> waiting = {};  // accepted here, and not yet by the transmitter
  };

  [[nodiscard]] std::size_t part_of(const Target& target) const {
    const NextHopMap& map = next_hops_.map();
    if (map.is_one_part()) return 0;
    return map.part_of_way(target.way != Target::kWayUnknown ? target.way
                                                             : map.way_of(target.address));
  }
  // Hands over what waits; false when something still does.
  bool pass_on();
  // Takes up ways that have changed, for what waits as well; what has none any more is unroutable.
  void follow();

  std::vector<Part> split_;
  std::vector<Target> moving_;  // while ways change; for its memory
  NextHopView next_hops_;
  std::size_t planned_;
  bool is_any_waiting_ = false;
};

}  // namespace echoscan
