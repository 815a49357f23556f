// Counts by label: how many addresses were sent to, or replied, for each label of the lists.
//
// Each thread that counts has one of its own, and they are added up when somebody asks: one thread
// writes a count, any may read it, by relaxed loads and stores that cost nothing. Without labels
// the tally is empty and counting is one comparison. With labels it is one look-up by address (10
// ns), so that no label has to travel through the senders with its target.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "targets/label_map.h"

namespace echoscan {

class LabelTally {
 public:
  // The map must outlive the tally.
  explicit LabelTally(const LabelMap& labels)
      : labels_(labels), counts_(labels.empty() ? 0 : labels.label_count()) {}

  [[nodiscard]] bool empty() const { return counts_.empty(); }

  // Counts the address under its label, and returns the label's text; "" when it has none.
  std::string_view add(Ipv4 address) {
    if (counts_.empty()) return {};
    const LabelId label = labels_.label_of(address);
    add_label(label);
    return labels_.text(label);
  }

  // Counts under a label that is known. Not without labels.
  void add_label(LabelId label) {
    counts_[label].store(count(label) + 1, std::memory_order_relaxed);
  }

  // The label, without counting; kNoLabel where there are none.
  [[nodiscard]] LabelId label_of(Ipv4 address) const {
    return counts_.empty() ? kNoLabel : labels_.label_of(address);
  }
  // Its text.
  [[nodiscard]] std::string_view text_of(Ipv4 address) const {
    return counts_.empty() ? std::string_view() : labels_.text(labels_.label_of(address));
  }

  // The counts, by the label's number; empty without labels.
  [[nodiscard]] std::vector<std::uint64_t> counts() const {
    std::vector<std::uint64_t> counts;
    counts.reserve(counts_.size());
    for (const auto& count : counts_) counts.push_back(count.load(std::memory_order_relaxed));
    return counts;
  }
  // One of them; not without labels.
  [[nodiscard]] std::uint64_t count(LabelId label) const {
    return counts_[label].load(std::memory_order_relaxed);
  }

 private:
  const LabelMap& labels_;
  std::vector<std::atomic<std::uint64_t>> counts_;
};

}  // namespace echoscan
