// The places of a sender's history that are to be sent again, since they may have been lost.
//
// Losses overlap: what is marked again while it still is to be sent is sent once, and what is too
// old to be remembered is in doubt, once. One thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "scanner/transmit/next_hop_table.h"
#include "scanner/transmit/target.h"

namespace echoscan {

class LostPlaces {
 public:
  // Marks all from `begin` to `end` that went to one of `next_hops`; those before `oldest` are not
  // remembered. Returns how many are in doubt now that were not before. Where marks overlap, all
  // is sent again that either means.
  std::uint64_t mark(std::uint64_t begin, std::uint64_t oldest, std::uint64_t end,
                     std::uint64_t next_hops) {
    begin = std::min(begin, end);
    next_hops_ = is_empty() ? next_hops : next_hops_ | next_hops;
    if (!is_empty()) begin = std::min(begin, begin_);
    begin = std::max(begin, doubted_end_);
    const std::uint64_t doubted = oldest - std::min(begin, oldest);
    if (doubted > 0) doubted_end_ = oldest;
    begin_ = std::max(begin, oldest);
    end_ = end;
    return doubted;
  }
  // Those before `oldest` are overwritten now; the same.
  std::uint64_t forget(std::uint64_t oldest) {
    oldest = std::min(oldest, end_);
    if (begin_ >= oldest) return 0;
    const std::uint64_t doubted = oldest - begin_;
    doubted_end_ = begin_ = oldest;
    return doubted;
  }
  // None will be sent; the same.
  std::uint64_t give_up() {
    const std::uint64_t doubted = end_ - begin_;
    if (doubted > 0) doubted_end_ = end_;
    return doubted;
  }
  // No place lies behind `end` any more.
  void rewind(std::uint64_t end) {
    for (std::uint64_t* place : {&begin_, &end_, &doubted_end_}) *place = std::min(*place, end);
  }

  [[nodiscard]] bool is_empty() const { return begin_ == end_; }
  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  void remove_first() { ++begin_; }
  // Whether a target of a place that is marked is meant.
  [[nodiscard]] bool is_meant(const Target& target) const {
    return target.next_hop >= NextHopTable::kMax || (next_hops_ >> target.next_hop & 1) != 0;
  }
  // All that had to be in doubt lie before.
  [[nodiscard]] std::uint64_t doubted_end() const { return doubted_end_; }

 private:
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t doubted_end_ = 0;
  std::uint64_t next_hops_ = 0;
};

}  // namespace echoscan
