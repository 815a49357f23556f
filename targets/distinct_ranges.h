// The ranges that lists hold, each once, while they are read.
//
// An endless list of one line (`yes 10.0.0.1 | echoscan targets -t -`) took all memory when every
// line was kept. Ranges that come again are removed in batches, so that memory is 8 bytes for each
// distinct range and a quarter more: 10 M random addresses take 90 MB. They are not merged before
// the end, since a label that comes later needs to know how specific each of them was. Rejected: a
// std::set or a hash table, at 40 bytes a range and several times the work. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "targets/prefix.h"

namespace echoscan {

class DistinctRanges {
 public:
  void add(const AddressRange& range) {
    batch_.push_back(range);
    if (batch_.size() >= batch_max_) remove_copies();
  }

  // How many are kept now; some of the last ones may be there twice.
  [[nodiscard]] std::size_t size() const { return ranges_.size() + batch_.size(); }

  // The distinct ranges so far, ascending by first and then last address.
  const std::vector<AddressRange>& ranges() {
    remove_copies();
    return ranges_;
  }

  // How many addresses were added more than once, by the same range or by another, each counted
  // once.
  std::uint64_t count_repeated();

  // The addresses of all ranges, merged; this is empty then.
  std::vector<AddressRange> take_merged();

 private:
  void remove_copies();
  // `known`: how many are in ranges_; behind them is room for the batch, which is sorted.
  void merge_batch(std::size_t known);

  std::vector<AddressRange> ranges_;  // ascending and distinct
  std::vector<AddressRange> batch_;   // what came since
  std::size_t batch_max_ = kBatchMin;
  std::vector<AddressRange> repeated_;  // ranges that came more than once
  std::size_t repeated_max_ = kBatchMin;

  static constexpr std::size_t kBatchMin = 1 << 16;
};

}  // namespace echoscan
