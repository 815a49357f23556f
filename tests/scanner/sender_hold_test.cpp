// The sender whose gateway does not answer for a while, of two that it has: what goes to it waits,
// and nobody else does. At every moment, by every way that a transmitter may lose what it took.
#include <algorithm>
#include <random>

#include "tests/scanner/sender_link_fixture.h"
#include "tests/sweep_step.h"

namespace echoscan::sender_hold_test {
namespace {

class SenderHoldTest : public SenderLinkTest {
 protected:
  SenderHoldTest() { split({"9.0.0.0/22", "--seed", "4"}, 0x09000200); }

  // All from `first_behind` on are behind the gateway 5, those before behind the gateway 0.
  void split(const std::vector<std::string>& arguments, std::uint32_t first_behind) {
    plan_ = plan_of(arguments);
    LabelTable table;
    const LabelId near = table.id_of("near");
    const LabelId behind = table.id_of("behind");
    ways_ = LabelMap(std::move(table), {{{Ipv4{0x09000000}, Ipv4{first_behind - 1}}, near},
                                        {{Ipv4{first_behind}, Ipv4{0x09ffffff}}, behind}});
    first_map_ = NextHopMap(ways_, {0, 0, 5}, {0, 0, 0});
  }
  // Any gateway but the first may be that one.
  std::uint8_t any_hop() {
    const auto hop = static_cast<std::uint8_t>(1 + random_() % (NextHopTable::kOther - 1));
    first_map_ = NextHopMap(ways_, {0, 0, hop}, {0, 0, 0});
    return hop;
  }

