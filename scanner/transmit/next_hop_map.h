// By which way and next hop each target leaves, as the senders ask it.
//
// The plan knows the ways and the path knows which of them frames can take; a sender needs of both
// only three small numbers for each target: its way, that way's place in the NextHopTable, or that
// nothing is sent to it, and the part of its transmitter. Nearly every block of 65,536 addresses
// has one way for all, so that one load from 64 KiB tells it; the map of the ways is asked for the
// others. Rejected: to ask the map always, which cost a probe 26 ns (hot_path_bench, 16 ways).
// Immutable; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "scanner/transmit/next_hop_table.h"
#include "targets/label_map.h"

namespace echoscan {

class NextHopMap {
 public:
  // All targets have one way, by the next hop 0.
  NextHopMap() = default;
  // `next_hop_of_way[label]` and `part_of_way[label]` belong to the targets with that label of
  // `ways`, which must outlive the map; NextHopTable::kNone and kGone: nothing is sent to them. No
  // address outside of `ways` is asked for.
  NextHopMap(const LabelMap& ways, std::vector<std::uint8_t> next_hop_of_way,
             std::vector<std::uint8_t> part_of_way)
      : ways_(ways.empty() ? nullptr : &ways),
        next_hop_of_way_(std::move(next_hop_of_way)),
        part_of_way_(std::move(part_of_way)) {
    if (ways_ != nullptr) fill_blocks();
    for (std::size_t way = 0; ways_ != nullptr && way < part_of_way_.size(); ++way)
      is_one_part_ =
          is_one_part_ && (part_of_way_[way] == 0 || next_hop_of_way_[way] >= NextHopTable::kGone);
  }

  [[nodiscard]] bool is_one() const { return ways_ == nullptr; }
  // Whether one part of the transmitter sends to all targets, which is the first.
  [[nodiscard]] bool is_one_part() const { return is_one_part_; }
  // The label of its way. Where is_one() is false, as the next.
  [[nodiscard]] LabelId way_of(Ipv4 address) const {
    const std::uint8_t way = way_of_block_[address.value / kBlock];
    return way != kMixed ? way : ways_->label_of(address);
  }
  [[nodiscard]] std::uint8_t next_hop_of_way(LabelId way) const { return next_hop_of_way_[way]; }
  // The part of the transmitter that sends to that way's targets.
  [[nodiscard]] std::uint8_t part_of_way(LabelId way) const { return part_of_way_[way]; }

 private:
  static constexpr std::uint32_t kBlock = 65'536;
  static constexpr std::uint8_t kUnset = 0;  // the label of no way
  static constexpr std::uint8_t kMixed = 255;

  void fill_blocks() {
    way_of_block_.assign(65'536, kUnset);
    const AddressRange all{Ipv4{0}, Ipv4{~std::uint32_t{0}}};
    for (const LabelledRange& range : ways_->label_ranges({&all, 1})) {
      if (range.label == kNoLabel) continue;
      const auto way = static_cast<std::uint8_t>(range.label < kMixed ? range.label : kMixed);
      for (std::uint32_t block = range.range.first.value / kBlock;
           block <= range.range.last.value / kBlock; ++block) {
        std::uint8_t& known = way_of_block_[block];
        known = known == kUnset || known == way ? way : kMixed;
      }
    }
  }

  const LabelMap* ways_ = nullptr;
  bool is_one_part_ = true;
  std::vector<std::uint8_t> next_hop_of_way_;
  std::vector<std::uint8_t> part_of_way_;
  std::vector<std::uint8_t> way_of_block_;
};

}  // namespace echoscan
