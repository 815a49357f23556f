// The sender against a fake kernel and a fake clock: each target once a pass,
// whatever the kernel takes.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "scanner/pipeline/sender.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/pacer.h"
#include "tests/scanner/fakes.h"
#include "tests/scanner/plan_of.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr Ipv4 kSource{0xc0000201};

class SenderTest : public testing::Test {
 protected:
  SenderTest()
      : plan_(plan_of({"9.0.0.0/22", "--seed", "4"})),
        source_({{}, kSource.value, 0}),
        transmitter_(FrameTemplate({{}, {}, kSource}, {}), source_, clock_, [](Ipv4) { return 0; }),
        writer_(sink_) {}

  bool run(std::uint64_t rate_pps, std::uint32_t passes = 1) {
    ShardBlocks blocks(plan_.steps.begin, plan_.steps.end, passes, 100);
    Pacer pacer(rate_pps, clock_.now);
    Sender sender(TargetCursor(plan_.targets, plan_.permutation), blocks, pacer, transmitter_,
                  clock_, source_, writer_, state_, plan_.labels, plan_.ways);
    const bool is_good = sender.run();
    drawn_ = sender.counters().drawn.get();
    handed_over_ = sender.counters().handed_over.get();
    return is_good;
  }

  TargetPlan plan_;
  FakeClock clock_;
  FakeReplySource source_;
  FakeTransmitter transmitter_;
  FakeSink sink_;
  ResultWriter writer_;
  ScanState state_;
  std::uint64_t drawn_ = 0;
  std::uint64_t handed_over_ = 0;
};

TEST_F(SenderTest, EachTargetOncePerPassInTheOrderOfTheCursor) {
  EXPECT_TRUE(run(Pacer::kUnlimited, 2));
  TargetCursor cursor(plan_.targets, plan_.permutation);
  std::vector<Ipv4> order(plan_.target_count);
  cursor.next(order);
  ASSERT_EQ(transmitter_.log.size(), 2 * order.size());
  for (std::size_t i = 0; i < transmitter_.log.size(); ++i) {
    ASSERT_EQ(transmitter_.log[i].address, order[i % order.size()]);
    ASSERT_EQ(transmitter_.log[i].pass, i / order.size());
  }
}

// The kernel takes some, none, or a part of each batch: nothing is lost, nothing goes out twice.
TEST_F(SenderTest, WhatTheKernelDoesNotTakeIsOfferedAgain) {
  std::uint64_t calls = 0;
  transmitter_.takes = [&calls](std::size_t batch) {
    return std::min<std::size_t>(batch, ++calls * 7 % 11);
  };
  EXPECT_TRUE(run(Pacer::kUnlimited));
  std::map<Ipv4, int> count;
  for (const Target& target : transmitter_.log) ++count[target.address];
  EXPECT_EQ(count.size(), plan_.target_count);
  EXPECT_EQ(transmitter_.log.size(), plan_.target_count);
  EXPECT_EQ(handed_over_, plan_.target_count);
}

TEST_F(SenderTest, KeepsTheRateOnAHesitantKernel) {
  std::uint64_t calls = 0;
  transmitter_.takes = [&calls](std::size_t batch) { return ++calls % 3 == 0 ? 0 : batch; };
  const std::uint64_t start_ns = clock_.now;
  EXPECT_TRUE(run(1000));
  EXPECT_NEAR(static_cast<double>(clock_.now - start_ns), 1.024e9, 2e7);
}

TEST_F(SenderTest, GivesUpOnAKernelThatTakesNothing) {
  transmitter_.takes = [](std::size_t) { return std::size_t{0}; };
  const std::uint64_t start_ns = clock_.now;
  EXPECT_FALSE(run(1000));
  EXPECT_GE(clock_.now - start_ns, Sender::kStallNs);
  EXPECT_LT(clock_.now - start_ns, Sender::kStallNs + 2 * kSecondNs);
  EXPECT_EQ(handed_over_, 0U);
}

TEST_F(SenderTest, StopsWhenToldTo) {
  transmitter_.takes = [this](std::size_t batch) {
    if (transmitter_.log.size() >= 300) state_.stop_sending = true;
    return batch;
  };
  EXPECT_TRUE(run(Pacer::kUnlimited));
  EXPECT_LT(transmitter_.log.size(), 500U);
  EXPECT_EQ(handed_over_, transmitter_.log.size());
}

}  // namespace
}  // namespace echoscan
