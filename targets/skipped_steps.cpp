#include "targets/skipped_steps.h"

#include <algorithm>
#include <cmath>

namespace echoscan {
namespace {

struct BabyStep {
  std::uint64_t value;
  std::uint64_t exponent;
};

}  // namespace

SkippedSteps::SkippedSteps(const Permutation& permutation)
    : target_count_(permutation.size()), step_count_(permutation.step_count()) {
  const std::uint64_t skipped_count = step_count_ - target_count_;
  if (skipped_count == 0) return;
  const auto balanced = static_cast<std::uint64_t>(
      std::sqrt(static_cast<double>(skipped_count) * static_cast<double>(step_count_)));
  const std::uint64_t baby_count = std::clamp<std::uint64_t>(balanced, 1, step_count_);
  std::vector<BabyStep> baby_steps;
  baby_steps.reserve(baby_count);
  std::uint64_t value = permutation.start();
  for (std::uint64_t exponent = 0; exponent < baby_count; ++exponent) {
    baby_steps.push_back({value, exponent});
    value = permutation.next(value);
  }
  std::sort(baby_steps.begin(), baby_steps.end(),
            [](const BabyStep& a, const BabyStep& b) { return a.value < b.value; });

  // A giant step goes baby_count exponents back; after some number of them the value is among the
  // baby steps.
  const std::uint64_t giant_step = permutation.power(step_count_ - baby_count % step_count_);
  for (std::uint64_t skipped = target_count_ + 1; skipped <= step_count_; ++skipped) {
    value = skipped;
    for (std::uint64_t back = 0;; back += baby_count) {
      const auto found = std::lower_bound(
          baby_steps.begin(), baby_steps.end(), value,
          [](const BabyStep& step, std::uint64_t wanted) { return step.value < wanted; });
      if (found != baby_steps.end() && found->value == value) {
        exponents_.push_back(found->exponent + back);
        break;
      }
      value = permutation.multiply(value, giant_step);
    }
  }
  std::sort(exponents_.begin(), exponents_.end());
}

std::uint64_t SkippedSteps::targets_before(std::uint64_t exponent) const {
  const auto skipped = std::lower_bound(exponents_.begin(), exponents_.end(), exponent);
  return exponent - static_cast<std::uint64_t>(skipped - exponents_.begin());
}

std::uint64_t SkippedSteps::steps_to(std::uint64_t target_count) const {
  if (target_count >= target_count_) return step_count_;
  std::uint64_t steps = target_count;
  for (const std::uint64_t skipped : exponents_) {
    if (skipped >= steps) break;
    ++steps;
  }
  return steps;
}

}  // namespace echoscan
