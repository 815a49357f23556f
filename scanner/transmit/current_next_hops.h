// The map of next hops that is in force, since routes may change while a scan runs.
//
// A sender looks at the number of changes once a batch, one load, and takes the new map when that
// has grown; the old one lives as long as anybody sends by it. The labels of ways keep their
// meaning from map to map, and new ones get new labels. Rejected: std::atomic<shared_ptr>, which
// takes a lock at each load; to keep every map until the end, since routes may change for a week.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "scanner/transmit/next_hop_map.h"

namespace echoscan {

class CurrentNextHops {
 public:
  using Map = std::shared_ptr<const NextHopMap>;

  explicit CurrentNextHops(NextHopMap first = {})
      : map_(std::make_shared<const NextHopMap>(std::move(first))) {}

  // Any thread.
  void replace(Map map) {
    const std::lock_guard lock(mutex_);
    map_ = std::move(map);
    changes_.fetch_add(1, std::memory_order_release);
  }
  // How often it was replaced.
  [[nodiscard]] std::uint32_t changes() const { return changes_.load(std::memory_order_acquire); }
  [[nodiscard]] Map map() const {
    const std::lock_guard lock(mutex_);
    return map_;
  }

 private:
  mutable std::mutex mutex_;
  Map map_;
  std::atomic<std::uint32_t> changes_ = 0;
};

// One thread's own hold on it.
class NextHopView {
 public:
  explicit NextHopView(const CurrentNextHops& current) : current_(current), map_(current.map()) {}

  // Takes a new map; false when there is none. Call before a batch is made.
  bool follow() {
    const std::uint32_t changes = current_.changes();
    if (changes == changes_) return false;
    changes_ = changes;
    map_ = current_.map();
    return true;
  }
  [[nodiscard]] const NextHopMap& map() const { return *map_; }
  // Whether it is still the plan's.
  [[nodiscard]] bool is_first() const { return changes_ == 0; }

 private:
  const CurrentNextHops& current_;
  CurrentNextHops::Map map_;
  std::uint32_t changes_ = 0;
};

}  // namespace echoscan
