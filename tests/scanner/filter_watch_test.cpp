// The watch on the reply filter, on simulated time: taken off or not run at any moment, it is
// noticed in time, attached again, and everything that the loss may have cost is told to the
// senders.
//
// The world is a filter, a kernel that counts the replies that go past it, and an interface that
// counts frames. A reply a millisecond comes in unless a test says otherwise.
#include "scanner/pipeline/filter_watch.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/scanner/fakes.h"
#include "tests/scanner/moments.h"

namespace echoscan::filter_watch_test {
namespace {

constexpr std::uint64_t kStartNs = 7 * kSecondNs;
constexpr std::uint64_t kTickNs = 10 * kMs;

class FilterWatchTest : public testing::Test {
 protected:
  FilterWatchTest() { start(); }

  void start() {
    filter.emplace();
    link.kernel_replies = link.received = 0;
    now_ns = kStartNs;
    state.emplace();
    events.emplace();
    watch.emplace(&*filter, link, *state, *events,
                  [this] { return FilterWatch::on_its_way_ns(round_trip_ns); });
    watch->look(now_ns, is_sending);
  }

  void receive_reply() {
    ++link.received;
    if (!filter->sees_frame()) ++link.kernel_replies;
  }

  // Passes time in milliseconds, each with what comes in then; a look every tick.
  template <typename Meanwhile>
  void pass_ms(std::uint64_t ms, const Meanwhile& meanwhile) {
    for (; ms > 0; --ms) {
      now_ns += kMs;
      meanwhile();
      if ((now_ns - kStartNs) % kTickNs == 0) watch->look(now_ns, is_sending);
    }
  }
  void pass_ms(std::uint64_t ms) {
    pass_ms(ms, [this] { receive_reply(); });
  }

  [[nodiscard]] std::size_t losses() const { return state->reply_losses.count(); }
  [[nodiscard]] std::uint64_t lost_since_ns() const {
    return state->reply_losses.earliest_since_ns(0);
  }

