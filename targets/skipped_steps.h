// The steps of an order that lead to no target, found by arithmetic: what makes counts exact.
//
// p - 1 - n of the values of an order are above n and skipped: about 20, never over 400. Where they
// lie decides how many targets a range of exponents holds, and where the N-th target is. A walk to
// find them costs 3 ns a target, 11 s for all of IPv4. The discrete logarithms of the skipped
// values take some 50 ms (baby steps and giant steps, with a table of sqrt(k p) entries for k
// values). Immutable; any thread may read.
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

  // The smallest number of steps from the start that lead to `target_count` targets; all steps when
  // there are no more targets than that.
  [[nodiscard]] std::uint64_t steps_to(std::uint64_t target_count) const;

 private:
  std::uint64_t target_count_;
  std::uint64_t step_count_;
  std::vector<std::uint64_t> exponents_;
};

}  // namespace echoscan
