// The shard's part of the order, cut into blocks that senders take as they become free.
//
// Each sender owns the block that it took, so that senders share nothing but one counter, and a
// queue that stalls holds up one block and not a fixed fraction of the scan. A pass goes over the
// whole shard before the next begins: losses come in bursts, which would take two probes of a
// target that follow each other. A resumed scan has the steps that are left in place of all.
// Rejected: a fixed part per thread, which makes the order depend on the number of threads and "the
// first N targets" meaningless.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "targets/permutation.h"
#include "targets/step_ranges.h"

namespace echoscan {

// Exponents [begin, end) of the order, to be walked in pass `pass`.
struct Block {
  std::uint32_t pass = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t step = 0;  // of `begin`, over all passes
  // Whether an earlier leg of the scan may have sent to the block's targets.
  bool was_reached = false;
};

class ShardBlocks {
 public:
  // Cuts the exponents [begin, end) into blocks of block_steps (at least 1), the last one shorter.
  ShardBlocks(std::uint64_t begin, std::uint64_t end, std::uint32_t passes,
              std::uint64_t block_steps)
      : ShardBlocks({begin, end}, block_steps, {{0, (end - begin) * passes}}, 0) {}

  // Cuts the set `pending` of the steps over all passes. Earlier legs have not been beyond
  // `reached`.
  ShardBlocks(StepRange shard, std::uint64_t block_steps, const std::vector<StepRange>& pending,
              std::uint64_t reached)
      : shard_(shard), block_steps_(block_steps), reached_(reached) {
    const std::uint64_t pass_steps = std::max<std::uint64_t>(shard.end - shard.begin, 1);
    for (StepRange rest : pending) {
      while (rest.begin < rest.end) {
        std::uint64_t end = std::min(rest.end, (rest.begin / pass_steps + 1) * pass_steps);
        if (rest.begin < reached) end = std::min(end, reached);
        pieces_.push_back({block_count_, {rest.begin, end}});
        block_count_ += (end - rest.begin + block_steps - 1) / block_steps;
        rest.begin = end;
      }
    }
  }

  // The next block, or nullopt when all are taken. Any thread.
  std::optional<Block> claim() {
    const std::uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    if (number >= block_count_) return std::nullopt;
    return block(number);
  }

  // How many blocks have been taken. Any thread.
  [[nodiscard]] std::uint64_t claimed() const {
    return std::min(next_.load(std::memory_order_relaxed), block_count_);
  }
  // The steps of the blocks from that number on.
  [[nodiscard]] std::vector<StepRange> steps_from(std::uint64_t number) const {
    std::vector<StepRange> steps;
    if (number >= block_count_) return steps;
    auto piece = piece_of(number);
    steps.push_back({step_of(*piece, number), piece->steps.end});
    while (++piece != pieces_.end()) steps.push_back(piece->steps);
    make_step_set(steps);
    return steps;
  }
  // The step that the blocks below that number end before, at most.
  [[nodiscard]] std::uint64_t end_of(std::uint64_t number) const {
    if (number == 0 || block_count_ == 0) return 0;
    const Block last = block(std::min(number, block_count_) - 1);
    return last.step + (last.end - last.begin);
  }

 private:
  // Steps of one pass, whose blocks have the numbers from first_block on.
  struct Piece {
    std::uint64_t first_block = 0;
    StepRange steps;
  };

  [[nodiscard]] std::vector<Piece>::const_iterator piece_of(std::uint64_t number) const {
    return std::prev(std::ranges::upper_bound(pieces_, number, {}, &Piece::first_block));
  }
  [[nodiscard]] std::uint64_t step_of(const Piece& piece, std::uint64_t number) const {
    return piece.steps.begin + (number - piece.first_block) * block_steps_;
  }
  [[nodiscard]] Block block(std::uint64_t number) const {
    const Piece& piece = *piece_of(number);
    const std::uint64_t pass_steps = shard_.end - shard_.begin;
    const std::uint64_t step = step_of(piece, number);
    const std::uint64_t begin = shard_.begin + step % pass_steps;
    const std::uint64_t steps = std::min(block_steps_, piece.steps.end - step);
    return {static_cast<std::uint32_t>(step / pass_steps), begin, begin + steps, step,
            step < reached_};
  }

  const StepRange shard_;
  const std::uint64_t block_steps_;
  const std::uint64_t reached_;
  std::vector<Piece> pieces_;
  std::uint64_t block_count_ = 0;
  std::atomic<std::uint64_t> next_ = 0;
};

}  // namespace echoscan
