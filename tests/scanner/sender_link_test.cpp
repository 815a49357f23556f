// The sender behind a link that is lost: at each batch, at random moments, more than once, by every
// way that a transmitter may lose what it took. Every target arrives, or is named.
#include <algorithm>
#include <random>

#include "tests/scanner/sender_link_fixture.h"
#include "tests/sweep_step.h"

namespace echoscan::sender_link_test {
namespace {

TEST_F(SenderLinkTest, WithoutALossEachTargetIsSentOnce) {
  for (const Manner& manner : kManners)
    for (const std::uint64_t rate_pps : {Pacer::kUnlimited, std::uint64_t{2000}}) {
      const Run result = run(manner, {}, rate_pps);
      EXPECT_EQ(result.missing + result.twice + result.in_doubt + result.gone_back, 0U)
          << manner.name;
      EXPECT_EQ(result.handed_over, 1024U);
    }
}

// 256 targets take some 3 ms as fast as it goes: each frame is once the first that is lost, and so
// is none of them.
TEST_F(SenderLinkTest, ALossAtAnyFrameLosesNobody) {
  plan_ = plan_of({"9.0.0.0/24", "--seed", "4"});
  std::size_t again = 0;
  for (const Manner& manner : kManners)
    for (std::uint64_t down_ns = 0; down_ns < 6 * kMs; down_ns += kSweepStep * Card::kFrameNs) {
      const Run result = run(manner, {{down_ns, down_ns + 100 * kMs}}, Pacer::kUnlimited);
      ASSERT_EQ(result.missing + result.in_doubt + result.given_up, 0U)
          << manner.name << " at " << down_ns;
      ASSERT_EQ(result.handed_over, 256U);
      again += result.gone_back;
    }
  EXPECT_GT(again, 0U);
}

// Several outages, some of them while targets are being sent again, at rates from a trickle up.
TEST_F(SenderLinkTest, LossesAtRandomMomentsLoseNobody) {
  std::mt19937_64 random(20261125);
  for (int i = 0; i < 2000; i += kSweepStep) {
    const Manner& manner = kManners[random() % std::size(kManners)];
    const std::uint64_t rate_pps = i % 4 == 0 ? Pacer::kUnlimited : 2000 + random() % 60'000;
    Outages outages;
    std::uint64_t at_ns = 0;
    for (std::uint64_t n = random() % 4; n > 0; --n) {
      at_ns += random() % (100 * kMs);
      // Shorter than the watch can miss, it is no outage that anybody could notice.
      const std::uint64_t back_ns = at_ns + 10 * kMs + random() % (200 * kMs);
      outages.emplace_back(at_ns, back_ns);
      at_ns = back_ns;
    }
    const Run result = run(manner, outages, rate_pps);
    ASSERT_EQ(result.missing + result.in_doubt + result.given_up, 0U)
        << manner.name << " " << rate_pps << " run " << i;
    ASSERT_EQ(result.handed_over, 1024U);
  }
}

// Stopped at a random moment, some of them without a link: who is missing is in doubt or given up.
TEST_F(SenderLinkTest, WhoIsMissingAfterAStopIsNamed) {
  std::mt19937_64 random(1);
  std::size_t missing = 0;
  for (int i = 0; i < 2000; i += kSweepStep) {
    const Manner& manner = kManners[random() % std::size(kManners)];
    const std::uint64_t rate_pps = i % 4 == 0 ? Pacer::kUnlimited : 2000 + random() % 60'000;
    const std::uint64_t down_ns = random() % (60 * kMs);
    // Late enough for the loss to have been noticed: a stop within 10 ms of it cannot know.
    const std::uint64_t stop_ns = down_ns + (20 + random() % 100) * kMs;
    const bool comes_back = random() % 2 == 0;
    const Run result =
        run(manner, {{down_ns, comes_back ? down_ns + 40 * kMs : kNever / 2}}, rate_pps, stop_ns);
    ASSERT_LE(result.missing, result.in_doubt) << manner.name << " " << rate_pps << " run " << i;
    missing += result.missing;
  }
  EXPECT_GT(missing, 0U);
}

// Back by 50 ms' worth of the queue's own rate, or by what was under way if that is more; each
// rate.
TEST_F(SenderLinkTest, GoesBackByFiftyMilliseconds) {
  const Manner manner{"at once", 64, true, 0, true, false};
  for (std::uint64_t rate_pps = 500; rate_pps <= 20'000; rate_pps += 37 * kSweepStep) {
    const std::uint64_t down_ns = 45 * kMs;
    const Run result = run(manner, {{down_ns, down_ns + 100 * kMs}}, rate_pps);
    // What is sent within 50 ms or less can be no more than the rate's share of them.
    EXPECT_LE(result.gone_back, rate_pps / 20 + 1) << rate_pps;
    EXPECT_GE(result.gone_back, std::min<std::uint64_t>(rate_pps / 25, 1024) / 2) << rate_pps;
  }
}

// A watch that gets no CPU looks late: all that has left since it last saw the link is gone back
// for, at any rate, and not much more; what is too long ago to be remembered is in doubt.
TEST_F(SenderLinkTest, ALateLookGoesBackFurther) {
  plan_ = plan_of({"9.0.0.0/16", "--seed", "4"});
  std::mt19937_64 random(3);
  std::uint64_t in_doubt = 0;
  for (std::uint64_t look_ms = 10; look_ms <= 2000;
       look_ms += (look_ms < 300 ? 29 : 170) * kSweepStep)
    for (const Manner& manner : kManners)
      for (const std::uint64_t rate_pps : {Pacer::kUnlimited, 10 + random() % 90'000}) {
        look_ns = look_ms * kMs;
        const std::uint64_t down_ns = random() % (100 * kMs);
        const Run result = run(manner, {{down_ns, down_ns + 2 * look_ns + 100 * kMs}}, rate_pps,
                               down_ns + 4 * look_ns + kMs * 500);
        const std::uint64_t rate_at_most =
            rate_pps == Pacer::kUnlimited ? 1'000'000'000 / Card::kFrameNs : rate_pps;
        // Before the first look nobody has seen the link: all since the start.
        const std::uint64_t unseen_ms = 2 * look_ms + 50 + 60;
        ASSERT_LE(result.missing, result.in_doubt)
            << manner.name << " " << rate_pps << " looked at every " << look_ms << " ms";
        ASSERT_LE(result.gone_back, rate_at_most * unseen_ms / 1000 + Sender::kGoBackMax)
            << manner.name << " " << rate_pps << " looked at every " << look_ms << " ms";
        if (rate_at_most * unseen_ms / 1000 < Sender::kHistory / 2) {
          ASSERT_EQ(result.missing + result.in_doubt, 0U)
              << manner.name << " " << rate_pps << " looked at every " << look_ms << " ms";
        }
        in_doubt += result.in_doubt;
      }
  EXPECT_GT(in_doubt, 0U);
}

// More is handed back than there are frames in a ring, again and again, and the history goes round.
TEST_F(SenderLinkTest, TheHistoryGoesRound) {
  plan_ = plan_of({"9.0.0.0/16", "--seed", "4"});
  for (const Manner& manner : kManners) {
    const Run result =
        run(manner, {{100 * kMs, 150 * kMs}, {350 * kMs, 400 * kMs}, {600 * kMs, 700 * kMs}},
            Pacer::kUnlimited);
    EXPECT_EQ(result.missing + result.in_doubt + result.given_up, 0U) << manner.name;
    EXPECT_EQ(result.handed_over, 65536U);
    EXPECT_GE(result.gone_back, 3U * Sender::kGoBackMax);
  }
}

}  // namespace
}  // namespace echoscan::sender_link_test
