// What a scan needs to go on: sets of steps, blocks of what is left, how far a sender is, when a
// step is done, and what earlier legs have done. Random cases against a bitmap of all steps, which
// is the truth.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "scanner/checkpoint/checkpoint.h"
#include "scanner/pipeline/answer_marks.h"
#include "scanner/pipeline/checkpointer.h"
#include "scanner/pipeline/order_progress.h"
#include "scanner/plan/done_probes.h"
#include "targets/shard_blocks.h"
#include "targets/step_ranges.h"
#include "targets/target_cursor.h"
#include "tests/scanner/plan_of.h"

namespace echoscan::resume_test {
namespace {

using Bits = std::vector<bool>;

constexpr std::uint64_t kSteps = 500;

Bits bits_of(const std::vector<StepRange>& ranges) {
  Bits bits(kSteps);
  for (const StepRange& range : ranges)
    for (std::uint64_t step = range.begin; step < range.end; ++step) bits[step] = true;
  return bits;
}

std::vector<StepRange> random_ranges(std::mt19937_64& random, std::size_t count) {
  std::vector<StepRange> ranges;
  for (; count > 0; --count) {
    const std::uint64_t begin = random() % kSteps;
    ranges.push_back({begin, std::min(kSteps, begin + random() % 60)});
  }
  return ranges;
}

std::vector<StepRange> random_set(std::mt19937_64& random) {
  std::vector<StepRange> set = random_ranges(random, random() % 8);
  make_step_set(set);
  return set;
}

TEST(StepRanges, SetsAreWhatABitmapSays) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<StepRange> set = random_ranges(random, random() % 20);
    const Bits truth = bits_of(set);
    make_step_set(set);
    ASSERT_EQ(bits_of(set), truth);
    for (std::size_t i = 0; i < set.size(); ++i) {
      ASSERT_LT(set[i].begin, set[i].end);
      if (i > 0) {
        ASSERT_LT(set[i - 1].end, set[i].begin);
      }
    }
    ASSERT_EQ(count_steps(set), static_cast<std::uint64_t>(std::ranges::count(truth, true)));
    Bits outside = bits_of(steps_outside(set, {0, kSteps}));
    outside.flip();
    ASSERT_EQ(outside, truth);
  }
}

// The blocks of what is left are what is left, in order; each lies in one pass and on one side of
// what was reached.
TEST(ShardBlocks, CutWhatIsLeft) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 500; ++round) {
    const std::vector<StepRange> pending = random_set(random);
    const std::uint64_t reached = random() % kSteps;
    const StepRange shard{1000, 1000 + kSteps / 5};  // 5 passes
    ShardBlocks blocks(shard, 1 + random() % 30, pending, reached);
    std::vector<StepRange> taken = steps_outside(pending, {0, kSteps});
    while (true) {
      ASSERT_EQ(bits_of(blocks.steps_from(blocks.claimed())),
                bits_of(steps_outside(taken, {0, kSteps})))
          << "without what is done";
      const std::optional<Block> block = blocks.claim();
      if (!block) break;
      const std::uint64_t end = block->step + (block->end - block->begin);
      ASSERT_EQ(block->pass, block->step / 100);
      ASSERT_EQ(block->begin, 1000 + block->step % 100);
      ASSERT_LE(block->end, shard.end);
      ASSERT_EQ(block->was_reached, block->step < reached);
      ASSERT_TRUE(end <= reached || block->step >= reached);
      ASSERT_EQ(blocks.end_of(blocks.claimed()), end);
      taken.push_back({block->step, end});
      make_step_set(taken);
    }
    ASSERT_EQ(bits_of(taken), Bits(kSteps, true));
  }
}

