// As many targets as the survey of cloud addresses had, in as many ranges: what benches of results
// are measured with, so that their figures can be held against each other.
//
// The ranges lie apart over the whole address space, since the cost of finding a target grows with
// their number. Rejected: the survey's own lists, which change each week.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "targets/target_set.h"

namespace echoscan {

inline TargetSet survey_targets() {
  constexpr std::uint32_t kTargets = 79'000'000;
  constexpr std::uint32_t kRanges = 1000;
  constexpr std::uint32_t kFirst = std::uint32_t{1} << 24;
  constexpr std::uint32_t kStride = ((std::uint32_t{223} << 24) - kFirst) / kRanges;
  std::vector<AddressRange> ranges;
  for (std::uint32_t i = 0; i < kRanges; ++i) {
    const std::uint32_t first = kFirst + i * kStride;
    ranges.push_back({Ipv4{first}, Ipv4{first + kTargets / kRanges - 1}});
  }
  return TargetSet(std::move(ranges));
}

}  // namespace echoscan
