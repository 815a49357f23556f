// How well a sample knows a share: Wilson's interval at 95 %, narrower as more of the population is
// asked.
//
// The first targets of an order are a simple random sample of all of them, since the order is a
// permutation drawn from the seed: --max-targets, --max-runtime and a signal all leave one.
// Wilson's interval holds where a share is near 0, as it is in most networks, where the textbook's
// p +- 1.96 s is empty. The correction for a finite population makes n of N count as n (N - 1) / (N
// - n), so that a scan of all has an interval of no width. Rejected: Clopper and Pearson's, which
// is too wide by design. share_interval_test has its coverage over five shapes of truth. Pure.
#pragma once

#include <cstdint>
#include <optional>

namespace echoscan {

struct ShareInterval {
  // Fewer than so many say nothing about a share.
  static constexpr std::uint64_t kTooFew = 30;

  double low = 0;
  double high = 0;
};

// The interval of the share of `population` that `hits` of `asked` stand for. Absent where too few
// were asked, unless they are all.
std::optional<ShareInterval> share_interval(std::uint64_t hits, std::uint64_t asked,
                                            std::uint64_t population);

// Half of its width, where the share is known beforehand; 0 when all are asked.
double expected_half_width(double share, std::uint64_t asked, std::uint64_t population);

}  // namespace echoscan