// A sender that draws blocks of some size, has some targets under way, and cannot send others: what
// it publishes has every step whose targets have not left, and nothing that it has not drawn.
TEST(OrderProgress, NothingIsDoneThatHasNotLeft) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 300; ++round) {
    OrderProgress progress(256);
    std::uint64_t place = 0;
    std::uint64_t left = 0;  // places before this have left
    std::uint64_t step = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> places;  // of each target: place, step
    Bits unsent(kSteps);
    while (step < kSteps) {
      const std::uint64_t steps = std::min(kSteps - step, 1 + random() % 40);
      const std::size_t targets = random() % (steps + 1);
      const bool is_partial = random() % 10 == 0;
      progress.note_draw({step, step + steps}, place, targets, is_partial);
      for (std::size_t i = 0; i < targets; ++i) places.emplace_back(place + i, step + i);
      for (std::uint64_t s = step; is_partial && s < step + steps; ++s) unsent[s] = true;
      place += targets;
      step += steps;
      left = std::max(left, place - std::min(place, random() % 200));
      progress.publish(left, {step, step + 7}, 9, false);
      const OrderProgress::Published published = progress.published();
      Bits pending(kSteps + 7);
      for (const StepRange& range : published.pending)
        for (std::uint64_t s = range.begin; s < range.end; ++s) pending[s] = true;
      for (const auto& [at, of] : places)
        if (at >= left) {
          ASSERT_TRUE(pending[of]) << "of round " << round;
        }
      for (std::uint64_t s = 0; s < step; ++s)
        if (unsent[s]) {
          ASSERT_TRUE(pending[s]);
        }
      ASSERT_TRUE(pending[step + 6]);
      ASSERT_EQ(published.claimed_blocks, 9U);
      ASSERT_LE(published.pending.size(), OrderProgress::kRangesMax);
    }
    // When all have left, only what was not sent is pending.
    progress.publish(place, {0, 0}, OrderProgress::kEveryBlock, true);
    ASSERT_EQ(bits_of(progress.published().pending), unsent);
  }
}

// A sender that is told to stop between two batches: of neighbouring draws that are remembered as
// one, those that have left are done, and the newest, which it has not begun, is not.
TEST(OrderProgress, ADrawThatWasNotBegunTakesNoOtherWithIt) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2'000; ++round) {
    OrderProgress progress(256);
    std::uint64_t place = 0;
    std::uint64_t step = random() % 100;
    StepRange newest;
    for (std::uint64_t draws = 1 + random() % 9; draws > 0; --draws) {
      const std::uint64_t steps = 1 + random() % 40;
      // A batch of what was handed back, or steps of another sender, may come between.
      if (random() % 4 == 0) place += random() % 64;
      if (random() % 4 == 0) step += random() % 64;
      newest = {step, step + steps};
      const std::size_t targets = draws == 1 ? 1 + random() % steps : random() % (steps + 1);
      progress.note_draw(newest, place, targets, false);
      if (draws > 1) place += targets;
      step += steps;
    }
    progress.take_back_newest();
    progress.publish(place, {}, OrderProgress::kEveryBlock, true);
    const OrderProgress::Published published = progress.published();
    ASSERT_EQ(published.pending.size(), 1U) << "round " << round;
    ASSERT_EQ(published.pending[0].begin, newest.begin);
    ASSERT_EQ(published.pending[0].end, newest.end);
  }
}

TEST(OrderProgress, ManyRangesBecomeOne) {
  OrderProgress progress(4096);
  std::uint64_t place = 0;
  for (std::uint64_t step = 0; step < 4000; step += 2)
    progress.note_draw({step, step + 1}, place++, 1, false);
  progress.publish(0, {}, 0, true);
  const OrderProgress::Published published = progress.published();
  EXPECT_LE(published.pending.size(), OrderProgress::kRangesMax);
  EXPECT_EQ(published.pending.front().begin, 0U);
  EXPECT_EQ(published.pending.back().end, 3999U);
}

// The rule of the checkpoint against its definition: a step is done when it was in no look since
// one that is a cooldown older than the newest look whose lines are all in place.
TEST(Checkpointer, AStepIsDoneACooldownAfterItLeft) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 300; ++round) {
    Checkpoint start;
    start.after_kill.pending = {{0, kSteps}};
    start.legs.emplace_back();
    std::vector<CheckpointView> views;
    CheckpointView next;
    const std::uint64_t cooldown_ns = random() % 20;
    Checkpointer checkpointer(
        start, cooldown_ns, 0,
        {[&next] { return next; }, [] { return 0; }, [] { return std::int64_t{5}; },
         [](const Checkpoint&, bool) { return std::string(); }});
    OrderPlace expected = start.after_kill;
    for (int looks = 0; looks < 60; ++looks) {
      next.at_ns += 1 + random() % 4;
      next.left_ns = next.at_ns - random() % 2;
      next.pending = random_set(random);
      next.reached += random() % 5;
      next.lines += random() % 3;
      next.lines_in_place = std::max(
          next.lines_in_place, next.lines - std::min<std::uint64_t>(next.lines, random() % 6));
      next.is_backlogged = random() % 4 == 0;
      views.push_back(next);
      checkpointer.look();
      for (std::size_t i = views.size(); i > 0; --i) {
        const CheckpointView& in_place = views[i - 1];
        if (in_place.is_backlogged || in_place.lines > next.lines_in_place) continue;
        for (std::size_t base = i; base > 0; --base) {
          if (views[base - 1].left_ns + cooldown_ns > in_place.at_ns) continue;
          std::vector<StepRange> pending;
          for (std::size_t since = base - 1; since < views.size(); ++since)
            pending.insert(pending.end(), views[since].pending.begin(), views[since].pending.end());
          make_step_set(pending);
          expected.pending = pending;
          expected.lines = in_place.lines;
          break;
        }
        break;
      }
      const OrderPlace& place = checkpointer.checkpoint().after_kill;
      ASSERT_EQ(bits_of(place.pending), bits_of(expected.pending)) << round << ", " << looks;
      ASSERT_EQ(place.lines, expected.lines);
      ASSERT_EQ(place.reached, next.reached);
    }
  }
}

