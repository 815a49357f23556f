// The watch on routes, on simulated time: changes of every kind at every moment, told early or
// late, answered at once or slowly.
#include "scanner/pipeline/way_watch.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/scanner/moments.h"

namespace echoscan::way_watch_test {
namespace {

constexpr std::uint64_t kTickNs = 10 * kMs;
constexpr std::uint64_t kReachBackNs = 70 * kMs;
constexpr std::uint64_t kTargets = 1000;

// The kernel's routes: of each answer the state that it describes, and what is new in it.
class FakeRoutes : public WaySurvey {
 public:
  bool has_news() override { return std::exchange(is_news_, false); }
  void ask() override {
    EXPECT_FALSE(is_asked_) << "it is being asked";
    is_asked_ = true;
    ++questions;
    asked_ns = now_ns;
    answer_ = difference();
    answered_state_ = state;
  }
  std::optional<WayChange> answer() override {
    if (!is_asked_ || now_ns < asked_ns + answer_takes_ns) return std::nullopt;
    is_asked_ = false;
    return answer_;
  }
  void accept() override { accepted = answered_state_; }

  struct State {
    std::uint64_t by_second = 0;  // the others go by the first gateway
    std::uint64_t without = 0;
    bool needs_uplink = false;

    friend bool operator==(const State&, const State&) = default;
  };
  void change(const State& to) {
    state = to;
    is_news_ = true;
  }

  State state;
  State accepted;
  std::uint64_t now_ns = kStartNs;
  std::uint64_t answer_takes_ns = 0;
  std::uint64_t asked_ns = 0;
  unsigned questions = 0;
  std::string error;

 private:
  [[nodiscard]] WayChange difference() const {
    WayChange change;
    change.targets = kTargets;
    change.error = error;
    const auto distance = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; };
    change.moved = std::max(distance(state.by_second, accepted.by_second),
                            distance(state.without, accepted.without));
    change.without = state.without - std::min(state.without, accepted.without);
    change.is_any_left = state.without < kTargets;
    if (state.needs_uplink) change.obstacle = "it has not opened e1";
    change.ways = "e0 via 192.0.2.3";
    change.map = std::make_shared<const NextHopMap>();
    if (state.by_second > 0) change.gateways.push_back({"e0", 1, {}, Ipv4{3}, {}, {}, true, false});
    return change;
  }

  bool is_news_ = false;
  bool is_asked_ = false;
  WayChange answer_;
  State answered_state_;
};

struct Case {
  FakeRoutes routes{};
  CurrentNextHops next_hops{};
  ScanState state{};
  EventLog events{};
  std::size_t gateways = 0;
  WayWatch watch{&routes,
                 next_hops,
                 5,
                 state,
                 events,
                 {[this](const WayChange& change) { gateways += change.gateways.size(); },
                  [](const WayChange&) {}, [] { return kReachBackNs; }}};

