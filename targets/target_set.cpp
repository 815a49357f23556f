#include "targets/target_set.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace echoscan {
namespace {

// Four buckets a range keep the search behind the table short; the cap keeps the table in the
// cache.
constexpr std::uint64_t kBucketsPerRange = 4;
constexpr std::uint64_t kBucketsMax = std::uint64_t{1} << 22;

}  // namespace

std::vector<AddressRange> merge_ranges(std::vector<AddressRange> ranges) {
  if (!std::is_sorted(ranges.begin(), ranges.end())) std::sort(ranges.begin(), ranges.end());
  std::size_t kept = 0;
  for (const AddressRange& range : ranges) {
    if (kept > 0 && range.first.value <= std::uint64_t{ranges[kept - 1].last.value} + 1) {
      ranges[kept - 1].last = std::max(ranges[kept - 1].last, range.last);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
  return ranges;
}

// In place, since as much memory again took longer than the work: each hole makes one range more at
// the most, so what is written never reaches what is read when so many places are free in front.
std::vector<AddressRange> subtract_ranges(std::vector<AddressRange> ranges,
                                          std::span<const AddressRange> excluded) {
  ranges.insert(ranges.begin(), excluded.size(), AddressRange());
  std::size_t kept = 0;
  auto hole = excluded.begin();
  for (std::size_t i = excluded.size(); i < ranges.size(); ++i) {
    const AddressRange range = ranges[i];
    std::uint64_t next = range.first.value;
    while (hole != excluded.end() && hole->last < range.first) ++hole;
    for (auto inside = hole; inside != excluded.end() && inside->first <= range.last; ++inside) {
      if (inside->first.value > next)
        ranges[kept++] = {Ipv4{static_cast<std::uint32_t>(next)}, Ipv4{inside->first.value - 1}};
      next = std::uint64_t{inside->last.value} + 1;
    }
    if (next <= range.last.value)
      ranges[kept++] = {Ipv4{static_cast<std::uint32_t>(next)}, range.last};
  }
  ranges.resize(kept);
  return ranges;
}

std::uint64_t count_addresses(std::span<const AddressRange> merged) {
  std::uint64_t count = 0;
  for (const AddressRange& range : merged) count += range.size();
  return count;
}

// Goes through the ranges in ascending order of their beginnings. The addresses that a range shares
// with any before it are then those below the furthest end so far.
void append_overlaps(std::span<const AddressRange> ascending, std::vector<AddressRange>& overlaps) {
  std::uint64_t listed_below = 0;    // addresses below this are listed, from the range's first on
  std::uint64_t repeated_below = 0;  // and below this, already appended
  for (const AddressRange& range : ascending) {
    const std::uint64_t end = std::uint64_t{range.last.value} + 1;
    const std::uint64_t from = std::max<std::uint64_t>(range.first.value, repeated_below);
    const std::uint64_t to = std::min(end, listed_below);
    if (from < to) {
      overlaps.push_back(
          {Ipv4{static_cast<std::uint32_t>(from)}, Ipv4{static_cast<std::uint32_t>(to - 1)}});
      repeated_below = to;
    }
    listed_below = std::max(listed_below, end);
  }
}

std::uint64_t count_common(std::span<const AddressRange> a, std::span<const AddressRange> b) {
  std::uint64_t count = 0;
  for (const AddressRange& range : b) {
    auto part = std::partition_point(
        a.begin(), a.end(), [&range](const AddressRange& each) { return each.last < range.first; });
    for (; part != a.end() && part->first <= range.last; ++part)
      count += std::uint64_t{std::min(part->last, range.last).value} -
               std::max(part->first, range.first).value + 1;
  }
  return count;
}

std::uint64_t count_slash24s(std::span<const AddressRange> merged) {
  std::uint64_t count = 0;
  std::uint64_t counted_below = 0;
  for (const AddressRange& range : merged) {
    const std::uint64_t from = std::max<std::uint64_t>(range.first.value >> 8, counted_below);
    const std::uint64_t to = (std::uint64_t{range.last.value} >> 8) + 1;
    if (from < to) count += to - from;
    counted_below = to;
  }
  return count;
}

std::uint64_t count_in_densest_slash24(std::span<const AddressRange> merged) {
  std::uint64_t most = 0;
  std::uint64_t count = 0;  // in the last network so far
  std::uint64_t network = ~std::uint64_t{0};
  for (const AddressRange& range : merged) {
    const std::uint32_t first_network = range.first.value >> 8;
    const std::uint32_t last_network = range.last.value >> 8;
    if (first_network != network) count = 0;
    network = last_network;
    count += std::min(range.last.value, range.first.value | 0xff) - range.first.value + 1;
    most = std::max(most, count);
    if (first_network == last_network) continue;
    if (last_network - first_network > 1) most = 256;
    count = (range.last.value & 0xff) + 1;
    most = std::max(most, count);
  }
  return most;
}

TargetSet::TargetSet(std::vector<AddressRange> ranges) : ranges_(std::move(ranges)) {
  places_.reserve(ranges_.size());
  for (const AddressRange& range : ranges_) {
    const std::uint32_t offset = range.first.value - static_cast<std::uint32_t>(size_);
    size_ += range.size();
    places_.push_back({static_cast<std::uint32_t>(size_ - 1), offset});
  }

  const std::uint64_t buckets_wanted =
      std::clamp<std::uint64_t>(std::bit_ceil(ranges_.size() * kBucketsPerRange), 1, kBucketsMax);
  while (size_ >> bucket_shift_ >= buckets_wanted && size_ >> bucket_shift_ > 0) ++bucket_shift_;
  std::uint32_t range = 0;
  for (std::uint64_t bucket = 0; bucket << bucket_shift_ < size_; ++bucket) {
    while (bucket << bucket_shift_ > places_[range].last_index) ++range;
    range_of_bucket_.push_back(range);
  }

  if (ranges_.empty()) return;  // a set of nothing, as without labels, costs nothing
  range_of_slash16_.reserve(1 << 16);
  range = 0;
  for (std::uint32_t slash16 = 0; slash16 < 1 << 16; ++slash16) {
    while (range < ranges_.size() && ranges_[range].last.value < slash16 << 16) ++range;
    range_of_slash16_.push_back(range);
  }
}

std::optional<std::size_t> TargetSet::range_of(Ipv4 address) const {
  if (ranges_.empty()) return std::nullopt;
  const std::uint32_t slash16 = address.value >> 16;
  const auto begin = ranges_.begin() + range_of_slash16_[slash16];
  const auto end =
      slash16 == 0xffff
          ? ranges_.end()
          : std::min(ranges_.end() - 1, ranges_.begin() + range_of_slash16_[slash16 + 1]) + 1;
  const auto range = std::partition_point(
      begin, end, [address](const AddressRange& candidate) { return candidate.last < address; });
  if (range == end || address < range->first) return std::nullopt;
  return static_cast<std::size_t>(range - ranges_.begin());
}

std::optional<std::uint64_t> TargetSet::index_of(Ipv4 address) const {
  const std::optional<std::size_t> range = range_of(address);
  if (!range) return std::nullopt;
  return address.value - places_[*range].offset;
}

}  // namespace echoscan
