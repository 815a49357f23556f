// The sender behind a link or a reply filter that is lost: at each batch, at random moments, more
// than once, by every way that a transmitter may lose what it took. Every target arrives, or is
// named.
//
// The link, the watch on it and the card are a model in virtual time: the card's ring is gone with
// the link though its frames count as sent, and until the loss is noticed the card goes on taking
// frames that go nowhere.
#include "scanner/pipeline/sender.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>
#include <unordered_map>

#include "tests/scanner/fakes.h"
#include "tests/scanner/plan_of.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kNever = ~std::uint64_t{0};

// When the link is away, in ns since the start: [first, second).
using Outages = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

// Time, the link, and the watch on it that Control keeps: it looks every 10 ms as a rule, and takes
// a link for back when it has been up for 50 ms.
class LinkClock : public FakeClock {
 public:
  LinkClock(ScanState& state, Outages outages, std::uint64_t look_ns)
      : state_(state), outages_(std::move(outages)), look_ns_(look_ns) {
    state_.link_seen_up_ns = 0;
    state_.filter_seen_on_ns = 0;
  }

  // Whether a reply that comes in then is seen.
  [[nodiscard]] bool filter_is_on(std::uint64_t at_ns) const {
    return std::ranges::none_of(filter_outages, [this, at_ns](const auto& outage) {
      return at_ns >= start_ns_ + outage.first && at_ns < start_ns_ + outage.second;
    });
  }

  [[nodiscard]] bool link_is_up(std::uint64_t at_ns) const {
    return std::ranges::none_of(outages_, [this, at_ns](const auto& outage) {
      return at_ns >= start_ns_ + outage.first && at_ns < start_ns_ + outage.second;
    });
  }
  void wait_until(std::uint64_t when_ns) override {
    FakeClock::wait_until(when_ns);
    watch();
  }
  void pass(std::uint64_t ns) {
    now += ns;
    watch();
  }

  std::uint64_t stop_ns = kNever;  // since the start
  Outages filter_outages;
  std::uint64_t round_trip_ns = 0;
  bool is_cooldown = false;  // the sender has ended

 private:
  // As FilterWatch does it: on again 50 ms after it was seen off, which is when it is attached.
  void watch_filter(std::uint64_t at_ns) {
    if (!filter_is_on(at_ns)) {
      if (!state_.filter_is_off) {
        state_.filter_is_off = true;
        const std::uint64_t seen_on_ns = std::max(filter_seen_on_ns_, start_ns_);
        state_.reply_losses.add(seen_on_ns - std::min(seen_on_ns, round_trip_ns));
      }
      filter_off_ns_ = at_ns;
    } else if (!state_.filter_is_off || at_ns - filter_off_ns_ > 50 * kMillisecondNs) {
      state_.filter_is_off = false;
      state_.filter_seen_on_ns = filter_seen_on_ns_ = at_ns;
    }
  }

  void watch() {
    if (now - start_ns_ >= stop_ns) state_.stop_sending = true;
    for (; looked_ns_ + look_ns_ <= now; looked_ns_ += look_ns_) {
      const std::uint64_t at_ns = looked_ns_ + look_ns_;
      watch_filter(at_ns);
      if (!link_is_up(at_ns)) {
        const std::uint64_t taken_ns = std::max(2 * round_trip_ns, Sender::kGoBackNs);
        if (!state_.link_is_down && (is_cooldown || taken_ns > Sender::kGoBackNs)) {
          const std::uint64_t seen_up_ns = state_.link_seen_up_ns;
          state_.reply_losses.add(seen_up_ns - std::min(seen_up_ns, taken_ns));
        }
        down_ns_ = at_ns;
        state_.link_is_down = true;
      } else if (state_.link_is_down && at_ns - down_ns_ > 50 * kMillisecondNs) {
        state_.link_is_down = false;
      } else if (!state_.link_is_down) {
        state_.link_seen_up_ns = at_ns;
      }
    }
  }

  ScanState& state_;
  const Outages outages_;
  const std::uint64_t look_ns_;
  const std::uint64_t start_ns_ = now;
  std::uint64_t looked_ns_ = now;
  std::uint64_t down_ns_ = 0;
  std::uint64_t filter_seen_on_ns_ = 0;
  std::uint64_t filter_off_ns_ = 0;
};

