// The watch on gateways, on simulated time: a failover, an outage and an end at every moment of a
// question's time, seen through a control that is on time or late.
#include <gtest/gtest.h>

#include <random>

#include "tests/scanner/next_hop_watch_fixture.h"

namespace echoscan::next_hop_watch_test {
namespace {

// What a survey of the ways says: new gateways, and which numbers have targets.
WayChange change_to(std::vector<Gateway> gateways, std::uint64_t next_hops) {
  WayChange change;
  change.gateways = std::move(gateways);
  change.next_hops = next_hops;
  return change;
}

TEST(NextHopWatch, AGatewayThatAnswersIsAskedAloneAndProvedAgainAndAgain) {
  Case one({{{kOld}}});
  for (std::uint64_t ms = 10; ms < 5000; ms += 10) {
    one.run(ms * kMs);
    ASSERT_FALSE(one.state.next_hop_is_lost);
    ASSERT_LE(one.lan->now_ns - one.state.next_hops_proved_ns, 230 * kMs) << ms;
  }
  EXPECT_EQ(one.lan->questions, 25U);
  EXPECT_EQ(one.lan->broadcasts, 0U);
  EXPECT_TRUE(one.events.events().empty());
  EXPECT_EQ(one.state.reply_losses.count(), 0U);
}

// At every moment: the new machine is found at the latest when the next question has gone
// unanswered, and what left since the old one was last proved is lost, no less and not much more.
TEST(NextHopWatch, AFailoverIsFoundAtAnyMoment) {
  for (const std::uint64_t look_ms : {10U, 50U, 400U}) {
    for (std::uint64_t at_ms = 1000; at_ms < 1420; at_ms += 7) {
      const std::uint64_t at_ns = kStartNs + at_ms * kMs;
      Case failover({{{kOld, 0, at_ns}, {kNew, at_ns}}});
      failover.look_ns = look_ms * kMs;
      failover.run((at_ms + 320 + 4 * look_ms) * kMs);
      ASSERT_TRUE(failover.goes_to(kNew)) << at_ms << " " << look_ms;
      ASSERT_EQ(failover.state.reply_losses.count(), 1U);
      const std::uint64_t since_ns = failover.state.reply_losses.earliest_since_ns(0);
      ASSERT_LE(since_ns, at_ns - kReachBackNs + kMs);
      ASSERT_GE(since_ns + kReachBackNs + (220 + 2 * look_ms) * kMs, at_ns);
      ASSERT_FALSE(failover.state.next_hop_is_lost);
      failover.run(5 * kSecondNs);
      ASSERT_TRUE(failover.goes_to(kNew));
      ASSERT_EQ(failover.events.events().size(), 1U);
    }
  }
}

// The kernel writes the MACs, and follows at once, or as late as its table lets it, and replies
// come again from then on. What left in between is lost, however new the replies are; the sending
// waits for a kernel that stays with the old one, and nobody says before it that the new one is
// used.
TEST(NextHopWatch, AFailoverThatTheKernelFollowsIsFoundAtAnyMoment) {
  for (std::uint64_t at_ms = 1000; at_ms < 1420; at_ms += 23) {
    for (std::uint64_t later_ms = 0; later_ms < 3000; later_ms += 17) {
      const std::uint64_t at_ns = kStartNs + at_ms * kMs;
      const std::uint64_t follows_ns = at_ns + later_ms * kMs;
      Case failover({{{kOld, 0, at_ns}, {kNew, at_ns}}});
      failover.lan->leave_to_the_kernel(follows_ns);
      while (failover.since_start() < 8 * kSecondNs) {
        const std::uint64_t now_ns = failover.lan->now_ns;
        const bool is_answered = now_ns < at_ns || now_ns >= follows_ns;
        if (is_answered && !failover.state.next_hop_is_lost) failover.proved_ns = now_ns - kMs;
        const std::size_t events = failover.events.events().size();
        failover.run(failover.since_start() + 10 * kMs);
        if (failover.events.events().size() > events) {
          ASSERT_TRUE(now_ns >= follows_ns || failover.state.next_hop_is_lost);
        }
      }
      ASSERT_EQ(failover.state.reply_losses.count(), 1U) << at_ms << " " << later_ms;
      ASSERT_LE(failover.state.reply_losses.earliest_since_ns(0), at_ns - kReachBackNs + kMs);
      ASSERT_FALSE(failover.state.next_hop_is_lost);
      ASSERT_FALSE(failover.watch.failure());
      ASSERT_NE(failover.events.events().back().what.find("has become"), std::string::npos);
    }
  }
}

// The old machine still answers when it is asked, and the kernel has believed the new one.
TEST(NextHopWatch, TheKernelDecidesBetweenTwoThatAnswer) {
  Case taken({{{kOld}}});
  taken.lan->leave_to_the_kernel(kStartNs + 1060 * kMs);
  taken.run(1060 * kMs);
  taken.lan->announce(0, kNew);
  taken.run(1500 * kMs);
  ASSERT_EQ(taken.events.events().size(), 1U);
  EXPECT_NE(taken.events.events()[0].what.find("has become"), std::string::npos);
  EXPECT_LE(taken.state.reply_losses.earliest_since_ns(0), kStartNs + 1060 * kMs - kReachBackNs);
}

TEST(NextHopWatch, AnAnnouncementIsBelievedWhenTheOldOneIsSilentOnly) {
  Case taken({{{kOld, 0, kStartNs + 1050 * kMs}}});
  taken.run(1060 * kMs);
  taken.lan->announce(0, kNew);
  taken.run(1180 * kMs);
  EXPECT_TRUE(taken.goes_to(kNew));

  Case contested({{{kOld}}});
  for (std::uint64_t ms = 1000; ms < 3000; ms += 10) {
    contested.run(ms * kMs);
    contested.lan->announce(0, kNew);
  }
  EXPECT_TRUE(contested.goes_to(kOld));
  EXPECT_TRUE(contested.events.events().empty());
}

// An outage of any length below the limit: senders wait, and go on when it is over.
TEST(NextHopWatch, AnOutagePausesTheSending) {
  for (std::uint64_t length_ms = 100; length_ms < 6000; length_ms += 133) {
    const std::uint64_t from_ns = kStartNs + 2 * kSecondNs;
    const std::uint64_t until_ns = from_ns + length_ms * kMs;
    Case outage({{{kOld, 0, from_ns}, {kOld, until_ns}}});
    bool was_lost = false;
    while (outage.since_start() < 10 * kSecondNs) {
      outage.run(outage.since_start() + 10 * kMs);
      was_lost = was_lost || outage.state.next_hop_is_lost;
    }
    EXPECT_FALSE(outage.state.next_hop_is_lost) << length_ms;
    EXPECT_FALSE(outage.watch.failure()) << length_ms;
    EXPECT_TRUE(outage.goes_to(kOld));
    if (length_ms > 1300) {
      EXPECT_TRUE(was_lost);
    }
    if (length_ms < 800) {
      EXPECT_FALSE(was_lost);
    }
    EXPECT_EQ(outage.state.reply_losses.count(), was_lost ? 1U : 0U);
    EXPECT_EQ(outage.events.events().size(), was_lost ? 2U : 0U);
    if (was_lost) {
      EXPECT_LE(outage.state.reply_losses.earliest_since_ns(0), from_ns - kReachBackNs + kMs);
    }
  }
}

// A link that is back after any time, with the gateway behind it so much later: nothing is sent to
// it before it answers, and where raw sockets send, before the kernel knows it again.
TEST(NextHopWatch, AfterALinksReturnTheGatewayAnswersFirst) {
  for (const bool is_of_kernel : {false, true}) {
    for (std::uint64_t later_ms = 0; later_ms < 9000; later_ms += 97) {
      const std::uint64_t gone_ns = kStartNs + kSecondNs;
      const std::uint64_t up_ns = gone_ns + 2 * kSecondNs;
      const std::uint64_t back_ns = up_ns + later_ms * kMs;
      Case link({{{kOld, 0, gone_ns}, {kOld, back_ns}}});
      if (is_of_kernel) link.lan->leave_to_the_kernel(kNever);
      link.run(kSecondNs);
      link.lan->now_ns = up_ns;
      link.watch.note_link_back(up_ns);
      ASSERT_TRUE(link.state.next_hop_is_lost) << "before the link is said to be up";
      EXPECT_EQ(link.lan->questions_of_kernel, is_of_kernel ? 1U : 0U);
      while (link.lan->now_ns < back_ns && !link.watch.failure()) {
        ASSERT_TRUE(link.state.next_hop_is_lost) << later_ms;
        link.run(link.since_start() + 10 * kMs);
      }
      // The kernel gives up after some questions, and is made to ask again with each of ours.
      if (is_of_kernel && later_ms < 6000) {
        EXPECT_LE(link.lan->questions_of_kernel, 2 + later_ms / 200) << later_ms;
        EXPECT_GE(link.lan->questions_of_kernel, later_ms / 200) << later_ms;
      }
      link.run(link.since_start() + 400 * kMs);
      // It is given up 5 s after the last of five questions: a time of the looks' own grain.
      if (later_ms > 5900 && later_ms < 6200) continue;
      ASSERT_EQ(link.watch.failure().has_value(), later_ms > 6000) << later_ms;
      EXPECT_EQ(link.state.next_hop_is_lost, link.watch.failure().has_value()) << later_ms;
    }
  }
  // One that never answered ARP is not waited for.
  Case mute(std::vector<std::vector<Machine>>(1));
  mute.run(2 * kSecondNs);
  mute.watch.note_link_back(mute.lan->now_ns);
  EXPECT_FALSE(mute.state.next_hop_is_lost);
}

TEST(NextHopWatch, ALoneGatewayThatStaysAwayEndsTheScan) {
  Case gone({{{kOld, 0, kStartNs + kSecondNs}}});
  gone.run(7 * kSecondNs);
  EXPECT_FALSE(gone.watch.failure());
  gone.run(8 * kSecondNs);
  ASSERT_TRUE(gone.watch.failure());
  EXPECT_TRUE(gone.state.next_hop_is_lost) << "nothing is to be sent to it";
  EXPECT_NE(gone.watch.failure()->find("192.0.2.2 on e0"), std::string::npos);
}

TEST(NextHopWatch, OneOfTwoGatewaysThatStaysAwayIsGivenUp) {
  Case gone({{{kOld}}, {{kOld, 0, kStartNs + kSecondNs}}});
  gone.run(4 * kSecondNs);
  EXPECT_FALSE(gone.state.next_hop_is_lost) << "all else goes on";
  EXPECT_EQ(gone.state.awaited_next_hops, 2U);
  EXPECT_TRUE(gone.watch.is_lost());
  EXPECT_EQ(gone.events.events().back().consequence,
            "what goes to it waits, for 5 s at most; all else goes on");
  gone.run(9 * kSecondNs);
  EXPECT_EQ(gone.state.awaited_next_hops, 0U);
  EXPECT_EQ(gone.state.lost_next_hops, 2U);
  EXPECT_FALSE(gone.watch.failure());
  // It is not asked any more, and proves nothing any more.
  EXPECT_LE(gone.lan->now_ns - gone.state.next_hops_proved_ns, 230 * kMs);

  Case others({{{kOld, 0, kStartNs + kSecondNs}}}, true);
  others.run(4 * kSecondNs);
  EXPECT_FALSE(others.state.next_hop_is_lost);
  EXPECT_EQ(others.state.awaited_next_hops, 1U);
  others.run(9 * kSecondNs);
  EXPECT_EQ(others.state.lost_next_hops, 1U);
  EXPECT_FALSE(others.watch.failure());
}

// Three gateways that are away at random: all wait when none is there, and at any look who is
// missed is named.
TEST(NextHopWatch, AllWaitWhenNoGatewayIsThere) {
  std::mt19937_64 random(20261128);
  unsigned all_waited = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::vector<Machine>> machines;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> away;
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t from_ns = kStartNs + kSecondNs + random() % 1000 * kMs;
      const std::uint64_t until_ns = from_ns + 1500 * kMs + random() % 2000 * kMs;
      machines.push_back({{kOld, 0, from_ns}, {kOld, until_ns}});
      away.emplace_back(from_ns, until_ns);
    }
    Case three(machines);
    for (std::uint64_t ms = 10; ms < 7000; ms += 10) {
      three.run(ms * kMs);
      const std::uint64_t awaited = three.state.awaited_next_hops;
      ASSERT_EQ(three.state.next_hop_is_lost, awaited == 7) << round << " at " << ms;
      if (awaited == 7) ++all_waited;
      for (std::size_t i = 0; i < 3; ++i) {
        const std::uint64_t now_ns = three.lan->now_ns;
        // Five questions without an answer, and one with.
        const bool is_missed = now_ns >= away[i].first + 1230 * kMs && now_ns < away[i].second;
        const bool is_there = now_ns < away[i].first || now_ns > away[i].second + 230 * kMs;
        if (is_missed || is_there) {
          ASSERT_EQ(awaited >> i & 1, is_missed ? 1U : 0U) << round << " at " << ms;
        }
      }
    }
  }
  EXPECT_GT(all_waited, 0U);
}

