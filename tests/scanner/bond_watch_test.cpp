// The watch on a bond's ports, on simulated time: what loses probes, what does not, and how far
// back.
#include "scanner/pipeline/bond_watch.h"

#include <gtest/gtest.h>

#include "tests/scanner/fakes.h"
#include "tests/scanner/moments.h"

namespace echoscan::bond_watch_test {
namespace {

constexpr std::uint64_t kOnItsWayNs = 70 * kMs;
constexpr std::uint64_t kUnnoticedNs = 300 * kMs;
constexpr std::uint64_t kTickNs = 10 * kMs;

struct Case {
  Case() {
    link.bonded = Bond{7, "bond0", kUnnoticedNs};
    link.ports = {{"eth0", true, 3}, {"eth1", false, 0}};
  }
  void run(std::uint64_t length_ns, SendingPhase phase = SendingPhase::sending) {
    for (const std::uint64_t end_ns = now_ns + length_ns; now_ns < end_ns; now_ns += kTickNs)
      watch.look(now_ns, phase);
  }

  FakeLink link{};
  ScanState state{};
  EventLog events{};
  BondWatch watch{link, state, events, [] { return kOnItsWayNs; }};
  std::uint64_t now_ns = kStartNs;
};

// Whenever it fails, all is sent again that the bond may have given to the dead port, and once.
TEST(BondWatch, WhatLeftByAPortThatHasFailedIsSentAgain) {
  for (std::uint64_t at_ms = 10; at_ms < 400; at_ms += 10) {
    Case one;
    one.run(at_ms * kMs);
    const std::uint64_t failed_ns = one.now_ns;
    one.link.ports = {{"eth0", false, 4}, {"eth1", true, 0}};
    one.run(1000 * kMs);
    ASSERT_EQ(one.state.reply_losses.count(), 1U) << at_ms;
    const std::uint64_t since_ns = one.state.reply_losses.earliest_since_ns(0);
    EXPECT_LE(since_ns, failed_ns - kUnnoticedNs - kOnItsWayNs) << at_ms;
    EXPECT_GE(since_ns, failed_ns - kUnnoticedNs - kOnItsWayNs - BondWatch::kLookNs) << at_ms;
    EXPECT_FALSE(one.state.has_to_wait()) << "the bond goes on by another port";
    ASSERT_EQ(one.events.events().size(), 1U);
    EXPECT_EQ(one.events.events().front().what, "a port of bond0 has failed: eth0");
  }
}

// Each of these is a port that the last probes left by, or their replies come in by.
TEST(BondWatch, APortIsLostInSeveralWays) {
  const std::vector<std::vector<BondPort>> losses{
      {{"eth0", true, 4}, {"eth1", false, 0}},   // failed, and was back before anybody looked
      {{"eth0", false, 3}, {"eth1", true, 0}},   // changed for another by hand
      {{"eth1", true, 0}},                       // taken out of the bond
      {{"eth0", false, 3}, {"eth1", false, 0}},  // out of use
  };
  for (const std::vector<BondPort>& loss : losses) {
    Case one;
    one.run(500 * kMs);
    one.link.ports = loss;
    one.run(500 * kMs);
    EXPECT_EQ(one.state.reply_losses.count(), 1U) << loss.front().name;
  }
}

TEST(BondWatch, WhatCarriesNothingLosesNothing) {
  const std::vector<std::vector<BondPort>> harmless{
      {{"eth0", true, 3}, {"eth1", false, 1}},                      // the other one failed
      {{"eth0", true, 3}, {"eth1", true, 0}},                       // it carries, too
      {{"eth0", true, 3}},                                          // it is taken out
      {{"eth0", true, 3}, {"eth1", false, 0}, {"eth2", false, 0}},  // one more
      {},                                                           // the kernel does not say
  };
  for (const std::vector<BondPort>& ports : harmless) {
    Case one;
    one.run(500 * kMs);
    one.link.ports = ports;
    one.run(500 * kMs);
    EXPECT_EQ(one.state.reply_losses.count(), 0U) << ports.size();
    EXPECT_TRUE(one.events.events().empty());
  }
}

// Both of an aggregate carry: each one's failure counts.
TEST(BondWatch, EachPortOfAnAggregateCounts) {
  Case one;
  one.link.ports = {{"eth0", true, 0}, {"eth1", true, 0}};
  one.run(500 * kMs);
  one.link.ports[1] = {"eth1", false, 1};
  one.run(500 * kMs);
  one.link.ports[1] = {"eth1", true, 1};
  one.run(500 * kMs);
  EXPECT_EQ(one.state.reply_losses.count(), 1U);
  one.link.ports = {{"eth0", false, 1}, {"eth1", true, 2}};
  one.run(500 * kMs);
  EXPECT_EQ(one.state.reply_losses.count(), 2U);
  EXPECT_EQ(one.events.events().back().what, "a port of bond0 has failed: eth0, eth1");
}

TEST(BondWatch, WhenSendingIsOverItIsInDoubt) {
  Case one;
  one.run(500 * kMs);
  one.link.ports = {{"eth1", true, 0}};
  one.run(500 * kMs, SendingPhase::over);
  EXPECT_EQ(one.state.reply_losses.count(), 1U);
  EXPECT_EQ(one.events.events().front().consequence,
            "the probes of the 0.42 s before are in doubt");
}

TEST(BondWatch, WhatIsNoBondIsNotAskedAbout) {
  Case one;
  one.link.bonded.reset();
  one.run(500 * kMs);
  one.link.ports.clear();
  one.run(500 * kMs);
  EXPECT_TRUE(one.events.events().empty());
}

}  // namespace
}  // namespace echoscan::bond_watch_test
