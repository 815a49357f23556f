#include "targets/shard_blocks.h"

namespace echoscan {

std::uint64_t steps_to_targets(const Permutation& permutation, std::uint64_t target_count) {
  if (target_count >= permutation.size()) return permutation.step_count();
  std::uint64_t steps = 0;
  std::uint64_t value = permutation.start();
  for (std::uint64_t found = 0; found < target_count; ++steps) {
    if (value <= permutation.size()) ++found;
    value = permutation.next(value);
  }
  return steps;
}

}  // namespace echoscan
