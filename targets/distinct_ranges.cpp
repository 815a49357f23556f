#include "targets/distinct_ranges.h"

#include <algorithm>
#include <utility>

#include "targets/target_set.h"

namespace echoscan {
namespace {

// One comparison of 64 bits, and not two of 32.
struct Before {
  static std::uint64_t key(const AddressRange& range) {
    return std::uint64_t{range.first.value} << 32 | range.last.value;
  }
  bool operator()(const AddressRange& a, const AddressRange& b) const { return key(a) < key(b); }
};

}  // namespace

void DistinctRanges::remove_copies() {
  const auto middle = ranges_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  if (middle == ranges_.end()) return;
  std::sort(middle, ranges_.end(), Before());
  std::inplace_merge(ranges_.begin(), middle, ranges_.end(), Before());
  std::size_t kept = 0;
  for (const AddressRange& range : ranges_) {
    if (kept == 0 || ranges_[kept - 1] != range) {
      ranges_[kept++] = range;
    } else if (repeated_.empty() || repeated_.back() != range) {
      repeated_.push_back(range);
    }
  }
  ranges_.resize(kept);
  sorted_ = kept;
  batch_ = std::max(kBatchMin, kept / 4);
  if (repeated_.size() < repeated_max_) return;
  repeated_ = merge_ranges(std::move(repeated_));
  repeated_max_ = std::max(kBatchMin, 2 * repeated_.size());
}

std::uint64_t DistinctRanges::count_repeated() {
  remove_copies();
  std::vector<AddressRange> repeated = repeated_;
  append_overlaps(ranges_, repeated);
  return count_addresses(merge_ranges(std::move(repeated)));
}

std::vector<AddressRange> DistinctRanges::take_merged() {
  remove_copies();
  sorted_ = 0;
  return merge_ranges(std::exchange(ranges_, {}));
}

}  // namespace echoscan
