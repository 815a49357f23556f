#include "targets/distinct_ranges.h"

#include <algorithm>
#include <array>
#include <utility>

#include "targets/target_set.h"

namespace echoscan {
namespace {

constexpr std::size_t kRadixMin = 1 << 12;  // fewer are sorted sooner by comparing
constexpr unsigned kDigitBits = 11;         // three digits of an address; a table fits in the cache
constexpr unsigned kSortDigits = 3;
constexpr std::size_t kDigitValues = std::size_t{1} << kDigitBits;
constexpr std::size_t kGrowth = 4;

std::size_t digit_of(const AddressRange& range, unsigned digit) {
  return range.first.value >> (digit * kDigitBits) & (kDigitValues - 1);
}

// Sorts by the first addresses, a digit after the other from the lowest on, to and fro between the
// ranges and as much room for them elsewhere.
void sort_by_first(std::span<AddressRange> ranges, std::span<AddressRange> room) {
  std::array<std::array<std::size_t, kDigitValues>, kSortDigits> places{};
  for (const AddressRange& range : ranges)
    for (unsigned digit = 0; digit < kSortDigits; ++digit) ++places[digit][digit_of(range, digit)];
  std::span<AddressRange> from = ranges;
  std::span<AddressRange> to = room;
  for (unsigned digit = 0; digit < kSortDigits; ++digit) {
    std::size_t next = 0;
    for (std::size_t& place : places[digit]) next += std::exchange(place, next);
    for (const AddressRange& range : from) to[places[digit][digit_of(range, digit)]++] = range;
    std::swap(from, to);
  }
  std::copy(from.begin(), from.end(), ranges.begin());
}

// Sorts by first and then last address. By comparing alone it took twice as long for a million.
void sort_ranges(std::span<AddressRange> ranges, std::span<AddressRange> room) {
  if (std::is_sorted(ranges.begin(), ranges.end())) return;
  if (ranges.size() < kRadixMin) {
    std::sort(ranges.begin(), ranges.end());
    return;
  }
  sort_by_first(ranges, room);
  for (auto begin = ranges.begin(); begin != ranges.end();) {
    const auto end = std::find_if(begin + 1, ranges.end(), [begin](const AddressRange& range) {
      return range.first != begin->first;
    });
    if (end - begin > 1) std::sort(begin, end);
    begin = end;
  }
}

}  // namespace

void DistinctRanges::remove_copies() {
  if (batch_.empty()) return;
  const std::size_t known = ranges_.size();
  const std::size_t size = known + batch_.size();
  // Memory that is reserved and not touched costs nothing, and growing touches as much again.
  if (size > ranges_.capacity()) ranges_.reserve(std::max(size, kGrowth * known));
  ranges_.resize(size);
  sort_ranges(batch_, std::span(ranges_).subspan(known));
  merge_batch(known);
  batch_max_ = std::max(kBatchMin, ranges_.size() / 4);
  if (repeated_.size() < repeated_max_) return;
  repeated_ = merge_ranges(std::move(repeated_));
  repeated_max_ = std::max(kBatchMin, 2 * repeated_.size());
}

// Merges from the back, where there is room, and ends at the smallest of the batch, so that a list
// that ascends costs nothing here. Copies leave a gap, which is closed.
void DistinctRanges::merge_batch(std::size_t known) {
  std::size_t place = ranges_.size();
  while (!batch_.empty()) {
    // Of equal ones the known one comes first, so that all copies of it are seen in the batch.
    const bool is_known = known > 0 && ranges_[known - 1] >= batch_.back();
    const AddressRange range = is_known ? ranges_[--known] : batch_.back();
    if (!is_known) batch_.pop_back();
    if (place == ranges_.size() || ranges_[place] != range) {
      ranges_[--place] = range;
    } else if (repeated_.empty() || repeated_.back() != range) {
      repeated_.push_back(range);
    }
  }
  ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(known),
                ranges_.begin() + static_cast<std::ptrdiff_t>(place));
}

std::uint64_t DistinctRanges::count_repeated() {
  remove_copies();
  std::vector<AddressRange> repeated = repeated_;
  append_overlaps(ranges_, repeated);
  return count_addresses(merge_ranges(std::move(repeated)));
}

std::vector<AddressRange> DistinctRanges::take_merged() {
  remove_copies();
  batch_ = {};
  return merge_ranges(std::exchange(ranges_, {}));
}

}  // namespace echoscan