// Nobody is left to wait for: what is lost is said, and the scan ends as it would.
TEST(NextHopWatch, WhileSendersStandByAnOutageIsWaitedFor) {
  for (std::uint64_t away_ms = 1400; away_ms < 9000; away_ms += 170) {
    Case back({{{kOld, 0, kStartNs + kSecondNs}, {kOld, kStartNs + kSecondNs + away_ms * kMs}}});
    back.run(900 * kMs);
    back.phase = SendingPhase::standing_by;
    back.run(20 * kSecondNs);
    // It is missed when five questions have found no answer.
    if (away_ms > 5900 && away_ms < 6600) continue;
    ASSERT_EQ(back.watch.failure().has_value(), away_ms > 6000) << away_ms;
    ASSERT_EQ(back.events.events().front().consequence, "it is waited for, for 5 s at most");
    EXPECT_EQ(back.state.reply_losses.count(), 1U);
    ASSERT_EQ(back.events.events().size(), 2U);
    EXPECT_EQ(back.events.events().back().consequence,
              away_ms > 6000 ? "the scan ends"
                             : "what may have been lost is sent again, and the cooldown begins "
                               "anew");
  }
}

TEST(NextHopWatch, WhenSendingIsOverNobodyIsGivenUp) {
  Case gone({{{kOld, 0, kStartNs + kSecondNs}}});
  gone.run(900 * kMs);
  gone.phase = SendingPhase::over;
  gone.run(20 * kSecondNs);
  EXPECT_FALSE(gone.watch.failure());
  EXPECT_EQ(gone.state.reply_losses.count(), 1U);
  ASSERT_EQ(gone.events.events().size(), 1U);
  EXPECT_EQ(gone.events.events()[0].consequence, "replies to the last probes may be lost");
}

