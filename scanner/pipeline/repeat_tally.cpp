#include "scanner/pipeline/repeat_tally.h"

#include <algorithm>
#include <limits>

#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

constexpr unsigned kSetBits = 17;
static_assert(RepeatTally::kSlots == RepeatTally::kSetSlots << kSetBits);

// Fibonacci hashing (Knuth, volume 3, section 6.4) puts neighbours in the address space into
// different sets. Nobody gains by choosing addresses, since a repeat counts only for a target of
// ours.
std::size_t set_of(Ipv4 target) {
  return (target.value * 0x9e3779b9U) >> (32 - kSetBits);
}

}  // namespace

RepeatTally::RepeatTally() : memory_(MappedMemory::zeros(kSlots * sizeof(Slot), MAP_NORESERVE)) {
  if (!memory_) throw_system_error("map the table of repeats");
}

// Those that may be in use.
std::span<RepeatTally::Slot> RepeatTally::slots() const {
  return {memory_.as<Slot>(), is_used_ ? kSlots : 0};
}

// A set fills from its front, so that the search ends at the first free slot.
std::uint64_t RepeatTally::add(Ipv4 target) {
  is_used_ = true;
  Slot* set = memory_.as<Slot>() + set_of(target) * kSetSlots;
  Slot* least = set;
  for (Slot* slot = set; slot != set + kSetSlots; ++slot) {
    if (slot->count == 0) {
      *slot = {target.value, 0, 1};
      return 1;
    }
    if (slot->target == target.value) return ++slot->count;
    if (slot->count < least->count) least = slot;
  }
  constexpr std::uint64_t kInheritedMax = std::numeric_limits<std::uint32_t>::max();
  least->target = target.value;
  least->inherited = static_cast<std::uint32_t>(std::min(least->count, kInheritedMax));
  return ++least->count;
}

std::vector<Repeater> RepeatTally::top(std::size_t count) const {
  const auto is_worse = [](const Repeater& a, const Repeater& b) {
    return a.repeats != b.repeats ? a.repeats > b.repeats : a.target < b.target;
  };
  std::vector<Repeater> worst;
  for (const Slot& slot : slots()) {
    if (slot.count == 0) continue;
    const Repeater repeater{Ipv4{slot.target}, slot.count - slot.inherited, slot.count};
    if (worst.size() == count && (count == 0 || !is_worse(repeater, worst.back()))) continue;
    worst.insert(std::upper_bound(worst.begin(), worst.end(), repeater, is_worse), repeater);
    if (worst.size() > count) worst.pop_back();
  }
  return worst;
}

std::uint64_t RepeatTally::total() const {
  std::uint64_t sum = 0;
  for (const Slot& slot : slots()) sum += slot.count;
  return sum;
}

}  // namespace echoscan
