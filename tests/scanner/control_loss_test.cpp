// What the control does when link or source address are lost, at any moment of the sending and of
// the cooldown.
#include <csignal>
#include <random>

#include "scanner/pipeline/control.h"
#include "tests/scanner/control_fixture.h"

namespace echoscan::control_loss_test {
namespace {

// Down for any time, back for any time: senders go on when it has been up for kLinkSettleNs, and
// the scan ends when it was down for longer than the limit.
TEST_F(ControlTest, ALinkThatComesAndGoes) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 500; ++i) {
    now_ns = kStartNs;
    link.up = true;
    state.stop_sending = state.link_is_down = false;
    start({.link_timeout_s = 1});
    std::uint64_t down_since_ns = 0;  // as a sender has to see it
    std::uint64_t last_down_ns = 0;
    std::uint64_t change_ns = 0;
    while (elapsed_ns() < 5 * kSecondNs && !state.stop_sending) {
      const bool was_down = state.link_is_down;
      tick_until(elapsed_ns() + 1, [&] {
        if (elapsed_ns() >= change_ns) {
          link.up = !link.up;
          change_ns = elapsed_ns() + random() % (600 * kMs);
        }
        if (!link.up) last_down_ns = now_ns;
        if (!link.up && down_since_ns == 0) down_since_ns = now_ns;
        if (link.up && now_ns - last_down_ns > Control::kLinkSettleNs) down_since_ns = 0;
      });
      ASSERT_EQ(state.link_is_down, down_since_ns != 0) << elapsed_ns();
      ASSERT_EQ(state.stop_sending,
                !link.up && down_since_ns != 0 && now_ns - down_since_ns > kSecondNs);
      if (!was_down && !state.link_is_down) {
        ASSERT_EQ(state.link_seen_up_ns, now_ns);
      }
    }
    if (state.stop_sending) {
      EXPECT_EQ(outcome_name(control->outcome()), "stopped, link down");
    }
  }
}

// With the link go replies that are on their way: senders are told where these may be more than
// what they go back for by themselves.
TEST_F(ControlTest, RepliesThatALostLinkTakesAlong) {
  for (std::uint64_t trip_ms = 0; trip_ms < 700; trip_ms += 5)
    for (std::uint64_t down_ns = 0; down_ns < 60 * kMs; down_ns += 7 * kMs) {
      now_ns = kStartNs;
      link.up = true;
      state.link_is_down = false;
      start({.link_timeout_s = 100});
      snapshot.receiver.round_trip_ns = trip_ms * kMs;
      tick_until(down_ns);
      const std::uint64_t seen_up_ns = state.link_seen_up_ns;
      const std::uint64_t known = state.reply_losses.count();
      link.up = false;
      tick_until(elapsed_ns() + 100 * kMs);
      ASSERT_TRUE(state.link_is_down);
      if (trip_ms > 0 && trip_ms <= 25) {
        ASSERT_EQ(state.reply_losses.count(), known) << trip_ms;
      } else {
        const std::uint64_t taken_ms =
            trip_ms == 0 ? 1000 : std::min<std::uint64_t>(2 * trip_ms, 1000);
        ASSERT_EQ(state.reply_losses.count(), known + 1) << trip_ms;
        ASSERT_EQ(state.reply_losses.earliest_since_ns(known), seen_up_ns - taken_ms * kMs);
      }
    }
}

// In the cooldown, too, senders go back for what a lost link may have cost, and it begins anew.
// When they have been stopped, that is in doubt.
TEST_F(ControlTest, ALinkLostInTheCooldownIsSaid) {
  for (std::uint64_t down_ns = 0; down_ns < 500 * kMs; down_ns += 7 * kMs) {
    now_ns = kStartNs;
    link.up = true;
    state.stop_receiving = state.link_is_down = state.stop_sending = false;
    start({.cooldown_ns = kSecondNs, .link_timeout_s = 100});
    snapshot.transmitters[0].sent = 1;
    snapshot.receiver.round_trip_ns = 1;
    const bool is_stopped = down_ns / kMs % 2 == 0;
    tick_until(100 * kMs);
    end_senders();
    if (is_stopped) control->on_signal(SIGINT);
    std::uint64_t begun_ns = now_ns;
    tick_until(100 * kMs + down_ns);
    const std::uint64_t lost_ns = state.link_seen_up_ns - 50 * kMs;
    const std::uint64_t known = state.reply_losses.count();
    link.up = false;
    tick_until(elapsed_ns() + 200 * kMs);
    ASSERT_EQ(state.reply_losses.earliest_since_ns(known), lost_ns);
    if (!is_stopped) begun_ns = now_ns + Control::kLinkSettleNs;
    link.up = true;
    while (!state.stop_receiving) tick_until(elapsed_ns() + 1);
    EXPECT_LE(now_ns - begun_ns - kSecondNs, 3 * Control::kTickNs);
    ASSERT_EQ(control->events().events().size(), 2U);
    EXPECT_EQ(control->events().events()[1].consequence.find("in doubt") != std::string::npos,
              is_stopped);
  }
}

// So it does for the source address.
TEST_F(ControlTest, ASourceLostInTheCooldownBeginsItAnew) {
  for (std::uint64_t gone_ns = 0; gone_ns < 590 * kMs; gone_ns += 20 * kMs) {
    for (const bool is_stopped : {false, true}) {
      now_ns = kStartNs;
      link.source_is_there = true;
      state.stop_receiving = state.source_is_lost = state.stop_sending = false;
      start({.cooldown_ns = kSecondNs, .link_timeout_s = 100});
      snapshot.transmitters[0].sent = 1;
      tick_until(100 * kMs);
      end_senders();
      if (is_stopped) control->on_signal(SIGINT);
      std::uint64_t begun_ns = now_ns;
      tick_until(100 * kMs + gone_ns);
      link.source_is_there = false;
      tick_until(elapsed_ns() + 400 * kMs);
      if (!is_stopped) begun_ns = now_ns;
      link.source_is_there = true;
      while (!state.stop_receiving) tick_until(elapsed_ns() + 1);
      EXPECT_LE(now_ns - begun_ns - kSecondNs, 3 * Control::kTickNs) << gone_ns << is_stopped;
    }
  }
}

// Each is an event, with its time, and is logged once.
TEST_F(ControlTest, LinkLossesAreEvents) {
  const LogText log;
  start({.link_timeout_s = 100});
  snapshot.transmitters[0].sent = 1000;
  link.carried = 1000;
  tick_until(kSecondNs);
  link.up = false;
  tick_until(2 * kSecondNs);
  link.up = true;
  tick_until(3 * kSecondNs);
  snapshot.transmitters[0].sent += 100;  // and the interface counts none of them
  tick_until(4 * kSecondNs);
  const std::vector<ScanEvent>& events = control->events().events();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].what, "the link of fake0 is down");
  EXPECT_EQ(events[0].consequence, "sending pauses, for 100 s at most");
  EXPECT_EQ(events[1].what, "the link of fake0 is up again after 1.2 s");
  EXPECT_EQ(events[1].consequence, "sending goes on");
  EXPECT_EQ(events[2].what, "fake0 takes frames and sends none");
  EXPECT_EQ(events[2].consequence, "100 are sent again");
  EXPECT_EQ(events[3].what.substr(0, 35), "the link of fake0 is up again after");
  EXPECT_EQ(events[0].at_ns - kStartNs, kSecondNs + Control::kTickNs);
  for (const ScanEvent& event : events)
    EXPECT_EQ(log.count(event.what + ": " + event.consequence), 1U) << event.what;
}

}  // namespace
}  // namespace echoscan::control_loss_test