// Nor is one that cannot be asked. Both are said, once; one that answers at last is watched.
TEST(NextHopWatch, AGatewayThatHasNeverAnsweredIsNotWatched) {
  Case mute(std::vector<std::vector<Machine>>(1));
  mute.next_hops.unwatched = {"fe80::2 on e1"};
  mute.run(10 * kSecondNs);
  EXPECT_FALSE(mute.state.next_hop_is_lost);
  EXPECT_EQ(mute.state.reply_losses.count(), 0U);
  EXPECT_GE(mute.state.next_hops_proved_ns, mute.lan->now_ns - 20 * kMs);
  ASSERT_EQ(mute.events.events().size(), 2U);
  EXPECT_EQ(mute.events.events()[0].what, "fe80::2 on e1 is not watched");
  EXPECT_EQ(mute.events.events()[1].what, "the gateway 192.0.2.2 on e0 answers no ARP of ours");

  for (std::uint64_t ms = 10; ms < 6000; ms += 130) {
    Case late({{{kOld, kStartNs + ms * kMs, kStartNs + 8 * kSecondNs}}});
    late.run(8 * kSecondNs);
    EXPECT_TRUE(late.events.events().size() == 0 || late.events.events().size() == 2) << ms;
    late.run(10 * kSecondNs);
    EXPECT_TRUE(late.state.next_hop_is_lost) << ms;
  }
}

