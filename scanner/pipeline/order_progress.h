// How far one sender has come in the order: the steps that it took and whose probes may not have
// left yet, for the checkpoint.
//
// The sender knows targets by their places in its history, and the checkpoint needs steps of the
// order, so each draw notes which steps it took and the place behind its targets. What a sender
// cannot send (a way that is lost, a target handed back for good) is never done: who resumes the
// scan tries it again. What it has set aside is done when all of that has left. The list is
// published ten times a second under a lock that the sender only tries, so that it never waits; the
// reader sees a list that was true a moment ago, with the number of blocks that were claimed by
// then. Rejected: a step beside each target, which makes the history a half larger; a list of
// blocks alone, which sends thousands of targets again after Ctrl-C.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

#include "targets/step_ranges.h"

namespace echoscan {

class OrderProgress {
 public:
  static constexpr std::uint64_t kEveryBlock = std::numeric_limits<std::uint64_t>::max();
  // More ranges than that become one, so that what is published has an end.
  static constexpr std::size_t kRangesMax = 256;

  struct Published {
    std::vector<StepRange> pending;    // a set
    std::uint64_t claimed_blocks = 0;  // all blocks that the sender may take later are behind it
  };

  // `draws` is how many draws are remembered: as many as targets are.
  explicit OrderProgress(std::size_t draws);

  // The sender's thread: `steps` were taken, and so many targets of theirs lie behind `place`. With
  // `is_partial` others of theirs will not be sent.
  void note_draw(StepRange steps, std::uint64_t place, std::size_t targets, bool is_partial);
  // That no target of the newest draw will be sent.
  void take_back_newest();
  // That a target will not be sent whose steps' targets lie behind `place`; nobody knows which.
  void note_unsent_behind(std::uint64_t place);
  // That a target of these steps, or of those whose targets lie behind `place`, is set aside.
  void note_held(StepRange steps);
  void note_held_behind(std::uint64_t place);
  // That none is set aside any more: the last of them lies before `place`.
  void release_held(std::uint64_t place) { held_end_ = place; }
  // Publishes what is pending when all targets before `place` have left, and `rest` of the present
  // block is not drawn. Without `is_waiting` it gives way to a reader. No allocation.
  void publish(std::uint64_t place, StepRange rest, std::uint64_t claimed_blocks, bool is_waiting);

  // Any thread.
  [[nodiscard]] Published published() const;

 private:
  struct Draw {
    StepRange steps;
    std::uint64_t place_end = 0;
  };

  // Calls `use` with the steps of each draw whose targets end behind `place`, the newest first.
  template <typename Use>
  void for_each_behind(std::uint64_t place, const Use& use) const;

  std::vector<Draw> draws_;  // the newest is at (draw_count_ - 1) % draws_.size()
  std::uint64_t draw_count_ = 0;
  // What the newest draw has added, which is perhaps the end of an entry.
  Draw newest_;
  std::uint64_t newest_place_ = 0;
  std::vector<StepRange> unsent_;
  std::vector<StepRange> held_;  // pending until all before held_end_ have left
  std::uint64_t held_end_ = 0;
  std::uint64_t published_place_ = 0;
  std::vector<StepRange> pending_;  // kept for its memory
  mutable std::mutex mutex_;
  Published published_;
};

}  // namespace echoscan