TEST(Checkpointer, WhatFailsIsToldAndTheLastPlaceIsSynchronised) {
  Checkpoint start;
  start.after_kill.pending = start.after_power_loss.pending = {{0, 10}};
  start.legs.emplace_back();
  int sync_error = EIO;
  std::string write_error = "the disk is full";
  CheckpointView view;
  view.at_ns = 100;
  Checkpointer checkpointer(
      start, 0, 0,
      {[&] { return view; }, [&] { return sync_error; }, [] { return std::int64_t{5}; },
       [&](const Checkpoint&, bool) { return write_error; }});
  EXPECT_FALSE(checkpointer.close("interrupted"));
  EXPECT_TRUE(checkpointer.checkpoint().after_kill.pending.empty());
  EXPECT_EQ(checkpointer.checkpoint().after_power_loss.pending.size(), 1U);
  sync_error = 0;
  write_error.clear();
  EXPECT_TRUE(checkpointer.close("interrupted"));
  EXPECT_TRUE(checkpointer.checkpoint().after_power_loss.pending.empty());
  EXPECT_EQ(checkpointer.checkpoint().legs.back().why, "interrupted");
}

// An exception in its thread would end the process, and one at the scan's end would cost the
// ledger.
TEST(Checkpointer, NothingIsThrownAndThePlaceStays) {
  Checkpoint start;
  start.after_kill.pending = {{0, 10}};
  start.legs.emplace_back();
  std::string failing = "look";
  std::atomic<int> writes = 0;
  const auto fail_at = [&failing](const char* where) {
    if (failing == where) throw std::bad_alloc();
  };
  CheckpointView view;
  view.at_ns = 100;
  Checkpointer checkpointer(start, 0, 0,
                            {[&] {
                               fail_at("look");
                               return view;
                             },
                             [&] {
                               fail_at("sync");
                               return 0;
                             },
                             [] { return std::int64_t{5}; },
                             [&](const Checkpoint&, bool) {
                               fail_at("write");
                               ++writes;
                               return std::string();
                             }});
  checkpointer.start();
  EXPECT_EQ(writes, 1);
  // So long that the thread has stepped, and thrown.
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_FALSE(checkpointer.close("interrupted"));
  EXPECT_EQ(checkpointer.checkpoint().after_kill.pending.size(), 1U);
  for (const char* where : {"sync", "write"}) {
    failing = where;
    EXPECT_FALSE(checkpointer.close("interrupted")) << where;
  }
  EXPECT_EQ(writes, 1);
  failing.clear();
  EXPECT_TRUE(checkpointer.close("interrupted"));
  EXPECT_EQ(writes, 2);
}

class MarksTest : public testing::Test {
 protected:
  MarksTest() { std::filesystem::remove(path); }

  // The targets of the marks that are there when they are opened behind `left`, or the refusal.
  std::string opened(const std::optional<MarksLeft>& left) {
    std::string targets;
    const auto marks = AnswerMarks::open(
        path, left, [&](const AnswerMark& mark) { targets += std::to_string(mark.target.value); });
    return marks ? targets : marks.error();
  }
  void write_marks() {
    const auto marks = AnswerMarks::open(path, std::nullopt, [](const AnswerMark&) {});
    ASSERT_TRUE(marks) << marks.error();
    for (std::uint32_t i = 1; i <= 5; ++i) (*marks)->add({Ipv4{i}, 3, 1});
    (*marks)->flush();
    EXPECT_EQ((*marks)->in_place(), 5U);
  }
  void put(const std::string& bytes, std::ios::openmode how = std::ios::trunc) {
    std::ofstream(path, std::ios::binary | std::ios::out | how) << bytes;
  }
  [[nodiscard]] std::string content() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const std::string path = testing::TempDir() + "/marks.scan.answers";
};

