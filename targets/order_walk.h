// One sender's walk through the order: batches of addresses, and which steps each took.
//
// It takes blocks as it needs them and seeks there, so that who walks sees one stream. The steps
// are counted over all passes (step_ranges.h), for whoever writes down how far a scan is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "targets/shard_blocks.h"
#include "targets/target_cursor.h"

namespace echoscan {

class OrderWalk {
 public:
  struct Draw {
    std::span<Ipv4> addresses;  // the front of the room, and perhaps none of it
    StepRange steps;
    std::uint32_t pass = 0;
    bool was_reached = false;  // an earlier leg of the scan may have sent to them
  };

  // The blocks must outlive the walk.
  OrderWalk(TargetCursor cursor, ShardBlocks& blocks) : cursor_(cursor), blocks_(blocks) {
    cursor_.seek(0, 0);
  }

  // The pass of what comes next, whose block it takes; nullopt when all blocks are taken.
  std::optional<std::uint32_t> upcoming_pass() {
    if (cursor_.done()) {
      const std::optional<Block> block = blocks_.claim();
      if (!block) return std::nullopt;
      block_ = *block;
      cursor_.seek(block_.begin, block_.end);
    }
    return block_.pass;
  }

  // What comes next, of one block; nullopt when all blocks are taken.
  std::optional<Draw> next(std::span<Ipv4> room) {
    if (!upcoming_pass()) return std::nullopt;
    const std::uint64_t begin = step();
    const std::size_t count = cursor_.next(room);
    return Draw{room.first(count), {begin, step()}, block_.pass, block_.was_reached};
  }

  // The steps of the block that are not drawn yet.
  [[nodiscard]] StepRange rest() const {
    return {step(), block_.step + (block_.end - block_.begin)};
  }
  [[nodiscard]] std::uint64_t claimed_blocks() const { return blocks_.claimed(); }

 private:
  [[nodiscard]] std::uint64_t step() const {
    return block_.step + (cursor_.position() - block_.begin);
  }

  TargetCursor cursor_;
  ShardBlocks& blocks_;
  Block block_;
};

}  // namespace echoscan
