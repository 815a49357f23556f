// The steps of an order that lead to no target, found by arithmetic: what makes counts exact.
//
// p - 1 - n of the values of an order are above n and skipped: about 20, never over 400. Where they
// lie decides how many targets a range of exponents holds, and where the N-th target is. Walking
// there costs 3 ns a target, 11 s for all of IPv4; a discrete logarithm of each skipped value (baby
// steps and giant steps, a table of sqrt(k p) entries for k values) some 50 ms. Immutable; any
// thread may read.
#pragma once

#include <cstdint>
#include <vector>

#include "targets/permutation.h"

namespace echoscan {

class SkippedSteps {
 public:
  explicit SkippedSteps(const Permutation& permutation);

  // Ascending exponents of the values above n.
  [[nodiscard]] const std::vector<std::uint64_t>& exponents() const { return exponents_; }

  // How many of the exponents below `exponent` lead to a target; exponent <= step_count().
  [[nodiscard]] std::uint64_t targets_before(std::uint64_t exponent) const;

  // How many steps from the start lead to `target_count` targets and to nothing behind them; all
  // when there are no more targets than that.
  [[nodiscard]] std::uint64_t steps_to(std::uint64_t target_count) const;

 private:
  std::uint64_t target_count_;
  std::uint64_t step_count_;
  std::vector<std::uint64_t> exponents_;
};

}  // namespace echoscan
