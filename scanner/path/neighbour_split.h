// One sender, two ways out: targets behind the gateway by the scan's method, targets on the
// interface's own networks by a raw socket.
//
// A gateway does not lead back to the network that it is on, and a frame for a neighbour needs the
// neighbour's own MAC. The kernel resolves it, once per address, and holds a packet back meanwhile,
// for at most net.ipv4.neigh.default.gc_thresh3 (1,024) addresses at a time. The order of the
// targets is kept, so that a refusal on one way holds up the other; neighbours are few. The
// sender's pacer keeps the rate over both ways together, and the sender remembers its targets
// whichever way they went, so that it goes back for both when the link is lost.
#pragma once

#include <memory>
#include <vector>

#include "scanner/transmit/transmitter.h"
#include "targets/prefix.h"

namespace echoscan {

class NeighbourSplit : public Transmitter {
 public:
  // Targets in `networks` are neighbours, and are sent to by `near`; all others by `far`.
  NeighbourSplit(std::unique_ptr<Transmitter> far, std::unique_ptr<Transmitter> near,
                 std::vector<AddressRange> networks);

  std::size_t send(std::span<const Target> batch) override;
  std::size_t take_back(std::span<Target> room) override;
  bool settle() override;
  void rest() override;
  void give_up() override;
  [[nodiscard]] std::string mode() const override;

 private:
  [[nodiscard]] bool is_neighbour(Ipv4 address) const;

  std::unique_ptr<Transmitter> far_;
  std::unique_ptr<Transmitter> near_;
  std::vector<AddressRange> networks_;
};

}  // namespace echoscan
