#include "output/summary/share_interval.h"

#include <algorithm>
#include <cmath>

namespace echoscan {
namespace {

constexpr double kZ95 = 1.959963984540054;  // of the normal distribution

// How many independent ones so many of a finite population are worth.
double worth(std::uint64_t asked, std::uint64_t population) {
  const auto n = static_cast<double>(asked);
  const auto all = static_cast<double>(population);
  return n * (all - 1) / (all - n);
}

double half_width(double share, double n) {
  return kZ95 / (1 + kZ95 * kZ95 / n) *
         std::sqrt(share * (1 - share) / n + kZ95 * kZ95 / (4 * n * n));
}

}  // namespace

std::optional<ShareInterval> share_interval(std::uint64_t hits, std::uint64_t asked,
                                            std::uint64_t population) {
  if (asked == 0) return std::nullopt;
  const double share = std::min(1.0, static_cast<double>(hits) / static_cast<double>(asked));
  if (asked >= population) return ShareInterval{share, share};
  if (asked < ShareInterval::kTooFew) return std::nullopt;
  const double n = worth(asked, population);
  const double centre = (share + kZ95 * kZ95 / (2 * n)) / (1 + kZ95 * kZ95 / n);
  const double half = half_width(share, n);
  return ShareInterval{std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

double expected_half_width(double share, std::uint64_t asked, std::uint64_t population) {
  if (asked == 0) return 1;
  return asked >= population ? 0 : half_width(share, worth(asked, population));
}

}  // namespace echoscan
