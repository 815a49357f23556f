#include "scanner/path/way_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace echoscan {

WaySplit::WaySplit(std::vector<std::unique_ptr<Transmitter>> parts,
                   const CurrentNextHops& next_hops, std::size_t planned)
    : next_hops_(next_hops), planned_(planned) {
  parts_.clear();
  for (std::unique_ptr<Transmitter>& transmitter : parts) {
    parts_.push_back(transmitter.get());
    split_.push_back({std::move(transmitter)});
    split_.back().waiting.reserve(kBatchSize);
  }
  moving_.reserve(kBatchSize);
}

std::size_t WaySplit::send(std::span<const Target> batch) {
  follow();
  // Where nobody else sends, nothing is sorted.
  if (!is_any_waiting_ && next_hops_.map().is_one_part())
    return split_.front().transmitter->send(batch);
  if (!pass_on()) return 0;
  // No more than there is room for, so that nothing here allocates.
  const std::span<const Target> taken = batch.first(std::min(batch.size(), kBatchSize));
  for (const Target& target : taken) split_[part_of(target)].waiting.push_back(target);
  pass_on();
  return taken.size();
}

// The last part counts what is unroutable: it has no thread of its own that counts as well.
void WaySplit::follow() {
  if (!next_hops_.follow()) return;
  moving_.clear();
  for (Part& part : split_) {
    moving_.insert(moving_.end(), part.waiting.begin(), part.waiting.end());
    part.waiting.clear();
  }
  const NextHopMap& map = next_hops_.map();
  for (Target& target : moving_) {
    const LabelId way = map.way_of(target.address);
    target.way = static_cast<std::uint8_t>(std::min<LabelId>(way, Target::kWayUnknown));
    target.next_hop = map.next_hop_of_way(way);
    if (target.next_hop >= NextHopTable::kGone) {
      split_.back().transmitter->give_up(target, &TransmitCounters::unroutable);
    } else {
      split_[map.part_of_way(way)].waiting.push_back(target);
    }
  }
}

bool WaySplit::pass_on() {
  bool is_all = true;
  for (Part& part : split_) {
    if (part.waiting.empty()) continue;
    const std::size_t taken = part.transmitter->send(part.waiting);
    part.waiting.erase(part.waiting.begin(),
                       part.waiting.begin() + static_cast<std::ptrdiff_t>(taken));
    is_all = is_all && part.waiting.empty();
  }
  is_any_waiting_ = !is_all;
  return is_all;
}

bool WaySplit::settle() {
  follow();
  bool is_done = pass_on();
  for (const Part& part : split_) is_done = part.transmitter->settle() && is_done;
  return is_done;
}

std::size_t WaySplit::take_back(std::span<Target> room) {
  std::size_t count = 0;
  for (const Part& part : split_) count += part.transmitter->take_back(room.subspan(count));
  return count;
}

void WaySplit::rest() {
  for (const Part& part : split_) part.transmitter->rest();
}

void WaySplit::give_up() {
  for (Part& part : split_) {
    part.transmitter->give_up();
    for (const Target& target : part.waiting)
      part.transmitter->give_up(target, &TransmitCounters::refused);
    part.waiting.clear();
  }
}

std::string WaySplit::mode() const {
  std::string mode = split_.front().transmitter->mode();
  if (planned_ == 1) return mode;
  return fmt::format("{}, {} by other ways", mode, split_[planned_ - 1].transmitter->mode());
}

}  // namespace echoscan
