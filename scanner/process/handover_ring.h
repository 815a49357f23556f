// A ring that one thread fills and another empties, without a lock and without memory to allocate.
//
// A receiver thread that drives a card has to hand records on at once: a lock would let the card's
// queue fill while the other thread has it. Each side's position is on a cache line of its own, and
// each keeps what it last saw of the other's, so that a record costs a load of another CPU's line
// only when the ring looks full or empty. Rejected: boost::lockfree::spsc_queue, which cannot say
// how full it is without one side's help.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "scanner/process/counter.h"

namespace echoscan {

template <typename Record>
class HandoverRing {
 public:
  // With room for `capacity` records, a power of two.
  explicit HandoverRing(std::size_t capacity) : records_(capacity) {
    assert(std::has_single_bit(capacity));
  }

  // False when it is full. The one thread that fills.
  bool put(const Record& record) {
    const std::uint64_t end = end_.load(std::memory_order_relaxed);
    if (end - seen_begin_ == records_.size()) {
      seen_begin_ = begin_.load(std::memory_order_acquire);
      if (end - seen_begin_ == records_.size()) return false;
    }
    records_[end & (records_.size() - 1)] = record;
    end_.store(end + 1, std::memory_order_release);
    return true;
  }

  // Moves the oldest records to the front of `room`; returns how many. The one thread that empties.
  std::size_t take(std::span<Record> room) {
    const std::uint64_t begin = begin_.load(std::memory_order_relaxed);
    if (begin == seen_end_) seen_end_ = end_.load(std::memory_order_acquire);
    const std::size_t count = std::min<std::size_t>(room.size(), seen_end_ - begin);
    for (std::size_t i = 0; i < count; ++i) room[i] = records_[(begin + i) & (records_.size() - 1)];
    begin_.store(begin + count, std::memory_order_release);
    return count;
  }

  // How many wait; a moment ago. Any thread.
  [[nodiscard]] std::size_t size() const {
    const std::uint64_t begin = begin_.load(std::memory_order_relaxed);
    const std::uint64_t end = end_.load(std::memory_order_relaxed);
    return end > begin ? end - begin : 0;
  }
  [[nodiscard]] std::size_t capacity() const { return records_.size(); }

 private:
  std::vector<Record> records_;
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> end_ = 0;
  std::uint64_t seen_begin_ = 0;  // of the thread that fills
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> begin_ = 0;
  std::uint64_t seen_end_ = 0;  // of the thread that empties
};

}  // namespace echoscan
