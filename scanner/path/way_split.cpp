#include "scanner/path/way_split.h"

#include <fmt/format.h>

#include <utility>

namespace echoscan {

WaySplit::WaySplit(std::vector<std::unique_ptr<Transmitter>> parts,
                   const CurrentNextHops& next_hops)
    : transmitters_(std::move(parts)), next_hops_(next_hops) {
  parts_.clear();
  for (const auto& transmitter : transmitters_) parts_.push_back(transmitter.get());
}

std::size_t WaySplit::send(std::span<const Target> batch) {
  next_hops_.follow();
  std::size_t begin = 0;
  while (begin < batch.size()) {
    const std::size_t part = part_of(batch[begin]);
    std::size_t end = begin + 1;
    while (end < batch.size() && part_of(batch[end]) == part) ++end;
    const std::size_t taken = transmitters_[part]->send(batch.subspan(begin, end - begin));
    begin += taken;
    if (begin < end) break;
  }
  return begin;
}

bool WaySplit::settle() {
  bool is_done = true;
  for (const auto& transmitter : transmitters_) is_done = transmitter->settle() && is_done;
  return is_done;
}

std::size_t WaySplit::take_back(std::span<Target> room) {
  std::size_t count = 0;
  for (const auto& transmitter : transmitters_)
    count += transmitter->take_back(room.subspan(count));
  return count;
}

void WaySplit::rest() {
  for (const auto& transmitter : transmitters_) transmitter->rest();
}

void WaySplit::give_up() {
  for (const auto& transmitter : transmitters_) transmitter->give_up();
}

std::string WaySplit::mode() const {
  return fmt::format("{}, {} by other ways", transmitters_.front()->mode(),
                     transmitters_.back()->mode());
}

}  // namespace echoscan
