#include "scanner/path/neighbour_split.h"

#include <fmt/format.h>

#include <algorithm>

namespace echoscan {

NeighbourSplit::NeighbourSplit(std::unique_ptr<Transmitter> far, std::unique_ptr<Transmitter> near,
                               std::vector<AddressRange> networks)
    : far_(std::move(far)), near_(std::move(near)), networks_(std::move(networks)) {
  parts_ = {far_.get(), near_.get()};
}

std::size_t NeighbourSplit::send(std::span<const Target> batch) {
  std::size_t begin = 0;
  while (begin < batch.size()) {
    const bool is_near = is_neighbour(batch[begin].address);
    std::size_t end = begin + 1;
    while (end < batch.size() && is_neighbour(batch[end].address) == is_near) ++end;
    const std::size_t taken = (is_near ? near_ : far_)->send(batch.subspan(begin, end - begin));
    begin += taken;
    if (begin < end) break;
  }
  return begin;
}

bool NeighbourSplit::is_neighbour(Ipv4 address) const {
  return std::ranges::any_of(networks_, [address](const AddressRange& network) {
    return network.first <= address && address <= network.last;
  });
}

bool NeighbourSplit::settle() {
  const bool far_is_done = far_->settle();
  return near_->settle() && far_is_done;
}

std::size_t NeighbourSplit::take_back(std::span<Target> room) {
  const std::size_t count = far_->take_back(room);
  return count + near_->take_back(room.subspan(count));
}

void NeighbourSplit::rest() {
  far_->rest();
  near_->rest();
}

void NeighbourSplit::give_up() {
  far_->give_up();
  near_->give_up();
}

std::string NeighbourSplit::mode() const {
  return fmt::format("{}, {} to neighbours", far_->mode(), near_->mode());
}

}  // namespace echoscan
