// The shard's part of the order, cut into blocks that senders take as they become free.
//
// Each sender owns the block that it took, so that senders share nothing but one counter, and a
// queue that stalls holds up one block and not a fixed fraction of the scan. A pass goes over the
// whole shard before the next begins: losses come in bursts, which would take two probes of a
// target that follow each other. Rejected: a fixed part per thread, which makes the order depend on
// the number of threads and "the first N targets" meaningless.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "targets/permutation.h"

namespace echoscan {

// Exponents [begin, end) of the order, to be walked in pass `pass`.
struct Block {
  std::uint32_t pass = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class ShardBlocks {
 public:
  // Cuts the exponents [begin, end) into blocks of block_steps (at least 1), the last one shorter.
  ShardBlocks(std::uint64_t begin, std::uint64_t end, std::uint32_t passes,
              std::uint64_t block_steps)
      : begin_(begin),
        end_(end),
        block_steps_(block_steps),
        blocks_per_pass_((end - begin + block_steps - 1) / block_steps),
        block_count_(blocks_per_pass_ * passes) {}

  // The next block, or nullopt when all are taken. Any thread.
  std::optional<Block> claim() {
    const std::uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    if (number >= block_count_) return std::nullopt;
    const std::uint64_t first = begin_ + number % blocks_per_pass_ * block_steps_;
    return Block{static_cast<std::uint32_t>(number / blocks_per_pass_), first,
                 std::min(first + block_steps_, end_)};
  }

 private:
  const std::uint64_t begin_;
  const std::uint64_t end_;
  const std::uint64_t block_steps_;
  const std::uint64_t blocks_per_pass_;
  const std::uint64_t block_count_;
  std::atomic<std::uint64_t> next_ = 0;
};

}  // namespace echoscan
