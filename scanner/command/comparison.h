// Two scans of the same targets, counted against each other: who replied to both, to one of them,
// to none, over all and by group.
//
// Only targets that both have asked count: whoever was asked once can neither be gained nor lost.
// Who replied is a sorted list of addresses, 4 bytes each; who was asked is nothing where it was
// everybody, else a bit for each target. So two scans of ten million replies each take 80 MB, and
// 12 MB for each hundred million targets of a scan that asked a part. Groups are counted by runs of
// addresses that are in one group, not address by address. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "output/geo/geo_table.h"
#include "targets/label_map.h"
#include "targets/target_set.h"

namespace echoscan {

struct ComparisonCount {
  std::uint64_t both = 0;
  std::uint64_t gained = 0;            // replied to the second scan alone
  std::uint64_t lost = 0;              // to the first alone
  std::optional<std::uint64_t> asked;  // by both; none: nobody knows how many of this group

  // Asked by both, and silent.
  [[nodiscard]] std::optional<std::uint64_t> neither() const {
    if (!asked) return std::nullopt;
    return *asked - both - gained - lost;
  }
};

// A set of targets, by index; as it is made it holds none.
class AskedSet {
 public:
  explicit AskedSet(std::uint64_t targets) : words_((targets + 63) / 64) {}
  void add(std::uint64_t index) { words_[index / 64] |= std::uint64_t{1} << index % 64; }
  [[nodiscard]] bool has(std::uint64_t index) const {
    return (words_[index / 64] >> index % 64 & 1) != 0;
  }
  // Those that are in the other set as well are left.
  void intersect(const AskedSet& other);
  // How many there are from `first` to before `end`.
  [[nodiscard]] std::uint64_t count(std::uint64_t first, std::uint64_t end) const;

 private:
  std::vector<std::uint64_t> words_;
};

// What groups are made of. The label map and the table may be empty.
struct ComparedTargets {
  const TargetSet* targets = nullptr;  // null: only who replied is known
  const LabelMap* labels = nullptr;
  const GeoTable* geo = nullptr;
  const AskedSet* asked = nullptr;  // by both; null: all
};

struct Comparison {
  ComparisonCount total;
  // By grouping; networks by first address, systems by number. A group to which nobody has replied
  // is not there.
  std::map<std::uint32_t, ComparisonCount> by_number[kGroupings];
  std::map<std::string, ComparisonCount> by_name[kGroupings];
};

// Of two lists that are ascending, without repeats and all targets.
Comparison compare_replies(std::span<const Ipv4> first, std::span<const Ipv4> second,
                           const std::vector<Grouping>& groupings, const ComparedTargets& compared);

}  // namespace echoscan
