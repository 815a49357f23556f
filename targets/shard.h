// A shard: part i of n of an order, for scans that several machines share.
//
// Part i is the i-th of n contiguous pieces of the order's exponents, so it depends on nothing but
// i, n and the order: not on queues, threads or rate. Shards differ by some 20 targets in size,
// depending on where the few skipped values lie. Rejected: every n-th exponent. It divides as
// evenly, but a step of the walk is then g^n, and no shard can tell where "the first N of the
// order" end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace echoscan {

struct Shard {
  static constexpr std::uint32_t kCountMax = 1'000'000;

  std::uint32_t index = 0;  // from 0
  std::uint32_t count = 1;  // 1: the whole order

  friend bool operator==(const Shard&, const Shard&) = default;
};

// Exponents [begin, end) of an order.
struct StepRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  friend bool operator==(const StepRange&, const StepRange&) = default;
};

// The shard's piece of the first `steps` (below 2^33) steps.
constexpr StepRange shard_steps(Shard shard, std::uint64_t steps) {
  return {steps * shard.index / shard.count, steps * (shard.index + 1) / shard.count};
}

// A shard from its two numbers, or from "i/n"; nullopt unless i < n and 1 <= n <= kCountMax.
std::optional<Shard> make_shard(std::uint64_t index, std::uint64_t count);
std::optional<Shard> parse_shard(std::string_view text);

}  // namespace echoscan
