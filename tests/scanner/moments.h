// Moments of simulated time, which several fixtures name alike.
//
// A scan does not begin at 0, so that a time which nobody has set shows. Rejected: a copy in each
// fixture, since the sanitizers compile a room's tests as one.
#pragma once

#include <cstdint>

namespace echoscan {

inline constexpr std::uint64_t kMs = 1'000'000;
inline constexpr std::uint64_t kSecondNs = 1'000 * kMs;
inline constexpr std::uint64_t kStartNs = 5 * kSecondNs;
inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

}  // namespace echoscan