  // Looks until then, since the start.
  void run(std::uint64_t until_ns, bool is_held = false) {
    for (; routes.now_ns < kStartNs + until_ns; routes.now_ns += kTickNs)
      watch.look(routes.now_ns, is_held);
  }
};

TEST(WayWatch, WithoutNewsTheWaysAreAskedForOnce) {
  Case one;
  EXPECT_EQ(one.state.ways_seen_ns, 0U);
  one.run(20 * kMs);
  EXPECT_EQ(one.state.ways_seen_ns, kStartNs + 10 * kMs);
  one.run(20 * kSecondNs);
  EXPECT_EQ(one.routes.questions, 1U);
  EXPECT_EQ(one.state.ways_seen_ns, one.routes.now_ns - kTickNs);
  EXPECT_TRUE(one.events.events().empty());
  EXPECT_EQ(one.next_hops.changes(), 0U);
}

// A change that matters, told at any moment, with answers of any length: it is followed, and what
// left since there was last no news is lost. One that does not matter is nobody's business.
TEST(WayWatch, AChangeIsFollowedAtAnyMoment) {
  for (const std::uint64_t takes_ms : {0U, 15U, 300U, 1500U})
    for (std::uint64_t at_ms = 20; at_ms < 4000; at_ms += 70) {
      Case one;
      one.routes.answer_takes_ns = takes_ms * kMs;
      one.run(at_ms * kMs);
      const bool was_seen = one.state.ways_seen_ns + kTickNs == one.routes.now_ns;
      one.routes.change({at_ms % 3 == 0 ? 0U : 300U, 0, false});
      one.run((at_ms + 20'000) * kMs);
      ASSERT_FALSE(one.state.ways_are_lost);
      ASSERT_EQ(one.routes.accepted, one.routes.state);
      ASSERT_EQ(one.state.ways_seen_ns, one.routes.now_ns - kTickNs);
      const std::size_t expected = at_ms % 3 == 0 ? 0 : 1;
      ASSERT_EQ(one.events.events().size(), expected);
      ASSERT_EQ(one.gateways, expected);
      ASSERT_EQ(one.next_hops.changes(), expected);
      ASSERT_EQ(one.state.reply_losses.count(), expected);
      if (expected == 0) continue;
      const std::uint64_t since_ns = one.state.reply_losses.earliest_since_ns(0);
      ASSERT_LE(since_ns, kStartNs + at_ms * kMs - kReachBackNs);
      if (was_seen) {
        ASSERT_GE(since_ns + 2 * kTickNs, kStartNs + at_ms * kMs - kReachBackNs);
      }
    }
}

// A router whose routes change all the time costs a question a second, and a tenth of the time.
TEST(WayWatch, EndlessNewsAreBounded) {
  for (const std::uint64_t takes_ms : {0U, 50U, 500U}) {
    Case one;
    one.routes.answer_takes_ns = takes_ms * kMs;
    for (std::uint64_t at_ms = 0; at_ms < 60'000; at_ms += 10) {
      one.routes.change({});
      one.run(at_ms * kMs);
    }
    EXPECT_GE(one.routes.questions, takes_ms == 500 ? 10U : 50U);
    EXPECT_LE(one.routes.questions, takes_ms == 500 ? 12U : 61U);
  }
}

// So many targets lose their way that the sending waits, or so few that it goes on.
TEST(WayWatch, FewTargetsWithoutAWayAreLeftBehind) {
  for (std::uint64_t without = 0; without <= kTargets; ++without) {
    Case one;
    one.run(kSecondNs);
    one.routes.change({0, without, false});
    one.run(3 * kSecondNs);
    ASSERT_EQ(one.state.ways_are_lost, without > kTargets / 10) << without;
    ASSERT_EQ(one.next_hops.changes(), without > 0 && without <= kTargets / 10 ? 1U : 0U);
    one.run(10 * kSecondNs);
    ASSERT_EQ(one.watch.failure().has_value(), without == kTargets) << without;
    ASSERT_EQ(one.next_hops.changes(), without > 0 && without < kTargets ? 1U : 0U) << without;
    ASSERT_EQ(one.state.ways_are_lost, without == kTargets);
  }
}

// Routes that come back within the limit are waited for, and the same ones cost no new map.
TEST(WayWatch, WaysThatComeBackAreWaitedFor) {
  for (std::uint64_t away_ms = 30; away_ms < 4000; away_ms += 30)
    for (const bool is_other : {false, true}) {
      Case one;
      one.run(2 * kSecondNs);
      one.routes.change({0, kTargets, false});
      one.run((2000 + away_ms) * kMs);
      ASSERT_TRUE(one.state.has_to_wait());
      one.routes.change({is_other ? 900U : 0U, 0, false});
      one.run((4000 + away_ms) * kMs);
      ASSERT_FALSE(one.state.ways_are_lost) << away_ms;
      ASSERT_EQ(one.state.reply_losses.count(), 1U);
      ASSERT_EQ(one.next_hops.changes(), is_other ? 1U : 0U);
      ASSERT_EQ(one.events.events().size(), 2U);
    }
}

TEST(WayWatch, AWayThatIsNotOpenEndsTheScan) {
  Case one;
  one.run(kSecondNs);
  one.routes.change({0, 0, true});
  one.run(6 * kSecondNs);
  EXPECT_TRUE(one.state.ways_are_lost);
  EXPECT_FALSE(one.watch.failure());
  one.run(7 * kSecondNs);
  ASSERT_TRUE(one.watch.failure());
  EXPECT_EQ(*one.watch.failure(), "the routes have changed, and it has not opened e1");
}

// While the link is down nobody asks: what went with it comes back with it.
TEST(WayWatch, ItIsNotAskedWhileSomethingElseIsLost) {
  Case one;
  one.run(2 * kSecondNs);
  one.routes.change({0, kTargets, false});
  one.run(5 * kSecondNs, true);
  EXPECT_EQ(one.routes.questions, 1U);
  EXPECT_LT(one.state.ways_seen_ns, kStartNs + 2 * kSecondNs);
  one.routes.change({});
  one.run(7 * kSecondNs);
  EXPECT_EQ(one.routes.questions, 2U);
  EXPECT_TRUE(one.events.events().empty());
}

TEST(WayWatch, AKernelThatGivesNoAnswerIsSaid) {
  Case one;
  one.routes.error = "cannot list the routes";
  one.run(2 * kSecondNs);
  EXPECT_TRUE(one.events.events().empty());
  one.run(20 * kSecondNs);
  ASSERT_EQ(one.events.events().size(), 1U);
  EXPECT_EQ(one.routes.questions, WayWatch::kErrorsMax);
  EXPECT_EQ(one.state.ways_seen_ns, ~std::uint64_t{0}) << "the end of the scan waits for nothing";
}

TEST(WayWatch, WithoutASurveyNothingIsWatched) {
  CurrentNextHops next_hops;
  ScanState state;
  EventLog events;
  WayWatch watch(nullptr, next_hops, 5, state, events, {});
  watch.look(kStartNs, false);
  EXPECT_FALSE(watch.is_lost());
  EXPECT_EQ(state.ways_seen_ns, ~std::uint64_t{0});
}

}  // namespace
}  // namespace echoscan::way_watch_test