// It asks for this host now and then, before and after it is called mute: that is no answer, so
// that it is not missed afterwards.
TEST(NextHopWatch, AGatewayThatAsksHasNotAnswered) {
  for (std::uint64_t ms = 0; ms < 3000; ms += 10) {
    Case mute(std::vector<std::vector<Machine>>(1));
    for (unsigned times = 1; times <= 3; ++times) {
      mute.run(times * ms * kMs);
      mute.lan->announce(0, kOld);
    }
    mute.run(20 * kSecondNs);
    ASSERT_FALSE(mute.state.next_hop_is_lost) << ms;
    ASSERT_EQ(mute.events.events().size(), 1U) << ms;
    ASSERT_EQ(mute.state.reply_losses.count(), 0U) << ms;
  }
}

// Routes lead to one more: it is asked from then on, and what happens to it is seen.
TEST(NextHopWatch, AGatewayIsAddedAtAnyMoment) {
  for (std::uint64_t at_ms = 0; at_ms < 1000; at_ms += 30) {
    Case one({{{kOld}}});
    one.run(at_ms * kMs);
    one.follow(change_to({{"e0", 1, {}, Ipv4{0xc0000203}, kNew, {}, true, false}}, 3));
    ASSERT_TRUE(one.goes_to(kNew, 1));
    one.run((at_ms + 3000) * kMs);
    ASSERT_TRUE(one.events.events().empty());
    ASSERT_LE(one.lan->now_ns - one.state.next_hops_proved_ns, 230 * kMs) << at_ms;
  }
}

