// The sender behind a reply filter that is lost for a while, or a gateway that is gone for good,
// with the link beside them: every target is answered, or is named, or in doubt.
#include <random>

#include "tests/scanner/sender_link_fixture.h"
#include "tests/sweep_step.h"

namespace echoscan::sender_loss_test {
namespace {

// A filter that is lost at any tick, with replies that take any time: what was lost is sent
// again, or in doubt where the last probe had left before it was noticed.
TEST_F(SenderLinkTest, AFilterLostAtAnyMomentLosesNobody) {
  std::uint64_t again = 0;
  std::uint64_t in_doubt = 0;
  for (const Manner& manner : kManners)
    for (const std::uint64_t trip_ms : {0, 3, 40, 300})
      for (std::uint64_t off_ms = trip_ms % 7; off_ms < 220; off_ms += 3 * kSweepStep) {
        round_trip_ns = trip_ms * kMs;
        const std::uint64_t off_ns = off_ms * kMs;
        filter_outages = {{off_ns, off_ns + 15 * kMs}};
        cooldown_until_ns = 1'000'000'000 + 2000 * kMs;
        const Run result = run(manner, {}, 6000);
        ASSERT_LE(result.missing, result.in_doubt)
            << manner.name << " " << trip_ms << " at " << off_ms;
        ASSERT_LE(result.in_doubt, result.accepted);
        ASSERT_EQ(result.handed_over, 1024U);
        again += result.gone_back;
        in_doubt += result.in_doubt;
      }
  EXPECT_GT(again, 0U);
  EXPECT_GT(in_doubt, 0U);
}

// Links and filters at random: several of each, at any rate; nobody is missing who is not in doubt,
// and where the history has room and the scan goes on for longer than a round trip, nobody is in
// doubt.
TEST_F(SenderLinkTest, LinkAndFilterLostAtRandomLoseNobody) {
  std::mt19937_64 random(20261127);
  std::size_t whole = 0;
  for (int i = 0; i < 2000; i += kSweepStep) {
    const Manner& manner = kManners[random() % std::size(kManners)];
    const std::uint64_t rate_pps = i % 4 == 0 ? Pacer::kUnlimited : 2000 + random() % 60'000;
    round_trip_ns = random() % (i % 2 == 0 ? 30 : 300) * kMs;
    Outages outages;
    filter_outages.clear();
    for (Outages* kind : {&outages, &filter_outages}) {
      std::uint64_t at_ns = 0;
      for (std::uint64_t n = random() % 3; n > 0; --n) {
        at_ns += random() % (150 * kMs);
        const std::uint64_t back_ns = at_ns + 11 * kMs + random() % (200 * kMs);
        kind->emplace_back(at_ns, back_ns);
        at_ns = back_ns + 60 * kMs;
      }
    }
    cooldown_until_ns = 1'000'000'000 + 3000 * kMs;
    const Run result = run(manner, outages, rate_pps);
    ASSERT_LE(result.missing, result.in_doubt) << manner.name << " " << rate_pps << " run " << i;
    if (result.in_doubt == 0) ++whole;
    ASSERT_EQ(result.handed_over, 1024U);
  }
  EXPECT_GT(whole, 500U / kSweepStep);
}

// However long a driver drops what it is given before the link's loss is noticed, and at any
// moment: a target is sent again once for each loss, and not once for each time that it was
// dropped.
TEST_F(SenderLinkTest, WhatADriverDropsIsNoReasonToSendTwice) {
  for (const Manner& manner : kManners)
    for (const std::uint64_t rate_pps :
         {std::uint64_t{2000}, std::uint64_t{20'000}, Pacer::kUnlimited})
      for (std::uint64_t off_ms = 1; off_ms < 200; off_ms += 7 * kSweepStep) {
        const std::uint64_t off_ns = off_ms * kMs;
        const Run result = run(manner, {{off_ns, off_ns + 150 * kMs}}, rate_pps);
        ASSERT_EQ(result.missing, 0U) << manner.name << " at " << off_ms;
        // One in so many that a driver drops at any time may be sent again by itself, too.
        ASSERT_LE(result.most, manner.drops_every == 0 ? 2 : 8)
            << manner.name << " at " << rate_pps << ", " << off_ms;
      }
}

// What left more than a history ago is in doubt, once, however often it is lost.
TEST_F(SenderLinkTest, WhatIsForgottenIsInDoubtOnce) {
  plan_ = plan_of({"9.0.0.0/16", "--seed", "4"});
  round_trip_ns = 900 * kMs;
  for (std::uint64_t off_ms = 400; off_ms < 600; off_ms += 13) {
    const std::uint64_t off_ns = off_ms * kMs;
    filter_outages = {{off_ns, off_ns + 15 * kMs}, {off_ns + 100 * kMs, off_ns + 115 * kMs}};
    const Run result = run(kManners[0], {}, Pacer::kUnlimited);
    ASSERT_LE(result.missing, result.in_doubt);
    ASSERT_GT(result.in_doubt, 0U);
    ASSERT_LE(result.in_doubt, 65536U);
    ASSERT_GE(result.gone_back, Sender::kHistory - 2 * Sender::kBatchSize);
  }
}

// Of two gateways one is gone at any moment, noticed and given up some time later, whatever the
// method has under way and hands back: nobody behind it is called silent without a word, and nobody
// behind the other is missing.
TEST_F(SenderLinkTest, AGatewayThatIsGivenUpAtAnyMomentIsNamed) {
  LabelTable table;
  const LabelId kept = table.id_of("kept");
  const LabelId lost = table.id_of("lost");
  ways_ = LabelMap(std::move(table), {{{Ipv4{0x09000000}, Ipv4{0x090001ff}}, kept},
                                      {{Ipv4{0x09000200}, Ipv4{0x090003ff}}, lost}});
  first_map_ = NextHopMap(ways_, {0, 0, 5}, {0, 0, 0});
  std::mt19937_64 random(20261128);
  std::uint64_t way_lost = 0;
  std::uint64_t given_up = 0;
  std::uint64_t in_doubt = 0;
  for (const Manner& manner : kManners)
    for (std::uint64_t gone_ms = 0; gone_ms < 260; gone_ms += kSweepStep) {
      const std::uint64_t gone_ns = gone_ms * kMs;
      const std::uint64_t noticed_ns = gone_ns + random() % (40 * kMs);
      hop_loss = {5, gone_ns, noticed_ns, noticed_ns + random() % (80 * kMs)};
      round_trip_ns = random() % 30 * kMs;
      const std::uint64_t rate_pps = gone_ms % 4 == 0 ? Pacer::kUnlimited : 3000 + random() % 9000;
      cooldown_until_ns = 1'000'000'000 + 2000 * kMs;
      const Run result = run(manner, {}, rate_pps);
      ASSERT_EQ(result.handed_over + result.way_lost, 1024U) << manner.name << " at " << gone_ms;
      ASSERT_LE(result.missing, result.in_doubt) << manner.name << " at " << gone_ms;
      ASSERT_LE(result.way_lost + result.given_up, 512U);
      ASSERT_LE(result.in_doubt, result.accepted);
      way_lost += result.way_lost;
      given_up += result.given_up;
      in_doubt += result.in_doubt;
    }
  EXPECT_GT(way_lost, 0U);
  EXPECT_GT(given_up, 0U) << "none was handed back when its gateway was given up";
  EXPECT_GT(in_doubt, 0U);
}

// The same gateway is gone, and routes lead to another one when that is noticed, or to none: nobody
// is missing without a word.
TEST_F(SenderLinkTest, WaysThatChangeAtAnyMomentLoseNobody) {
  LabelTable table;
  const LabelId kept = table.id_of("kept");
  const LabelId moved = table.id_of("moved");
  ways_ = LabelMap(std::move(table), {{{Ipv4{0x09000000}, Ipv4{0x090001ff}}, kept},
                                      {{Ipv4{0x09000200}, Ipv4{0x090003ff}}, moved}});
  first_map_ = NextHopMap(ways_, {0, 0, 5}, {0, 0, 0});
  const auto map_to = [this](std::uint8_t next_hop) {
    return std::make_shared<const NextHopMap>(ways_, std::vector<std::uint8_t>{0, 0, next_hop},
                                              std::vector<std::uint8_t>{0, 0, 0});
  };
  std::mt19937_64 random(20261129);
  std::uint64_t gone_back = 0;
  std::uint64_t given_up = 0;
  for (const Manner& manner : kManners)
    for (std::uint64_t gone_ms = 0; gone_ms < 260; gone_ms += kSweepStep) {
      const std::uint64_t gone_ns = gone_ms * kMs;
      hop_loss = {5, gone_ns, gone_ns + random() % (40 * kMs), kNever};
      round_trip_ns = random() % 30 * kMs;
      const std::uint64_t rate_pps = gone_ms % 4 == 0 ? Pacer::kUnlimited : 3000 + random() % 9000;
      cooldown_until_ns = 1'000'000'000 + 2000 * kMs;
      moved_map = map_to(6);
      const Run moved_run = run(manner, {}, rate_pps);
      ASSERT_EQ(moved_run.handed_over, 1024U) << manner.name << " at " << gone_ms;
      ASSERT_LE(moved_run.missing, moved_run.in_doubt) << manner.name << " at " << gone_ms;
      gone_back += moved_run.gone_back;
      moved_map = map_to(NextHopTable::kGone);
      const Run gone_run = run(manner, {}, rate_pps);
      ASSERT_EQ(gone_run.handed_over + gone_run.way_lost, 1024U) << manner.name << " " << gone_ms;
      ASSERT_LE(gone_run.missing, gone_run.in_doubt) << manner.name << " at " << gone_ms;
      given_up += gone_run.given_up;
    }
  EXPECT_GT(gone_back, 0U);
  EXPECT_GT(given_up, 0U) << "none was handed back when its way was gone";
}

}  // namespace
}  // namespace echoscan::sender_loss_test
