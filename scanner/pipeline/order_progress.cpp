#include "scanner/pipeline/order_progress.h"

#include <algorithm>

namespace echoscan {
namespace {

// Neighbouring draws become one up to so many targets, since a slow scan's blocks are single steps.
constexpr std::uint64_t kDrawTargets = 64;

// Adds a range to some, which may be no set. There is always room for one more.
void add_range(std::vector<StepRange>& ranges, StepRange range) {
  if (range.begin >= range.end) return;
  if (!ranges.empty()) {
    StepRange& last = ranges.back();
    if (range.begin <= last.end && last.begin <= range.end) {
      last = {std::min(last.begin, range.begin), std::max(last.end, range.end)};
      return;
    }
  }
  ranges.push_back(range);
  if (ranges.size() <= OrderProgress::kRangesMax) return;
  make_step_set(ranges);
  if (ranges.size() <= OrderProgress::kRangesMax) return;
  // All steps are in it, and others.
  ranges.front().end = ranges.back().end;
  ranges.resize(1);
}

}  // namespace

OrderProgress::OrderProgress(std::size_t draws) : draws_(draws) {
  for (std::vector<StepRange>* ranges : {&unsent_, &held_, &pending_, &published_.pending})
    ranges->reserve(kRangesMax + 1);
}

void OrderProgress::note_draw(StepRange steps, std::uint64_t place, std::size_t targets,
                              bool is_partial) {
  if (is_partial) add_range(unsent_, steps);
  if (targets == 0) return;
  const std::uint64_t place_end = place + targets;
  newest_ = {steps, place_end};
  newest_place_ = place;
  const auto draw = [this](std::uint64_t number) -> Draw& {
    return draws_[number % draws_.size()];
  };
  if (draw_count_ > 1) {
    Draw& last = draw(draw_count_ - 1);
    const std::uint64_t last_begin = draw(draw_count_ - 2).place_end;
    if (last.steps.end == steps.begin && place_end - last_begin <= kDrawTargets) {
      last.steps.end = steps.end;
      last.place_end = place_end;
      return;
    }
  }
  draw(draw_count_++) = {steps, place_end};
}

void OrderProgress::take_back_newest() {
  Draw& last = draws_[(draw_count_ - 1) % draws_.size()];
  if (last.steps.begin == newest_.steps.begin) {
    --draw_count_;
  } else {
    last.steps.end = newest_.steps.begin;
    last.place_end = newest_place_;
  }
  add_range(unsent_, newest_.steps);
}

template <typename Use>
void OrderProgress::for_each_behind(std::uint64_t place, const Use& use) const {
  const std::uint64_t forgotten = draw_count_ - std::min<std::uint64_t>(draw_count_, draws_.size());
  for (std::uint64_t i = draw_count_; i > forgotten; --i) {
    const Draw& draw = draws_[(i - 1) % draws_.size()];
    if (draw.place_end <= place) return;
    use(draw.steps);
  }
}

void OrderProgress::note_unsent_behind(std::uint64_t place) {
  for_each_behind(place, [this](StepRange steps) { add_range(unsent_, steps); });
  // It may be one of those that were set aside.
  if (place >= held_end_) return;
  for (const StepRange& steps : held_) add_range(unsent_, steps);
  held_.clear();
}

// A sender goes back by what it remembers: so long what was set aside may be pending once more.
void OrderProgress::note_held(StepRange steps) {
  if (held_end_ != kEveryBlock && published_place_ >= held_end_ + draws_.size()) held_.clear();
  held_end_ = kEveryBlock;
  add_range(held_, steps);
}

void OrderProgress::note_held_behind(std::uint64_t place) {
  note_held({});
  for_each_behind(place, [this](StepRange steps) { note_held(steps); });
}

void OrderProgress::publish(std::uint64_t place, StepRange rest, std::uint64_t claimed_blocks,
                            bool is_waiting) {
  std::unique_lock lock(mutex_, std::defer_lock);
  if (is_waiting) {
    lock.lock();
  } else if (!lock.try_lock()) {
    return;
  }
  pending_.clear();
  add_range(pending_, rest);
  for_each_behind(place, [this](StepRange steps) { add_range(pending_, steps); });
  for (const StepRange& steps : unsent_) add_range(pending_, steps);
  if (place < held_end_)
    for (const StepRange& steps : held_) add_range(pending_, steps);
  published_place_ = place;
  make_step_set(pending_);
  published_.pending = pending_;
  published_.claimed_blocks = claimed_blocks;
}

OrderProgress::Published OrderProgress::published() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

}  // namespace echoscan