// How a method treats what it took.
struct Manner {
  const char* name;
  std::size_t ring;      // frames in the card's ring that a lost link takes along
  bool counts_at_once;   // as sent when the card has it, else when the wire has it
  unsigned drops_every;  // one frame in so many is refused after the fact; 0: none
  bool refuses_if_down;  // the driver takes nothing without a link
};
constexpr Manner kManners[] = {
    {"sendmmsg", 64, true, 0, true},          {"swallows", 64, true, 0, false},
    {"zero-copy", 256, false, 0, false},      {"copy mode", 64, false, 7, true},
    {"overloaded copy", 256, false, 2, true}, {"swallowing copy", 256, false, 3, false},
};

// A card, its ring and its wire: a frame takes kFrameNs of the sender, and as long on the wire.
class Card : public Transmitter {
 public:
  static constexpr std::uint64_t kFrameNs = 10'000;

  Card(LinkClock& clock, const Manner& manner) : clock_(clock), manner_(manner) {}

  std::size_t send(std::span<const Target> batch) override {
    settle_ring();
    std::size_t taken = 0;
    for (const Target& target : batch) {
      if (ring_.size() >= manner_.ring) break;
      if (manner_.refuses_if_down && !clock_.link_is_up(clock_.now)) break;
      ++taken;
      clock_.pass(kFrameNs);
      if (manner_.drops_every != 0 && ++frames_ % manner_.drops_every == 0) {
        refused_.push_back(target);
      } else {
        ring_.push_back(target);
        if (manner_.counts_at_once) counters_.sent.add(1);
      }
      settle_ring();
    }
    return taken;
  }
  std::size_t take_back(std::span<Target> room) override {
    const std::size_t count = std::min(room.size(), refused_.size());
    std::copy_n(refused_.begin(), count, room.begin());
    refused_.erase(refused_.begin(), refused_.begin() + static_cast<std::ptrdiff_t>(count));
    counters_.taken_back.add(count);
    return count;
  }
  bool settle() override {
    settle_ring();
    return ring_.empty();
  }
  void give_up() override {
    settle_ring();
    for (const Target& target : refused_) lose(target, counters_.refused);
    if (!manner_.counts_at_once)
      for (const Target& target : ring_) lose(target, counters_.unconfirmed);
  }
  [[nodiscard]] std::string mode() const override { return manner_.name; }

  std::unordered_map<std::uint32_t, int> arrived;  // how often, and was answered to us

 private:
  // The wire takes a frame each kFrameNs; without a link the ring is cleaned, and all in it counts
  // as sent.
  void settle_ring() {
    for (; !ring_.empty() && wire_ns_ + kFrameNs <= clock_.now; wire_ns_ += kFrameNs) {
      const bool is_up = clock_.link_is_up(wire_ns_ + kFrameNs);
      while (!ring_.empty()) {
        const std::uint64_t answered_ns = wire_ns_ + kFrameNs + clock_.round_trip_ns;
        if (is_up && clock_.link_is_up(answered_ns) && clock_.filter_is_on(answered_ns))
          ++arrived[ring_.front().address.value];
        if (!manner_.counts_at_once) counters_.sent.add(1);
        ring_.pop_front();
        if (is_up) break;
      }
    }
    if (ring_.empty()) wire_ns_ = clock_.now;
  }

  LinkClock& clock_;
  Manner manner_;
  std::deque<Target> ring_;
  std::deque<Target> refused_;
  std::uint64_t frames_ = 0;
  std::uint64_t wire_ns_ = clock_.now;
};

class SenderLinkTest : public testing::Test {
 protected:
  SenderLinkTest()
      : plan_(plan_of({"9.0.0.0/22", "--seed", "4"})),
        source_({{}, 0xc0000201, 0}),
        writer_(sink_) {}

  struct Run {
    std::size_t missing = 0;  // were handed over, did not arrive, and are not given up
    std::size_t twice = 0;    // arrived more than once
    std::uint64_t in_doubt = 0;
    std::uint64_t gone_back = 0;
    std::uint64_t handed_over = 0;
    std::uint64_t accepted = 0;
    std::uint64_t given_up = 0;
  };

