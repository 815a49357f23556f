#include "scanner/pipeline/target_ways.h"

namespace echoscan {

std::size_t TargetWays::give(std::span<const Ipv4> addresses, std::uint8_t pass,
                             std::span<Target> room, HeldTargets& line,
                             SenderCounters& counters) const {
  const bool is_one = next_hops_.map().is_one();
  std::size_t count = 0;
  if (is_one && (lost_ | awaited_) == 0) {
    for (const Ipv4 address : addresses) room[count++] = {address, pass};
    return count;
  }
  for (const Ipv4 address : addresses) {
    Target& target = room[count] = {address, pass};
    if (!is_one) set(target);
    if (target.next_hop == NextHopTable::kNone) {
      counters.passed_over.add(1);
    } else if (is_lost(target)) {
      counters.way_lost.add(1);
    } else if (is_awaited(target)) {
      line.push(target, BatchKind::from_order);
    } else {
      ++count;
    }
  }
  return count;
}

}  // namespace echoscan
