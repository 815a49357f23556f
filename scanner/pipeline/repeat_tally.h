// Who repeats, and how often: counts by target in fixed memory, for the cap on lines of repeats and
// for the list of the worst.
//
// The table has sets of 8 slots, 16 MiB in all, touched as needed. A ninth target in a set takes
// the place and the count of the one with the fewest repeats (the space-saving algorithm of
// Metwally, Agrawal and El Abbadi, 2005, in each set). So a count is never too small: the cap
// holds, and who repeats most is found. Counts are exact until some 170,000 targets have repeated
// (receiver_test prints the figure), and each slot knows by how much its count may be too large.
// Rejected: 4 bits a target (2 GB for the Internet), and a map, which allocates. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "scanner/account/snapshot.h"
#include "scanner/process/mapped_memory.h"
#include "targets/address.h"

namespace echoscan {

class RepeatTally {
 public:
  static constexpr std::size_t kSlots = std::size_t{1} << 20;
  static constexpr std::size_t kSetSlots = 8;

  // Throws std::system_error when there is no address space for it.
  RepeatTally();

  // Counts a repeat of the target, and returns how many it has had: at times more, never fewer.
  std::uint64_t add(Ipv4 target);

  // The `count` targets that surely repeated most, in descending order.
  [[nodiscard]] std::vector<Repeater> top(std::size_t count) const;

  // The sum over all slots: how often add() was called.
  [[nodiscard]] std::uint64_t total() const;

 private:
  struct Slot {
    std::uint32_t target;
    std::uint32_t inherited;  // the part of the count that it took over
    std::uint64_t count;      // 0: free
  };

  [[nodiscard]] std::span<Slot> slots() const;

  MappedMemory memory_;
  bool is_used_ = false;  // what is not is not read: a kernel may make memory for that, too
};

}  // namespace echoscan
