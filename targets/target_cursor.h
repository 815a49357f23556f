// A walk over part of the order: addresses come out in batches, and the place in the order is one
// integer.
//
// The cursor covers the exponents [begin, end) of a permutation. Threads do not share a cursor:
// each has its own, takes blocks of the order (shard_blocks.h) and seeks there, which costs one
// modular exponentiation a block. Position and seek are exact: seek(position()) goes on as if
// nothing had happened.
#pragma once

#include <cstdint>
#include <span>

#include "targets/permutation.h"
#include "targets/target_set.h"

namespace echoscan {

class TargetCursor {
 public:
  // The whole order at first. Both must outlive the cursor; permutation.size() == targets.size().
  TargetCursor(const TargetSet& targets, const Permutation& permutation)
      : targets_(targets), permutation_(permutation) {
    seek(0, permutation.step_count());
  }

  // Puts the cursor before exponent `begin`, to end before `end`; begin <= end <= step_count().
  void seek(std::uint64_t begin, std::uint64_t end) {
    position_ = begin;
    end_ = end;
    if (begin < end) value_ = permutation_.value_at(begin);
  }

  // The exponent of the next step; everything before it has been handed out.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] bool done() const { return position_ == end_; }

  // Fills `batch` from the front and returns how many addresses it wrote; fewer than the batch
  // holds only at the end.
  std::size_t next(std::span<Ipv4> batch) {
    std::size_t filled = 0;
    while (filled < batch.size() && position_ < end_) {
      if (value_ <= permutation_.size()) batch[filled++] = targets_.at(value_ - 1);
      value_ = permutation_.next(value_);
      ++position_;
    }
    return filled;
  }

 private:
  const TargetSet& targets_;
  const Permutation& permutation_;
  std::uint64_t position_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t value_ = 1;
};

}  // namespace echoscan
