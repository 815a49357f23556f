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
#include "tests/sweep_step.h"

namespace echoscan::sender_test {
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
                  clock_, source_, writer_, state_, plan_.labels, plan_.ways.map, next_hops_);
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
  CurrentNextHops next_hops_;
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

// No control looks: --max-runtime ends the sending all the same, at any moment, and says so.
TEST_F(SenderTest, KeepsTheEndOfTheRuntime) {
  for (std::uint64_t runtime_ms = 1; runtime_ms < 1024; runtime_ms += 7 * kSweepStep) {
    transmitter_.log.clear();
    state_.runtime_is_over = false;
    state_.send_until_ns = clock_.now + runtime_ms * 1'000'000;
    EXPECT_TRUE(run(1000));
    // The batch that was begun leaves.
    EXPECT_GE(handed_over_ + 1, runtime_ms);
    EXPECT_LE(handed_over_, runtime_ms + Sender::kBatchSize);
    EXPECT_TRUE(state_.runtime_is_over);
  }
  state_.runtime_is_over = false;
  state_.send_until_ns = clock_.now + 2 * kSecondNs;
  EXPECT_TRUE(run(1000));
  EXPECT_EQ(handed_over_, 1024U);
  EXPECT_FALSE(state_.runtime_is_over);
}

// A gateway is given up at any moment: from then on nothing goes to it, all others get their probe,
// and each target has left or is counted.
TEST_F(SenderTest, NothingGoesToAGatewayThatIsGivenUp) {
  LabelTable table;
  const LabelId kept = table.id_of("kept");
  const LabelId lost = table.id_of("lost");
  const LabelId refused = table.id_of("refused");
  const LabelMap ways(std::move(table), {{{Ipv4{0x09000000}, Ipv4{0x090000ff}}, kept},
                                         {{Ipv4{0x09000100}, Ipv4{0x090002ff}}, lost},
                                         {{Ipv4{0x09000300}, Ipv4{0x090003ff}}, refused}});
  const CurrentNextHops next_hops(NextHopMap(ways, {0, 0, 5, NextHopTable::kNone}, {0, 0, 0, 0}));
  const auto is_lost = [](Ipv4 address) {
    return address.value >= 0x09000100 && address.value <= 0x090002ff;
  };
  for (std::size_t moment = 0; moment < 768; moment += 5 * kSweepStep) {
    ScanState state;
    transmitter_.log.clear();
    transmitter_.takes = [&, calls = 0U](std::size_t batch) mutable {
      if (transmitter_.log.size() >= moment) state.lost_next_hops = std::uint64_t{1} << 5;
      return std::min<std::size_t>(batch, ++calls * 7 % 11);
    };
    ShardBlocks blocks(plan_.steps.begin, plan_.steps.end, 1, 100);
    Pacer pacer(Pacer::kUnlimited, clock_.now);
    Sender sender(TargetCursor(plan_.targets, plan_.permutation), blocks, pacer, transmitter_,
                  clock_, source_, writer_, state, plan_.labels, ways, next_hops);
    EXPECT_TRUE(sender.run());
    const SenderCounters& counters = sender.counters();
    const auto sent_to_lost = static_cast<std::uint64_t>(std::ranges::count_if(
        transmitter_.log, [&](const Target& target) { return is_lost(target.address); }));
    EXPECT_EQ(counters.drawn.get(), plan_.target_count);
    EXPECT_EQ(counters.passed_over.get(), 256U);
    EXPECT_EQ(counters.handed_over.get() + counters.way_lost.get(), 768U);
    EXPECT_EQ(transmitter_.log.size(), counters.handed_over.get());
    EXPECT_EQ(counters.way_lost.get(), 512 - sent_to_lost);
    for (std::size_t i = moment + Sender::kBatchSize; i < transmitter_.log.size(); ++i)
      ASSERT_FALSE(is_lost(transmitter_.log[i].address)) << i << " after " << moment;
    for (const Target& target : transmitter_.log)
      EXPECT_EQ(target.next_hop, is_lost(target.address) ? 5 : 0);
  }
}

