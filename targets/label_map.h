// Which label an address has: that of the most specific range that lists it, and among equals that
// of the range read last.
//
// The target set knows nothing of labels, so that neither order nor digest can depend on them and a
// scan without labels pays nothing. Overlaps are resolved once, into disjoint segments; a look-up
// costs what TargetSet::index_of does. Rejected: to carry the label's number in each target through
// the senders, which would make every batch larger. Immutable; any thread may read.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "targets/label_table.h"
#include "targets/target_set.h"

namespace echoscan {

class LabelMap {
 public:
  // No labels.
  LabelMap() : LabelMap(LabelTable(), {}) {}
  // `entries` in the order read, with labels of the table.
  LabelMap(LabelTable table, const std::vector<LabelledRange>& entries);

  // Whether no address has a label.
  [[nodiscard]] bool empty() const { return label_of_segment_.empty(); }
  [[nodiscard]] LabelId label_of(Ipv4 address) const {
    const std::optional<std::size_t> segment = segments_.range_of(address);
    return segment ? label_of_segment_[*segment] : kNoLabel;
  }
  // Valid as long as the map lives, through moves too; "" for kNoLabel.
  [[nodiscard]] std::string_view text(LabelId label) const { return table_.text(label); }
  // One more than the largest label's number.
  [[nodiscard]] std::size_t label_count() const { return table_.size(); }

  // Cuts merged ranges where the label changes.
  [[nodiscard]] std::vector<LabelledRange> label_ranges(std::span<const AddressRange> merged) const;
  // How many addresses of merged ranges have each label, by its number; empty without labels.
  [[nodiscard]] std::vector<std::uint64_t> count(std::span<const AddressRange> merged) const;

 private:
  LabelTable table_;
  TargetSet segments_;                     // the labelled addresses, cut where the label changes
  std::vector<LabelId> label_of_segment_;  // by the segment's number
};

}  // namespace echoscan
