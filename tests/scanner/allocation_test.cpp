// Nothing hot allocates: every operator new is counted while senders and receiver work through
// batches.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "scanner/pipeline/receiver.h"
#include "scanner/pipeline/sender.h"
#include "scanner/plan/target_plan.h"
#include "tests/scanner/fakes.h"
#include "tests/scanner/plan_of.h"

namespace {

std::atomic<std::uint64_t> allocations = 0;

void* counted(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace echoscan::allocation_test {
namespace {

constexpr std::uint64_t kTargets = 65536;

class DiscardingTransmitter : public Transmitter {
 public:
  std::size_t send(std::span<const Target> batch) override {
    counters_.sent.add(batch.size());
    return batch.size();
  }
  bool settle() override { return true; }
  void give_up() override {}
  [[nodiscard]] std::string mode() const override { return "discard"; }
};

// Every target replies `repeats` times and has as many errors, a batch at a time.
class EndlessSource : public ReplySource {
 public:
  EndlessSource(const TargetSet& targets, ScanState& state, std::uint64_t repeats = 1,
                std::uint64_t errors = 0)
      : targets_(targets), state_(state), repeats_(repeats), errors_(errors) {}
  std::size_t receive(std::span<reply> replies) override {
    std::size_t count = 0;
    const std::uint64_t each = repeats_ + errors_;
    for (; count < replies.size() && next_ < targets_.size() * each; ++count, ++next_) {
      const bool is_error = next_ % each >= repeats_;
      replies[count] = {};
      replies[count].target = replies[count].responder = targets_.at(next_ / each).value;
      replies[count].outcome = is_error ? FRAME_ERROR : FRAME_REPLY;
      replies[count].icmp_type = is_error ? 3 : 0;
      replies[count].sent_ns = next_ + 1;
      replies[count].received_ns = next_ + 1000;
    }
    if (next_ == targets_.size() * each) state_.stop_receiving = true;
    return count;
  }
  void stop() override {}
  [[nodiscard]] frame_counters outcomes() const override { return {}; }
  [[nodiscard]] std::uint64_t dropped_unseen() const override { return 0; }
  [[nodiscard]] std::uint64_t passed_on() const override { return 0; }
  [[nodiscard]] bool is_backlogged() const override { return false; }
  [[nodiscard]] std::string mode() const override { return "endless"; }

 private:
  const TargetSet& targets_;
  ScanState& state_;
  const std::uint64_t repeats_;
  const std::uint64_t errors_;
  std::uint64_t next_ = 0;
};

class NullSink : public ByteSink {
 public:
  Outcome write_some(std::string_view bytes) override { return {bytes.size(), 0}; }
  void wait_writable(int) override {}
};

class AllocationTest : public testing::Test {
 protected:
  AllocationTest() : plan_(plan_of({"9.0.0.0/16 label", "--seed", "1"})), writer_(sink_) {}

  TargetPlan plan_;
  FakeClock clock_;
  NullSink sink_;
  ResultWriter writer_;
  CurrentNextHops next_hops_;
  ScanState state_;
};

TEST_F(AllocationTest, TheCounterCounts) {
  const std::uint64_t before = allocations;
  delete new int(1);
  EXPECT_GT(allocations, before);
}

TEST_F(AllocationTest, SenderDoesNotAllocate) {
  const FakeReplySource source({});
  ShardBlocks blocks(plan_.steps.begin, plan_.steps.end, 1, 1000);
  Pacer pacer(1'000'000, clock_.now);
  DiscardingTransmitter transmitter;
  Sender sender(TargetCursor(plan_.targets, plan_.permutation), blocks, pacer, transmitter, clock_,
                source, writer_, state_, plan_.labels, plan_.ways.map, next_hops_);
  const std::uint64_t before = allocations;
  EXPECT_TRUE(sender.run());
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(transmitter.counters().sent.get(), kTargets);
}

TEST_F(AllocationTest, ReceiverDoesNotAllocate) {
  EndlessSource source(plan_.targets, state_);
  const GeoTable geo;
  const ResultFormat format;
  Receiver receiver(plan_.targets, {}, source, geo, format, writer_, clock_, state_, plan_.labels,
                    plan_.ways.map);
  const std::function<void()> on_failure = [] {};
  const std::uint64_t before = allocations;
  receiver.run(on_failure);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(receiver.counters().replied.get(), kTargets);
  EXPECT_EQ(writer_.lines(), kTargets);
}

TEST_F(AllocationTest, ErrorsAndRepeatsDoNotAllocate) {
  EndlessSource source(plan_.targets, state_, 5, 3);
  const GeoTable geo;
  const ResultFormat format;
  state_.sending_ended_ns = 2000;
  Receiver receiver(plan_.targets, {}, source, geo, format, writer_, clock_, state_, plan_.labels,
                    plan_.ways.map, {}, {.errors = true, .repeats = true, .repeat_cap = 2});
  const std::function<void()> on_failure = [] {};
  const std::uint64_t before = allocations;
  receiver.run(on_failure);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(receiver.counters().repeats.get(), 4 * kTargets);
  EXPECT_EQ(receiver.counters().error_repeats.get(), 2 * kTargets);
  EXPECT_EQ(writer_.lines(), 4 * kTargets);
}

TEST_F(AllocationTest, FramesDoNotAllocate) {
  const FrameTemplate frame_template({}, {});
  std::array<std::uint8_t, PROBE_FRAME_BYTES> frame;
  const std::uint64_t before = allocations;
  frame_template.fill(frame);
  for (std::uint32_t i = 0; i < 1000; ++i) frame_template.patch(frame, {Ipv4{i}, 0}, i);
  std::array<std::array<std::uint8_t, PROBE_FRAME_BYTES>, 64> frames;
  std::array<std::uint8_t*, 64> pointers;
  for (std::size_t i = 0; i < frames.size(); ++i) pointers[i] = frames[i].data();
  frame_template.patch_batch(pointers, std::array<Target, 64>{}, 1);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace echoscan::allocation_test
