// The watch on the source address, on simulated time: an absence of any length.
#include "scanner/pipeline/source_watch.h"

#include <gtest/gtest.h>

#include "tests/scanner/fakes.h"
#include "tests/scanner/moments.h"

namespace echoscan::source_watch_test {
namespace {

constexpr std::uint64_t kOnItsWayNs = 70 * kMs;
constexpr std::uint64_t kTickNs = 10 * kMs;

struct Case {
  FakeLink link{};
  ScanState state{};
  EventLog events{};
  SourceWatch watch{link, 2, state, events, [] { return kOnItsWayNs; }};
  std::uint64_t now_ns = kStartNs;

  void run(std::uint64_t length_ns, SendingPhase phase = SendingPhase::sending) {
    for (const std::uint64_t end_ns = now_ns + length_ns; now_ns < end_ns; now_ns += kTickNs)
      watch.look(now_ns, phase);
  }
};

// Senders wait from when it is noticed, and what has left since the address was last seen goes
// again, as far as its reply may have been under way; too long an absence is too long.
TEST(SourceWatch, AnAbsenceOfAnyLengthIsWaitedFor) {
  for (std::uint64_t away_ms = 10; away_ms < 4000; away_ms += 10) {
    Case one;
    one.run(kStartNs);
    const std::uint64_t left_ns = one.now_ns;
    one.link.source_is_there = false;
    one.run(away_ms * kMs);
    ASSERT_TRUE(one.state.source_is_lost) << away_ms;
    ASSERT_TRUE(one.state.has_to_wait());
    ASSERT_EQ(one.state.reply_losses.count(), 1U);
    EXPECT_EQ(one.state.reply_losses.earliest_since_ns(0), left_ns - kTickNs - kOnItsWayNs);
    EXPECT_EQ(one.watch.failure().has_value(), away_ms > 2010) << away_ms;
    one.link.source_is_there = true;
    one.run(50 * kMs);
    EXPECT_EQ(one.state.source_is_lost, away_ms > 2010) << "nothing is sent after a failure";
    EXPECT_EQ(one.events.events().size(), away_ms > 2010 ? 1U : 2U);
    if (away_ms <= 2010) {
      EXPECT_EQ(one.state.source_seen_ns, one.now_ns - kTickNs);
    }
  }
}

TEST(SourceWatch, WhileSendersStandByAnAbsenceIsWaitedFor) {
  for (std::uint64_t away_ms = 10; away_ms < 4000; away_ms += 90) {
    Case one;
    one.run(kTickNs);
    one.link.source_is_there = false;
    one.run(away_ms * kMs, SendingPhase::standing_by);
    one.link.source_is_there = true;
    one.run(kTickNs, SendingPhase::standing_by);
    ASSERT_EQ(one.watch.failure().has_value(), away_ms > 2010) << away_ms;
    ASSERT_EQ(one.events.events().front().consequence, "it is waited for, for 2 s at most");
    if (away_ms > 2010) continue;
    EXPECT_EQ(one.events.events().back().consequence,
              "what may have been lost is sent again, and the cooldown begins anew");
  }
}

TEST(SourceWatch, WhenSendingIsOverNoAbsenceIsTooLong) {
  Case one;
  one.run(kTickNs);
  one.link.source_is_there = false;
  one.run(10'000 * kMs, SendingPhase::over);
  EXPECT_FALSE(one.watch.failure());
  EXPECT_EQ(one.state.reply_losses.count(), 1U);
}

}  // namespace
}  // namespace echoscan::source_watch_test