  FakeLink link;
  std::optional<FakeAttachment> filter;
  std::optional<ScanState> state;
  std::optional<EventLog> events;
  std::optional<FilterWatch> watch;
  std::uint64_t round_trip_ns = 30 * kMs;
  std::uint64_t now_ns = 0;
  bool is_sending = true;
};

TEST_F(FilterWatchTest, AFilterThatRunsIsLeftAlone) {
  pass_ms(20'000);
  EXPECT_EQ(filter->tries, 0U);
  EXPECT_EQ(losses(), 0U);
  EXPECT_TRUE(events->events().empty());
  EXPECT_EQ(state->filter_seen_on_ns, now_ns);
  EXPECT_FALSE(state->filter_is_off);
}

TEST_F(FilterWatchTest, WhereThereIsNoneNothingIsWatched) {
  state.emplace();
  watch.emplace(nullptr, link, *state, *events, [] { return std::uint64_t{0}; });
  pass_ms(1000);
  EXPECT_EQ(state->filter_seen_on_ns, ~std::uint64_t{0});
  EXPECT_FALSE(watch->is_off());
}

// At each millisecond of a second, for each round trip.
TEST_F(FilterWatchTest, TakenOffAtAnyMomentItIsAttachedAgain) {
  for (const std::uint64_t trip_ms : {0, 1, 25, 200, 499, 501, 5000})
    for (std::uint64_t ms = 1; ms < 1000; ++ms) {
      round_trip_ns = trip_ms * kMs;
      start();
      pass_ms(ms);
      const std::uint64_t off_ns = now_ns;
      filter->is_on = false;
      pass_ms(11);
      ASSERT_EQ(filter->tries, 1U) << ms;
      ASSERT_TRUE(filter->is_on);
      ASSERT_TRUE(state->filter_is_off);
      ASSERT_EQ(losses(), 1U);
      const std::uint64_t taken_ns = trip_ms == 0 ? kSecondNs
                                     : trip_ms > 500
                                         ? kSecondNs
                                         : std::max<std::uint64_t>(2 * trip_ms * kMs, 50 * kMs);
      ASSERT_LE(lost_since_ns(), off_ns - taken_ns);
      ASSERT_GE(lost_since_ns(), off_ns - taken_ns - 2 * kTickNs);
      const std::uint64_t seen_ns = state->filter_seen_on_ns;
      ASSERT_LE(seen_ns, off_ns);
      pass_ms(230);
      ASSERT_FALSE(state->filter_is_off) << ms;
      ASSERT_GT(state->filter_seen_on_ns, off_ns);
      ASSERT_EQ(filter->tries, 1U);
      ASSERT_EQ(losses(), 1U);
      ASSERT_EQ(events->events().size(), 2U);
      ASSERT_FALSE(watch->failure());
    }
}

// The kernel calls it attached and the driver does not run it, from any moment on, while replies
// come in at any pace.
TEST_F(FilterWatchTest, OneThatDoesNotRunIsFoundOut) {
  for (const std::uint64_t every_ms : {1, 3, 10, 40, 100, 1000})
    for (std::uint64_t ms = 1; ms < 300; ++ms) {
      start();
      std::uint64_t count = 0;
      const auto come_in = [&] {
        if (++count % every_ms == 0) receive_reply();
      };
      pass_ms(ms, come_in);
      filter->runs = false;
      std::uint64_t missed_ns = 0;
      while (missed_ns == 0) {
        pass_ms(1, come_in);
        if (link.kernel_replies > 0) missed_ns = now_ns;
      }
      pass_ms(
          2 * FilterWatch::kCompareNs / kMs + 60 + every_ms * (2 * FilterWatch::kRepliesPast + 1),
          come_in);
      ASSERT_EQ(filter->tries, 1U) << ms << " " << every_ms;
      ASSERT_TRUE(filter->runs);
      ASSERT_EQ(losses(), 1U);
      // Whatever it missed had left after that, and not much else.
      ASSERT_LE(lost_since_ns(), missed_ns - 2 * round_trip_ns);
      ASSERT_GE(lost_since_ns() + 2 * FilterWatch::kCompareNs + 2 * round_trip_ns + 3 * kTickNs,
                missed_ns);
      pass_ms(500, come_in);
      ASSERT_FALSE(state->filter_is_off);
      ASSERT_EQ(filter->tries, 1U);
      ASSERT_EQ(events->events().size(), 2U);
    }
}

// Three times in a row is enough; one frame seen, and the count begins anew.
TEST_F(FilterWatchTest, OneThatNeverRunsAgainIsLost) {
  filter->is_hopeless = true;
  filter->runs = false;
  pass_ms(5000);
  ASSERT_TRUE(watch->failure());
  EXPECT_NE(watch->failure()->find("3 times"), std::string::npos);
  EXPECT_EQ(filter->tries, 3U);
  EXPECT_TRUE(state->filter_is_off);
  EXPECT_LT(state->filter_seen_on_ns, now_ns - kSecondNs);

  start();
  for (int round = 0; round < 20; ++round) {
    filter->runs = false;
    pass_ms(1000);
    ASSERT_FALSE(watch->failure());
    ASSERT_EQ(filter->tries, static_cast<unsigned>(round + 1));
  }
}

TEST_F(FilterWatchTest, OneThatIsRefusedForASecondIsLost) {
  for (std::uint64_t ms = 100; ms < 3000; ms += 7) {
    start();
    pass_ms(100);
    filter->is_on = false;
    filter->refuses = true;
    pass_ms(ms);
    filter->refuses = false;
    pass_ms(1500);
    // Noticed up to a tick late.
    if (ms < 1000) {
      ASSERT_FALSE(watch->failure()) << ms;
      ASSERT_FALSE(state->filter_is_off);
    }
    if (ms > 1010) {
      ASSERT_TRUE(watch->failure()) << ms;
      ASSERT_EQ(*watch->failure(), "another XDP program is there");
      ASSERT_TRUE(state->filter_is_off);
    }
  }
}

TEST_F(FilterWatchTest, OneThatIsTakenOffAgainAndAgainIsLost) {
  pass_ms(100);
  std::uint64_t ms = 0;
  pass_ms(3000, [&] {
    if (++ms % 30 == 0) filter->is_on = false;
  });
  ASSERT_TRUE(watch->failure());
  EXPECT_EQ(*watch->failure(), "it is taken off again and again");
  EXPECT_LE(events->events().size(), 2U);
}

// Replies that reach the kernel by other interfaces, which another process asked for, or ours that
// take another way, do not make a filter look dead that sees nothing since nothing comes.
TEST_F(FilterWatchTest, RepliesElsewhereAreNoSuspicion) {
  pass_ms(20'000, [this] { ++link.kernel_replies; });
  EXPECT_EQ(filter->tries, 0U);
  // And now and then it sees an ARP query.
  std::uint64_t ms = 0;
  pass_ms(20'000, [&] {
    ++link.kernel_replies;
    if (++ms % 777 == 0) {
      ++link.received;
      ASSERT_TRUE(filter->sees_frame());
    }
  });
  EXPECT_EQ(filter->tries, 0U);
  EXPECT_EQ(losses(), 0U);
}

// Nor do frames that no reply is among, or a kernel that does not count.
TEST_F(FilterWatchTest, OnlyRepliesMakeASuspicion) {
  pass_ms(5000, [this] { ++link.received; });
  EXPECT_EQ(filter->tries, 0U);
  link.kernel_counts = false;
  filter->runs = false;
  pass_ms(5000);
  EXPECT_EQ(filter->tries, 0U);
}

// A driver that begins to count anew when a program is attached.
TEST_F(FilterWatchTest, AnInterfaceThatCountsAnewIsNoSuspicion) {
  pass_ms(300);
  for (std::uint64_t ms = 0; ms < 2000; ++ms)
    pass_ms(1, [&] {
      ++link.kernel_replies;
      if (ms % 60 == 0) link.received = 0;
    });
  EXPECT_EQ(filter->tries, 0U);
}

TEST_F(FilterWatchTest, BehindTheLastProbeTheLossIsInDoubt) {
  pass_ms(100);
  is_sending = false;
  filter->is_on = false;
  pass_ms(400);
  ASSERT_EQ(events->events().size(), 2U);
  EXPECT_NE(events->events()[0].consequence.find("may be lost"), std::string::npos);
  EXPECT_NE(events->events()[1].consequence.find("in doubt"), std::string::npos);
  EXPECT_EQ(losses(), 1U);
}

// Whoever flaps for a week fills no memory.
TEST_F(FilterWatchTest, EventsAreBounded) {
  for (int round = 0; round < 200; ++round) {
    filter->is_on = false;
    pass_ms(400);
  }
  EXPECT_EQ(events->events().size(), EventLog::kKept);
  EXPECT_EQ(events->left_out(), 400 - EventLog::kKept);
  EXPECT_EQ(losses(), 200U);
  EXPECT_EQ(state->reply_losses.earliest_since_ns(0), 0U) << "more than are kept: all is in doubt";
  EXPECT_GT(state->reply_losses.earliest_since_ns(200 - ReplyLosses::kKept), kStartNs);
}

// Any order of everything, at random: never off for long without a failure, and seen on only when
// it is.
TEST_F(FilterWatchTest, AnythingAtRandom) {
  std::mt19937_64 random(20261126);
  for (int i = 0; i < 300; ++i) {
    start();
    std::uint64_t off_ms = 0;
    pass_ms(10'000, [&] {
      switch (random() % 400) {
        case 0:
          filter->is_on = false;
          break;
        case 1:
          filter->runs = false;
          break;
        case 2:
          filter->refuses = random() % 2 == 0;
          break;
        case 3:
          ++link.kernel_replies;
          break;
        default:
          receive_reply();
      }
      off_ms = state->filter_is_off ? off_ms + 1 : 0;
      ASSERT_TRUE(off_ms < 3000 || watch->failure());
      if (!state->filter_is_off && state->filter_seen_on_ns == now_ns) {
        ASSERT_TRUE(filter->is_on);
      }
    });
  }
}

}  // namespace
}  // namespace echoscan::filter_watch_test