  std::mt19937_64 random_{20261128};
};

// It answers again 0 to 2 s later, and everybody is found.
TEST_F(SenderHoldTest, AGatewayThatIsAwayAtAnyMomentCostsNobody) {
  keeps_progress = true;
  std::uint64_t gone_back = 0;
  for (const Manner& manner : kManners)
    for (std::uint64_t gone_ms = 0; gone_ms < 260; gone_ms += kSweepStep) {
      const std::uint64_t gone_ns = gone_ms * kMs;
      const std::uint64_t noticed_ns = gone_ns + random_() % (40 * kMs);
      const std::uint64_t away_ns = random_() % (gone_ms % 2 == 0 ? 60 : 2000) * kMs + kMs;
      hop_loss = {any_hop(), gone_ns, noticed_ns, kNever, noticed_ns + away_ns};
      round_trip_ns = random_() % 30 * kMs;
      const std::uint64_t rate_pps = gone_ms % 4 == 0 ? Pacer::kUnlimited : 3000 + random_() % 9000;
      const Run result = run(manner, {}, rate_pps);
      ASSERT_EQ(result.handed_over, 1024U) << manner.name << " at " << gone_ms;
      ASSERT_EQ(result.missing + result.in_doubt + result.given_up + result.way_lost, 0U)
          << manner.name << " at " << gone_ms << " ms, noticed at " << noticed_ns << ", away "
          << away_ns;
      // What a driver hands back has two places, so that it may be asked twice.
      if (manner.drops_every == 0) {
        ASSERT_LE(result.gone_back, 512U) << "nobody else is asked twice";
      }
      ASSERT_EQ(result.done_in_vain, 0U) << manner.name << " at " << gone_ms;
      gone_back += result.gone_back;
    }
  EXPECT_GT(gone_back, 0U);
}

// Those behind the other gateway are through when they would have been, or earlier.
TEST_F(SenderHoldTest, NobodyElseWaits) {
  for (const Manner& manner : kManners)
    for (std::uint64_t gone_ms = 0; gone_ms < 100; gone_ms += 3 * kSweepStep) {
      hop_loss = {};
      const std::uint64_t rate_pps = 3000 + random_() % 9000;
      const std::uint64_t undisturbed_ns = run(manner, {}, rate_pps).first_hop_ns;
      const std::uint64_t gone_ns = gone_ms * kMs;
      hop_loss = {5, gone_ns, gone_ns + 10 * kMs, kNever, 30'000 * kMs};
      const Run result = run(manner, {}, rate_pps);
      // What may have been lost with the gateway is sent again, whichever it went to.
      ASSERT_LE(result.first_hop_ns, undisturbed_ns + 100 * kMs)
          << manner.name << " at " << gone_ms;
      ASSERT_EQ(result.missing + result.in_doubt, 0U);
      ASSERT_EQ(result.handed_over, 1024U);
    }
}

// Link, filter and gateway go and come at random; nobody is lost.
TEST_F(SenderHoldTest, LinkFilterAndGatewayAtRandom) {
  keeps_progress = true;
  for (int i = 0; i < 2000; i += kSweepStep) {
    const Manner& manner = kManners[random_() % std::size(kManners)];
    const std::uint64_t rate_pps = i % 4 == 0 ? Pacer::kUnlimited : 2000 + random_() % 60'000;
    const auto outage = [this] {
      const std::uint64_t from_ns = random_() % (150 * kMs);
      return std::pair(from_ns, from_ns + 10 * kMs + random_() % (200 * kMs));
    };
    Outages link;
    if (random_() % 2 == 0) link.push_back(outage());
    filter_outages.clear();
    if (random_() % 2 == 0) filter_outages.push_back(outage());
    const auto [gone_ns, back_ns] = outage();
    hop_loss = {any_hop(), gone_ns, gone_ns + random_() % (back_ns - gone_ns), kNever, back_ns};
    const Run result = run(manner, link, rate_pps);
    ASSERT_EQ(result.missing + result.in_doubt + result.given_up + result.way_lost, 0U)
        << manner.name << " " << rate_pps << " run " << i;
    ASSERT_EQ(result.handed_over, 1024U);
    ASSERT_EQ(result.done_in_vain, 0U);
  }
}

// Stopped while it is away: who is missing is named, and who resumes the scan asks all that did not
// arrive.
TEST_F(SenderHoldTest, AStopNamesWhoWaits) {
  keeps_progress = true;
  std::uint64_t unsent = 0;
  for (int i = 0; i < 2000; i += kSweepStep) {
    const Manner& manner = kManners[random_() % std::size(kManners)];
    const std::uint64_t rate_pps = i % 4 == 0 ? Pacer::kUnlimited : 2000 + random_() % 60'000;
    const std::uint64_t gone_ns = random_() % (100 * kMs);
    const std::uint64_t back_ns =
        random_() % 2 == 0 ? kNever : gone_ns + (50 + random_() % 100) * kMs;
    hop_loss = {5, gone_ns, gone_ns + random_() % (20 * kMs), kNever, back_ns};
    const std::uint64_t stop_ns = gone_ns + (40 + random_() % 200) * kMs;
    const Run result = run(manner, {}, rate_pps, stop_ns);
    ASSERT_LE(result.missing, result.in_doubt) << manner.name << " " << rate_pps << " run " << i;
    ASSERT_EQ(result.done_in_vain, 0U) << manner.name << " " << rate_pps << " run " << i;
    ASSERT_EQ(result.way_lost, 0U);
    unsent += 1024 - result.handed_over;
  }
  EXPECT_GT(unsent, 0U);
}

// More of them than there is room for: then all wait, and go on when it is back or given up.
TEST_F(SenderHoldTest, TheLineHasAnEnd) {
  split({"9.0.0.0/12", "--seed", "4"}, 0x09010000);
  const Manner& manner = kManners[0];
  const std::uint64_t total = 1U << 20;
  hop_loss = {5, 0, 0, kNever, 60'000 * kMs};
  const Run back = run(manner, {}, Pacer::kUnlimited);
  EXPECT_EQ(back.handed_over, total);
  EXPECT_EQ(back.missing + back.in_doubt, 0U);
  EXPECT_GT(back.first_hop_ns, 60'000 * kMs) << "the line was never full";
  hop_loss = {5, 0, 0, 60'000 * kMs};
  const Run given_up = run(manner, {}, Pacer::kUnlimited);
  EXPECT_EQ(given_up.way_lost + given_up.handed_over, total);
  EXPECT_GT(given_up.way_lost, HeldTargets::kMax);
  EXPECT_EQ(given_up.missing, given_up.in_doubt) << "what had left before anybody missed it";
}

}  // namespace
}  // namespace echoscan::sender_hold_test