// There was none, and routes lead to one.
TEST(NextHopWatch, TheFirstGatewayIsAdded) {
  Case one(std::vector<std::vector<Machine>>{});
  one.run(kSecondNs);
  EXPECT_EQ(one.state.next_hops_proved_ns, kNever) << "nothing is waited for";
  one.follow(change_to({{"e0", 1, {}, Ipv4{0xc0000202}, kNew, {}, true, false}}, 1));
  one.run(3 * kSecondNs);
  EXPECT_TRUE(one.goes_to(kNew));
  EXPECT_LE(one.lan->now_ns - one.state.next_hops_proved_ns, 230 * kMs);
}

// A router dies, and at any moment after that routes lead around it: the sending goes on at once.
// When they come back to it, it is watched again.
TEST(NextHopWatch, AGatewayWithoutTargetsIsNotWaitedFor) {
  for (std::uint64_t later_ms = 10; later_ms < 5000; later_ms += 70) {
    Case dead({{{kOld}}, {{kOld, 0, kStartNs + kSecondNs}, {kOld, kStartNs + 20 * kSecondNs}}});
    dead.run((1000 + later_ms) * kMs);
    dead.follow(change_to({}, 1));
    dead.run((1020 + later_ms) * kMs);
    ASSERT_FALSE(dead.state.next_hop_is_lost) << later_ms;
    dead.run(15 * kSecondNs);
    ASSERT_FALSE(dead.state.next_hop_is_lost) << later_ms;
    ASSERT_EQ(dead.state.lost_next_hops, 0U);
    ASSERT_LE(dead.lan->now_ns - dead.state.next_hops_proved_ns, 230 * kMs) << later_ms;
    dead.follow(change_to({}, 3));
    dead.run(18 * kSecondNs);
    ASSERT_EQ(dead.state.awaited_next_hops, 2U) << "it is dead, and has targets again";
  }
  // Nor does its end keep the other's from being the last.
  Case alone({{{kOld, 0, kStartNs + 5 * kSecondNs}}, {{kOld, 0, kStartNs + kSecondNs}}});
  alone.run(3 * kSecondNs);
  alone.follow(change_to({}, 1));
  alone.run(13 * kSecondNs);
  EXPECT_TRUE(alone.watch.failure());
}