TEST_F(MarksTest, AreReadAsTheyWereWritten) {
  write_marks();
  EXPECT_EQ(opened(MarksLeft{4, false}), "12345");
  // No checkpoint knew of any yet: a reply that came after one may have its line.
  EXPECT_EQ(opened(MarksLeft{0, false}), "12345");
  EXPECT_EQ(opened(MarksLeft{6, false}), "cannot use '" + path + "': it has 5 of 6 marks");
  // Half a mark of a killed leg.
  put("abc", std::ios::app);
  EXPECT_EQ(opened(MarksLeft{5, false}), "12345");
  EXPECT_EQ(content().size(), 48U);
  EXPECT_EQ(opened(std::nullopt), "");
  EXPECT_EQ(content().size(), 8U);
}

// What was not synchronised may be zeros, which would be marks of 0.0.0.0.
TEST_F(MarksTest, AreCutToWhatALossOfPowerHasLeft) {
  write_marks();
  put(std::string(800, '\0'), std::ios::app);
  EXPECT_EQ(opened(MarksLeft{3, true}), "123");
  EXPECT_EQ(content().size(), 32U);
}

TEST_F(MarksTest, ThoseOfSomebodyElseAreLeft) {
  for (const std::string& foreign : {std::string("a list\n"), std::string(16, '\0')}) {
    put(foreign);
    for (const std::optional<MarksLeft>& left :
         {std::optional<MarksLeft>(), std::optional(MarksLeft{1, false}),
          std::optional(MarksLeft{1, true})})
      EXPECT_EQ(opened(left),
                "cannot use '" + path + "': no scan has written it, and it is left as it is");
    AnswerMarks::remove(path);
    EXPECT_EQ(content(), foreign);
  }
  put("");
  EXPECT_EQ(opened(std::nullopt), "");
  AnswerMarks::remove(path);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(opened(MarksLeft{1, false}), "cannot use '" + path + "': No such file or directory");
}

// What is done, counted one by one.
TEST(DoneProbes, AreThoseOutsideOfWhatIsLeft) {
  std::mt19937_64 random(5);
  const std::string labelled = testing::TempDir() + "/labelled.txt";
  std::ofstream(labelled) << "9.0.0.0/26 a\n9.0.0.64/27\n9.0.1.0/25 b\n";
  for (int round = 0; round < 40; ++round) {
    const TargetPlan plan = plan_of({"-t", labelled, "--seed", std::to_string(round)});
    const std::uint64_t steps = plan.steps.end - plan.steps.begin;
    const unsigned passes = 1 + static_cast<unsigned>(round % 3);
    std::vector<StepRange> pending;
    for (std::uint64_t i = random() % 5; i > 0; --i) {
      const std::uint64_t begin = random() % (steps * passes);
      pending.push_back({begin, std::min(steps * passes, begin + random() % 90)});
    }
    make_step_set(pending);
    DoneProbes truth;
    truth.sent_by_label.resize(plan.labels.label_count());
    truth.sent_by_pass.resize(passes);
    TargetCursor cursor(plan.targets, plan.permutation);
    for (const StepRange& range : steps_outside(pending, {0, steps * passes}))
      for (std::uint64_t step = range.begin; step < range.end; ++step) {
        cursor.seek(plan.steps.begin + step % steps, plan.steps.begin + step % steps + 1);
        Ipv4 address;
        if (cursor.next({&address, 1}) == 0) continue;
        ++truth.sent;
        ++truth.sent_by_pass[step / steps];
        ++truth.sent_by_label[plan.labels.label_of(address)];
      }
    const DoneProbes done = count_done(plan, passes, pending);
    ASSERT_EQ(done.drawn, truth.sent);
    ASSERT_EQ(done.sent, truth.sent);
    ASSERT_EQ(done.passed_over, 0U);
    ASSERT_EQ(done.sent_by_pass, truth.sent_by_pass);
    ASSERT_EQ(done.sent_by_label, truth.sent_by_label);
  }
}

}  // namespace
}  // namespace echoscan::resume_test
