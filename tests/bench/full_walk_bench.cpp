// All of IPv4 less the special-purpose registry, walked once in a random order: each address
// exactly once, and nothing else. Takes 512 MB and a minute or two; exits with 1 if it is not true.
//
//   full_walk_bench [SEED]
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "targets/permutation.h"
#include "targets/skipped_steps.h"
#include "targets/special_purpose.h"
#include "targets/target_cursor.h"
#include "targets/target_set.h"

namespace echoscan {
namespace {

constexpr std::size_t kBatchSize = 64;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<AddressRange> routable_ranges() {
  std::vector<AddressRange> reserved;
  for (const SpecialPurposeRange& entry : kSpecialPurposeRanges) reserved.push_back(entry.range);
  return subtract_ranges({{Ipv4{0}, Ipv4{0xffffffff}}}, merge_ranges(std::move(reserved)));
}

int walk(std::uint64_t seed) {
  const TargetSet targets(routable_ranges());
  const Permutation order(targets.size(), seed);
  fmt::print("{} targets in {} ranges, seed {}: p {}, g {}, x0 {}\n", targets.size(),
             targets.ranges().size(), seed, order.prime(), order.generator(), order.start());

  auto begin = std::chrono::steady_clock::now();
  const SkippedSteps skipped(order);
  fmt::print("{} skipped steps found in {:.3f} s\n", skipped.exponents().size(),
             seconds_since(begin));

  // A bit for each of 2^32 addresses, listed or not.
  std::vector<std::uint64_t> seen(std::size_t{1} << 26);
  std::uint64_t drawn = 0;
  std::uint64_t twice = 0;
  TargetCursor cursor(targets, order);
  std::array<Ipv4, kBatchSize> batch;
  begin = std::chrono::steady_clock::now();
  while (const std::size_t count = cursor.next(batch)) {
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t& word = seen[batch[i].value / 64];
      const std::uint64_t bit = std::uint64_t{1} << batch[i].value % 64;
      twice += (word & bit) != 0 ? 1 : 0;
      word |= bit;
    }
    drawn += count;
  }
  const double walk_s = seconds_since(begin);

  std::uint64_t missed = 0;
  std::uint64_t unlisted = 0;
  auto range = targets.ranges().begin();
  for (std::uint64_t address = 0; address < std::uint64_t{1} << 32; ++address) {
    while (range != targets.ranges().end() && range->last.value < address) ++range;
    const bool is_target = range != targets.ranges().end() && range->first.value <= address;
    const bool is_seen = (seen[address / 64] >> address % 64 & 1) != 0;
    missed += is_target && !is_seen ? 1 : 0;
    unlisted += !is_target && is_seen ? 1 : 0;
  }
  fmt::print(
      "{} drawn in {:.1f} s, {:.1f} ns each with the bitmap; {} twice, {} missed, {} not "
      "targets\n",
      drawn, walk_s, walk_s * 1e9 / static_cast<double>(drawn), twice, missed, unlisted);
  return drawn == targets.size() && twice + missed + unlisted == 0 ? 0 : 1;
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  return echoscan::walk(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 42);
}