// A router dies, and routes lead around it at any moment after that, before it was missed too: what
// went to it since is sent again, and nothing that went to the other.
TEST(NextHopWatch, WhatLeftToAGatewayThatRoutesLeaveIsSentAgain) {
  for (std::uint64_t later_ms = 0; later_ms < 4000; later_ms += 10) {
    const std::uint64_t died_ns = kStartNs + kSecondNs;
    Case dead({{{kOld}}, {{kOld, 0, died_ns}}});
    dead.run((1000 + later_ms) * kMs);
    dead.follow(change_to({}, 1));
    ASSERT_GE(dead.state.reply_losses.count(), 1U) << later_ms;
    ASSERT_EQ(dead.state.reply_losses.next_hops(0), 2U) << later_ms;
    const std::uint64_t since_ns = dead.state.reply_losses.earliest_since_ns(0);
    ASSERT_LE(since_ns, died_ns - kReachBackNs) << later_ms;
    ASSERT_GE(since_ns, died_ns - kReachBackNs - 250 * kMs) << later_ms;
  }
}

// Somebody floods the link with claims: each look reads some, and the scan goes on.
TEST(NextHopWatch, AFloodOfAnswersDoesNotStopTheControl) {
  Case flood({{{kOld}}});
  for (int i = 0; i < 100'000; ++i) flood.lan->announce(0, kOld);
  flood.run(10 * kMs);
  EXPECT_TRUE(flood.lan->next_claim());
}

// Its answers get lost among the probes, and replies prove it.
TEST(NextHopWatch, RepliesProveALoneGateway) {
  Case busy({{{kOld, 0, kStartNs + kSecondNs}}});
  busy.replies = true;
  busy.run(10 * kSecondNs);
  busy.replies = false;
  busy.proved_ns = kStartNs + 9'700 * kMs;
  EXPECT_FALSE(busy.state.next_hop_is_lost);
  EXPECT_TRUE(busy.events.events().empty());
  // Their end is an outage, and later than that it cannot have been.
  busy.run(12 * kSecondNs);
  EXPECT_TRUE(busy.state.next_hop_is_lost);
  EXPECT_GE(busy.state.reply_losses.earliest_since_ns(0), kStartNs + 9'600 * kMs - kReachBackNs);
}

// Answers that came while the control had no CPU are found before anybody is called gone.
TEST(NextHopWatch, ALateControlFindsTheAnswers) {
  Case late({{{kOld}}, {{kOld}}});
  late.look_ns = 3 * kSecondNs;
  late.run(120 * kSecondNs);
  EXPECT_TRUE(late.events.events().empty());
}

TEST(NextHopWatch, WithoutGatewaysALinksReturnHoldsNothingUp) {
  Case none(std::vector<std::vector<Machine>>{});
  none.watch.note_link_back(kStartNs);
  EXPECT_EQ(none.state.next_hops_proved_ns, kNever);
  EXPECT_FALSE(none.state.next_hop_is_lost);
}

TEST(NextHopWatch, WithoutAProbeNothingIsWatched) {
  const NextHops next_hops;
  ScanState state;
  EventLog events;
  NextHopWatch watch(next_hops, 5, state, events, {});
  watch.look(kStartNs, SendingPhase::sending);
  EXPECT_FALSE(watch.is_lost());
  EXPECT_EQ(state.next_hops_proved_ns, ~std::uint64_t{0});
}

}  // namespace
}  // namespace echoscan::next_hop_watch_test
