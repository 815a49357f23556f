// The targets as a set: sorted disjoint ranges, and the two maps between an address and its index
// in [0, n).
//
// Only indexes are permuted, so that no address off the list can ever be produced, and a bitmap
// over indexes remembers exactly who has answered (10 MB for 79 M targets, where a bitmap over
// addresses takes 512 MB). A bucket table over the index's top bits leads to the range of an index;
// a plain binary search over 100,000 ranges would cost 45-95 ns, ten times the rest of making a
// probe. Immutable once built; any thread may read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "targets/address.h"
#include "targets/prefix.h"

namespace echoscan {

// Sorts the ranges and joins those that overlap or touch.
std::vector<AddressRange> merge_ranges(std::vector<AddressRange> ranges);

// The addresses of `ranges` that are in none of `excluded`; both are merged, and so is the result.
std::vector<AddressRange> subtract_ranges(std::vector<AddressRange> ranges,
                                          std::span<const AddressRange> excluded);

// Appends the addresses that stand in more than one of the ranges, which are ascending by their
// first addresses. The overlaps are ascending and disjoint.
void append_overlaps(std::span<const AddressRange> ascending, std::vector<AddressRange>& overlaps);

// How many addresses both hold; `a` and `b` are merged, and b is the shorter.
std::uint64_t count_common(std::span<const AddressRange> a, std::span<const AddressRange> b);

// How many addresses merged ranges hold; at most 2^32.
std::uint64_t count_addresses(std::span<const AddressRange> merged);

// How many /24 networks merged ranges touch.
std::uint64_t count_slash24s(std::span<const AddressRange> merged);

// How many addresses merged ranges hold in the /24 network in which they hold most; at most 256.
std::uint64_t count_in_densest_slash24(std::span<const AddressRange> merged);

class TargetSet {
 public:
  // `ranges` are ascending and disjoint, as merge_ranges and subtract_ranges return them.
  explicit TargetSet(std::vector<AddressRange> ranges);

  // n, at most 2^32.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::span<const AddressRange> ranges() const { return ranges_; }

  // The index-th address in ascending order; index < size().
  [[nodiscard]] Ipv4 at(std::uint64_t index) const {
    const auto low = static_cast<std::uint32_t>(index);
    std::size_t range = range_of_bucket_[index >> bucket_shift_];
    while (low > places_[range].last_index) ++range;
    return Ipv4{low + places_[range].offset};
  }

  // The number of the range that holds an address; nullopt when none does.
  [[nodiscard]] std::optional<std::size_t> range_of(Ipv4 address) const;

  // The inverse of at(); nullopt when the address is not a target.
  [[nodiscard]] std::optional<std::uint64_t> index_of(Ipv4 address) const;

 private:
  // Where a range lies in index space. 8 bytes, so that at() finds both numbers in one cache line.
  struct Place {
    std::uint32_t last_index;
    std::uint32_t offset;  // from an index to its address, modulo 2^32
  };

  std::vector<AddressRange> ranges_;
  std::vector<Place> places_;                    // of each range
  std::vector<std::uint32_t> range_of_bucket_;   // the range that holds a bucket's first index
  std::vector<std::uint32_t> range_of_slash16_;  // the first range that ends in or behind a /16
  std::uint64_t size_ = 0;
  unsigned bucket_shift_ = 0;
};

}  // namespace echoscan
