// One sender, two ways out: targets behind the gateway by the scan's method, targets on the
// interface's own networks by a raw socket.
//
// A gateway does not lead back to the network that it is on, and a frame for a neighbour needs the
// neighbour's own MAC: the kernel resolves it, once per address, and holds a packet back meanwhile
// (at most as many addresses at a time as net.ipv4.neigh.default.gc_thresh3, 1,024). The order of
// the targets is kept, so that what one way refuses holds up the other; neighbours are few.
#pragma once

#include <memory>
#include <vector>

#include "scanner/transmit/transmitter.h"
#include "targets/prefix.h"

namespace echoscan {

class NeighbourSplit : public Transmitter {
 public:
  // `networks`: where targets are neighbours.
  NeighbourSplit(std::unique_ptr<Transmitter> far, std::unique_ptr<Transmitter> near,
                 std::vector<AddressRange> networks);

  [[nodiscard]] bool has_thread() const override { return far_->has_thread(); }
  std::size_t send(std::span<const Target> batch) override;
  bool settle() override;
  void idle() override;
  void link_changed(bool is_up) override;
  void give_up() override;
  [[nodiscard]] std::string mode() const override;
  void visit_parts(const std::function<void(const Transmitter&)>& visit) const override;

 private:
  [[nodiscard]] bool is_neighbour(Ipv4 address) const;

  std::unique_ptr<Transmitter> far_;
  std::unique_ptr<Transmitter> near_;
  std::vector<AddressRange> networks_;
};

}  // namespace echoscan