// At any moment a driver hands back what it has just taken, all of it or some, and at the same
// moment a gateway is given up: each target of the other gateway is sent once, and none to the lost
// one after.
TEST_F(SenderTest, WhatIsHandedBackWhenItsGatewayIsGivenUpCostsNobodyElse) {
  LabelTable table;
  const LabelId kept = table.id_of("kept");
  const LabelId lost = table.id_of("lost");
  const LabelMap ways(std::move(table), {{{Ipv4{0x09000000}, Ipv4{0x090000ff}}, kept},
                                         {{Ipv4{0x09000100}, Ipv4{0x090003ff}}, lost}});
  const CurrentNextHops next_hops(NextHopMap(ways, {0, 0, 5}, {0, 0, 0}));
  const auto is_lost = [](Ipv4 address) { return address.value >= 0x09000100; };
  for (const unsigned drops_every : {1U, 2U, 3U})
    for (const std::size_t batch_max : {std::size_t{1}, std::size_t{2}, Sender::kBatchSize})
      for (std::size_t moment = 0; moment < 300; moment += kSweepStep) {
        ScanState state;
        transmitter_.log.clear();
        std::size_t given_up_at = ~std::size_t{0};
        transmitter_.takes = [&](std::size_t batch) {
          if (transmitter_.log.size() >= moment && state.lost_next_hops == 0) {
            state.lost_next_hops = std::uint64_t{1} << 5;
            given_up_at = transmitter_.log.size();
          }
          return std::min(batch, batch_max);
        };
        std::size_t dropped = 0;
        transmitter_.drops = [&](const Target&) {
          return transmitter_.log.size() == given_up_at && dropped < batch_max &&
                 ++dropped % drops_every == 0;
        };
        ShardBlocks blocks(plan_.steps.begin, plan_.steps.end, 1, 100);
        Pacer pacer(Pacer::kUnlimited, clock_.now);
        Sender sender(TargetCursor(plan_.targets, plan_.permutation), blocks, pacer, transmitter_,
                      clock_, source_, writer_, state, plan_.labels, ways, next_hops);
        EXPECT_TRUE(sender.run());
        sender.end();
        std::map<Ipv4, int> sent;
        for (const Target& target : transmitter_.log) ++sent[target.address];
        std::size_t kept_count = 0;
        for (const auto& [address, times] : sent) {
          ASSERT_EQ(times, 1) << to_string(address) << " at " << moment;
          if (!is_lost(address)) ++kept_count;
        }
        ASSERT_EQ(kept_count, 256U) << moment << ", one in " << drops_every << " of " << batch_max;
        for (std::size_t i = given_up_at + batch_max; i < transmitter_.log.size(); ++i)
          ASSERT_FALSE(is_lost(transmitter_.log[i].address)) << i << " after " << moment;
      }
}

// Routes change at any moment, again and again: each target leaves by the way that holds then, or
// is counted, and each way that was planned has the targets that it had.
TEST_F(SenderTest, TargetsFollowTheirWays) {
  LabelTable table;
  const LabelId first = table.id_of("first");
  const LabelId second = table.id_of("second");
  const LabelMap ways(std::move(table), {{{Ipv4{0x09000000}, Ipv4{0x090001ff}}, first},
                                         {{Ipv4{0x09000200}, Ipv4{0x090003ff}}, second}});
  const auto map_of = [&ways](std::uint8_t a, std::uint8_t b) {
    return std::make_shared<const NextHopMap>(ways, std::vector<std::uint8_t>{0, a, b},
                                              std::vector<std::uint8_t>{0, 0, 0});
  };
  std::uint64_t way_lost = 0;
  for (std::size_t moment = 0; moment < 1024; moment += 9 * kSweepStep) {
    ScanState state;
    CurrentNextHops next_hops(NextHopMap(ways, {0, 1, 2}, {0, 0, 0}));
    transmitter_.log.clear();
    std::size_t moved = 0;
    std::size_t gone = 0;
    transmitter_.takes = [&, calls = 0U](std::size_t batch) mutable {
      const std::size_t sent = transmitter_.log.size();
      if (moved == 0 && sent >= moment) {
        moved = sent + batch;
        next_hops.replace(map_of(3, 1));
      } else if (moved != 0 && gone == 0 && sent >= moment + 200) {
        gone = sent + batch;
        next_hops.replace(map_of(NextHopTable::kGone, 1));
      }
      return std::min<std::size_t>(batch, ++calls * 7 % 11);
    };
    ShardBlocks blocks(plan_.steps.begin, plan_.steps.end, 1, 100);
    Pacer pacer(Pacer::kUnlimited, clock_.now);
    Sender sender(TargetCursor(plan_.targets, plan_.permutation), blocks, pacer, transmitter_,
                  clock_, source_, writer_, state, plan_.labels, ways, next_hops);
    EXPECT_TRUE(sender.run());
    const SenderCounters& counters = sender.counters();
    EXPECT_EQ(counters.handed_over.get() + counters.way_lost.get(), 1024U);
    EXPECT_EQ(counters.handed_over.get(), transmitter_.log.size());
    std::uint64_t of_second = 0;
    for (std::size_t i = 0; i < transmitter_.log.size(); ++i) {
      const bool is_second = transmitter_.log[i].address.value >= 0x09000200;
      if (is_second) ++of_second;
      const unsigned next_hop = transmitter_.log[i].next_hop;
      if (moved == 0 || i < moment) {
        ASSERT_EQ(next_hop, is_second ? 2U : 1U) << i << " after " << moment;
      } else if (i >= moved) {
        ASSERT_EQ(next_hop, is_second ? 1U : 3U) << i << " after " << moment;
        ASSERT_TRUE(is_second || gone == 0 || i < gone) << i << " after " << moment;
      }
    }
    EXPECT_EQ(of_second, 512U) << "they had a way all the time";
    EXPECT_EQ(sender.handed_over().by_way.counts()[second], 512U);
    if (gone == 0) {
      EXPECT_EQ(counters.way_lost.get(), 0U) << moment;
    }
    way_lost += counters.way_lost.get();
  }
  EXPECT_GT(way_lost, 0U);
}

}  // namespace
}  // namespace echoscan::sender_test