  // One scan, and its sums.
  Run run(const Manner& manner, const Outages& outages, std::uint64_t rate_pps,
          std::uint64_t stop_ns = kNever) {
    ScanState state;
    LinkClock clock(state, outages, look_ns);
    clock.stop_ns = stop_ns;
    clock.filter_outages = filter_outages;
    clock.round_trip_ns = round_trip_ns;
    Card card(clock, manner);
    Pacer pacer(rate_pps, clock.now);
    ShardBlocks blocks(plan_.steps.begin, plan_.steps.end, 1, 100);
    Sender sender(TargetCursor(plan_.targets, plan_.permutation), blocks, pacer, card, clock,
                  source_, writer_, state, plan_.labels, plan_.ways.map, next_hops_, rate_pps);
    EXPECT_TRUE(sender.run());
    clock.is_cooldown = true;
    while (clock.now < cooldown_until_ns) clock.pass(kMillisecondNs);
    sender.note_late_loss();
    const SenderCounters& counters = sender.counters();
    const TransmitCounters& ended = card.counters();
    std::set<std::uint32_t> named;
    for (const Target& target : sender.given_up()) named.insert(target.address.value);
    for (const Target& target : card.given_up()) named.insert(target.address.value);
    EXPECT_EQ(named.size(), sender.given_up().size() + card.given_up().size());
    EXPECT_EQ(counters.handed_over.get() + counters.retried.get() + counters.gone_back.get(),
              ended.ended());
    const std::uint64_t lost_again = counters.lost_again.get() + ended.lost_again.get();
    EXPECT_EQ(ended.sent.get() - (counters.gone_back.get() - lost_again) + named.size(),
              counters.handed_over.get());
    Run result;
    std::size_t reached = 0;
    for (const auto& [address, times] : card.arrived) {
      if (!named.contains(address)) ++reached;
      if (times > 1) ++result.twice;
    }
    result.accepted = ended.ended();
    result.handed_over = counters.handed_over.get();
    result.missing = result.handed_over - named.size() - reached;
    result.in_doubt = counters.in_doubt.get();
    result.gone_back = counters.gone_back.get();
    result.given_up = named.size();
    return result;
  }

  class NullSink : public ByteSink {
   public:
    Outcome write_some(std::string_view bytes) override { return {bytes.size(), 0}; }
    void wait_writable(int) override {}
  };

  std::uint64_t look_ns = 10 * kMillisecondNs;
  Outages filter_outages;
  std::uint64_t round_trip_ns = 0;
  std::uint64_t cooldown_until_ns = 0;

  TargetPlan plan_;
  FakeReplySource source_;
  NullSink sink_;
  ResultWriter writer_;
  NextHopMap next_hops_;
};

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
    for (std::uint64_t down_ns = 0; down_ns < 6 * kMillisecondNs; down_ns += Card::kFrameNs) {
      const Run result =
          run(manner, {{down_ns, down_ns + 100 * kMillisecondNs}}, Pacer::kUnlimited);
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
  for (int i = 0; i < 2000; ++i) {
    const Manner& manner = kManners[random() % std::size(kManners)];
    const std::uint64_t rate_pps = i % 4 == 0 ? Pacer::kUnlimited : 2000 + random() % 60'000;
    Outages outages;
    std::uint64_t at_ns = 0;
    for (std::uint64_t n = random() % 4; n > 0; --n) {
      at_ns += random() % (100 * kMillisecondNs);
      // Shorter than the watch can miss, it is no outage that anybody could notice.
      const std::uint64_t back_ns = at_ns + 10 * kMillisecondNs + random() % (200 * kMillisecondNs);
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
  for (int i = 0; i < 2000; ++i) {
    const Manner& manner = kManners[random() % std::size(kManners)];
    const std::uint64_t rate_pps = i % 4 == 0 ? Pacer::kUnlimited : 2000 + random() % 60'000;
    const std::uint64_t down_ns = random() % (60 * kMillisecondNs);
    // Late enough for the loss to have been noticed: a stop within 10 ms of it cannot know.
    const std::uint64_t stop_ns = down_ns + (20 + random() % 100) * kMillisecondNs;
    const bool comes_back = random() % 2 == 0;
    const Run result =
        run(manner, {{down_ns, comes_back ? down_ns + 40 * kMillisecondNs : kNever / 2}}, rate_pps,
            stop_ns);
    ASSERT_LE(result.missing, result.in_doubt) << manner.name << " " << rate_pps << " run " << i;
    missing += result.missing;
  }
  EXPECT_GT(missing, 0U);
}

// Back by 50 ms' worth of the queue's own rate, or by what was under way if that is more; each
// rate.
TEST_F(SenderLinkTest, GoesBackByFiftyMilliseconds) {
  const Manner manner{"at once", 64, true, 0, true};
  for (std::uint64_t rate_pps = 500; rate_pps <= 20'000; rate_pps += 37) {
    const std::uint64_t down_ns = 45 * kMillisecondNs;
    const Run result = run(manner, {{down_ns, down_ns + 100 * kMillisecondNs}}, rate_pps);
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
  for (std::uint64_t look_ms = 10; look_ms <= 2000; look_ms += look_ms < 300 ? 29 : 170)
    for (const Manner& manner : kManners)
      for (const std::uint64_t rate_pps : {Pacer::kUnlimited, 10 + random() % 90'000}) {
        look_ns = look_ms * kMillisecondNs;
        const std::uint64_t down_ns = random() % (100 * kMillisecondNs);
        const Run result = run(manner, {{down_ns, down_ns + 2 * look_ns + 100 * kMillisecondNs}},
                               rate_pps, down_ns + 4 * look_ns + kMillisecondNs * 500);
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

// A filter that is lost at any tick, with replies that take any time: what was lost is sent
// again, or in doubt where the last probe had left before it was noticed.
TEST_F(SenderLinkTest, AFilterLostAtAnyMomentLosesNobody) {
  std::uint64_t again = 0;
  std::uint64_t in_doubt = 0;
  for (const Manner& manner : kManners)
    for (const std::uint64_t trip_ms : {0, 3, 40, 300})
      for (std::uint64_t off_ms = trip_ms % 7; off_ms < 220; off_ms += 3) {
        round_trip_ns = trip_ms * kMillisecondNs;
        const std::uint64_t off_ns = off_ms * kMillisecondNs;
        filter_outages = {{off_ns, off_ns + 15 * kMillisecondNs}};
        cooldown_until_ns = 1'000'000'000 + 2000 * kMillisecondNs;
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
  for (int i = 0; i < 2000; ++i) {
    const Manner& manner = kManners[random() % std::size(kManners)];
    const std::uint64_t rate_pps = i % 4 == 0 ? Pacer::kUnlimited : 2000 + random() % 60'000;
    round_trip_ns = random() % (i % 2 == 0 ? 30 : 300) * kMillisecondNs;
    Outages outages;
    filter_outages.clear();
    for (Outages* kind : {&outages, &filter_outages}) {
      std::uint64_t at_ns = 0;
      for (std::uint64_t n = random() % 3; n > 0; --n) {
        at_ns += random() % (150 * kMillisecondNs);
        const std::uint64_t back_ns =
            at_ns + 11 * kMillisecondNs + random() % (200 * kMillisecondNs);
        kind->emplace_back(at_ns, back_ns);
        at_ns = back_ns + 60 * kMillisecondNs;
      }
    }
    cooldown_until_ns = 1'000'000'000 + 3000 * kMillisecondNs;
    const Run result = run(manner, outages, rate_pps);
    ASSERT_LE(result.missing, result.in_doubt) << manner.name << " " << rate_pps << " run " << i;
    if (result.in_doubt == 0) ++whole;
    ASSERT_EQ(result.handed_over, 1024U);
  }
  EXPECT_GT(whole, 500U);
}

// What left more than a history ago is in doubt, once, however often it is lost.
TEST_F(SenderLinkTest, WhatIsForgottenIsInDoubtOnce) {
  plan_ = plan_of({"9.0.0.0/16", "--seed", "4"});
  round_trip_ns = 900 * kMillisecondNs;
  for (std::uint64_t off_ms = 400; off_ms < 600; off_ms += 13) {
    const std::uint64_t off_ns = off_ms * kMillisecondNs;
    filter_outages = {{off_ns, off_ns + 15 * kMillisecondNs},
                      {off_ns + 100 * kMillisecondNs, off_ns + 115 * kMillisecondNs}};
    const Run result = run(kManners[0], {}, Pacer::kUnlimited);
    ASSERT_LE(result.missing, result.in_doubt);
    ASSERT_GT(result.in_doubt, 0U);
    ASSERT_LE(result.in_doubt, 65536U);
    ASSERT_GE(result.gone_back, Sender::kHistory - 2 * Sender::kBatchSize);
  }
}

// More is handed back than there are frames in a ring, again and again, and the history goes round.
TEST_F(SenderLinkTest, TheHistoryGoesRound) {
  plan_ = plan_of({"9.0.0.0/16", "--seed", "4"});
  for (const Manner& manner : kManners) {
    const Run result = run(manner,
                           {{100 * kMillisecondNs, 150 * kMillisecondNs},
                            {350 * kMillisecondNs, 400 * kMillisecondNs},
                            {600 * kMillisecondNs, 700 * kMillisecondNs}},
                           Pacer::kUnlimited);
    EXPECT_EQ(result.missing + result.in_doubt + result.given_up, 0U) << manner.name;
    EXPECT_EQ(result.handed_over, 65536U);
    EXPECT_GE(result.gone_back, 3U * Sender::kGoBackMax);
  }
}

}  // namespace
}  // namespace echoscan
