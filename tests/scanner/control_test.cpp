// The control of a scan as a state machine: what happens at which moment, on time that the test
// gives. The threads are in pipeline_test.cpp.
#include "scanner/pipeline/control.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <random>
#include <sstream>

#include "tests/scanner/fakes.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecondNs = 1'000 * kMs;
constexpr std::uint64_t kStartNs = 5 * kSecondNs;

// What the program would have logged.
class LogText {
 public:
  LogText() : logger_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)));
  }
  ~LogText() { spdlog::set_default_logger(logger_); }
  LogText(const LogText&) = delete;
  LogText& operator=(const LogText&) = delete;
  [[nodiscard]] std::size_t count(const std::string& words) const {
    const std::string text = out_.str();
    std::size_t count = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
      ++count;
    return count;
  }

 private:
  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> logger_;
};

class ControlTest : public testing::Test {
 protected:
  void start(Control::Limits limits, std::size_t sender_count = 2) {
    snapshot.probes = 1000;
    snapshot.senders.assign(sender_count, {});
    snapshot.transmitters.assign(1, {});
    control.emplace(limits, sender_count, link, source, next_hops, state, status, [this] {
      ++looks;
      snapshot.taken_ns = now_ns;
      return snapshot;
    });
    control->tick(now_ns);
  }

  // Ticks until `when_ns` (since the start); `meanwhile` before each tick.
  template <typename Meanwhile>
  void tick_until(std::uint64_t when_ns, const Meanwhile& meanwhile) {
    while (now_ns < kStartNs + when_ns) {
      now_ns += Control::kTickNs;
      meanwhile();
      control->tick(now_ns);
    }
  }
  void tick_until(std::uint64_t when_ns) {
    tick_until(when_ns, [] {});
  }

  void end_senders(std::size_t count = 2) {
    state.sending_ended_ns.store(now_ns);
    for (std::size_t i = 0; i < count; ++i) control->on_sender_end(true);
  }

  [[nodiscard]] std::uint64_t elapsed_ns() const { return now_ns - kStartNs; }

  FakeLink link;
  FakeReplySource source{{}};
  FakeAttachment filter;
  NextHops next_hops;
  ScanState state;
  Status status{nothing_shown()};
  Snapshot snapshot;
  std::uint64_t now_ns = kStartNs;
  std::size_t looks = 0;  // at the counters
  std::optional<Control> control;
};

TEST_F(ControlTest, AScanThatFinishesKeepsItsCooldownToATick) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 300; ++i) {
    now_ns = kStartNs;
    state.stop_receiving = false;
    state.sending_ended_ns = 0;
    const std::uint64_t cooldown_ns = random() % (10 * kSecondNs);
    start({.cooldown_ns = cooldown_ns});
    snapshot.transmitters[0].sent = 1;
    tick_until(random() % (3 * kSecondNs));
    EXPECT_FALSE(state.stop_receiving);
    end_senders();
    const std::uint64_t ended_ns = now_ns;
    while (!state.stop_receiving) tick_until(elapsed_ns() + 1);
    EXPECT_GE(now_ns, ended_ns + cooldown_ns);
    EXPECT_LE(now_ns, ended_ns + cooldown_ns + 2 * Control::kTickNs);
    EXPECT_FALSE(state.stop_sending);
    EXPECT_EQ(outcome_name(control->outcome()), "finished");
  }
}

TEST_F(ControlTest, WhereNothingHasLeftNobodyIsWaitedFor) {
  start({.cooldown_ns = 60 * kSecondNs});
  end_senders();
  tick_until(Control::kTickNs);
  EXPECT_TRUE(state.stop_receiving);
}

// At every moment of a scan, sending or cooling down.
TEST_F(ControlTest, SignalsAtAnyMoment) {
  constexpr std::uint64_t kSendingNs = 500 * kMs;
  constexpr std::uint64_t kCooldownNs = 400 * kMs;
  for (std::uint64_t first_ns = 0; first_ns < 880 * kMs; first_ns += Control::kTickNs) {
    for (const std::uint64_t gap_ns : {0 * kMs, 50 * kMs, 10'000 * kMs}) {
      now_ns = kStartNs;
      state.stop_sending = state.stop_receiving = state.abandon_output = false;
      state.sending_ended_ns = 0;
      start({.cooldown_ns = kCooldownNs});
      snapshot.transmitters[0].sent = 1;
      int signals = 0;
      std::uint64_t ended_ns = 0;
      while (!state.stop_receiving) {
        tick_until(elapsed_ns() + 1, [&] {
          if (signals < 1 && elapsed_ns() >= first_ns) ++signals, control->on_signal(SIGINT);
          if (signals == 1 && elapsed_ns() >= first_ns + gap_ns)
            ++signals, control->on_signal(SIGTERM);
          if (ended_ns == 0 && (state.stop_sending || elapsed_ns() >= kSendingNs))
            ended_ns = now_ns, end_senders();
        });
        ASSERT_LT(elapsed_ns(), 10 * kSecondNs);
      }
      EXPECT_EQ(outcome_name(control->outcome()), "interrupted");
      EXPECT_TRUE(state.stop_sending);
      EXPECT_EQ(state.abandon_output, signals == 2);
      const std::uint64_t cooldown_ns = now_ns - ended_ns;
      if (signals == 2) {
        EXPECT_LE(elapsed_ns(), std::max(first_ns + gap_ns, kSendingNs) + 20 * kMs);
      } else {
        EXPECT_GE(cooldown_ns, kCooldownNs);
      }
      EXPECT_LE(cooldown_ns, kCooldownNs + 2 * Control::kTickNs);
    }
  }
}

TEST_F(ControlTest, MaxRuntimeEndsTheSendingToATick) {
  for (std::uint64_t limit_ns = 1; limit_ns < 300 * kMs; limit_ns += 3'333'333) {
    now_ns = kStartNs;
    state.stop_sending = false;
    start({.max_runtime_ns = limit_ns});
    while (!state.stop_sending) tick_until(elapsed_ns() + 1);
    EXPECT_GE(elapsed_ns(), limit_ns);
    EXPECT_LE(elapsed_ns(), limit_ns + 2 * Control::kTickNs);
    EXPECT_EQ(outcome_name(control->outcome()), "stopped at --max-runtime");
  }
}

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

// A control that got no CPU looks at the counters once, and then each second again.
TEST_F(ControlTest, StatusLinesThatWereMissedAreNotMadeUpFor) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 300; ++i) {
    now_ns = kStartNs;
    start({});
    looks = 0;
    now_ns += kSecondNs + random() % (20 * kSecondNs);
    control->tick(now_ns);
    EXPECT_EQ(looks, 1U);
    const std::uint64_t late_ns = elapsed_ns() % kSecondNs;
    tick_until(elapsed_ns() + kSecondNs - late_ns - 2 * Control::kTickNs);
    EXPECT_EQ(looks, 1U) << late_ns;
    tick_until(elapsed_ns() + 4 * Control::kTickNs);
    EXPECT_EQ(looks, 2U) << late_ns;
  }
}

TEST_F(ControlTest, AnInterfaceThatIsGoneEndsTheSending) {
  start({.link_timeout_s = 100, .seed = 17});
  snapshot.transmitters[0].sent = 12;
  link.up = false;
  tick_until(500 * kMs);
  EXPECT_FALSE(state.stop_sending);
  link.gone = true;
  tick_until(510 * kMs);
  EXPECT_TRUE(state.stop_sending);
  EXPECT_NE(outcome_sentence(control->outcome()).find("12 of 1000 probes"), std::string::npos);
  EXPECT_NE(outcome_sentence(control->outcome()).find("--seed 17"), std::string::npos);
}

TEST_F(ControlTest, ASourceAddressThatStaysAwayEndsTheSending) {
  start({.link_timeout_s = 2, .seed = 17});
  link.source_is_there = false;
  tick_until(kSecondNs);
  EXPECT_FALSE(state.stop_sending);
  tick_until(2100 * kMs);
  EXPECT_TRUE(state.stop_sending);
  EXPECT_EQ(outcome_name(control->outcome()), "stopped, source lost");
}

TEST_F(ControlTest, ARenamedInterfaceGoesOn) {
  start({});
  link.called = "new0";
  tick_until(kSecondNs);
  EXPECT_FALSE(state.stop_sending);
  ASSERT_EQ(control->events().events().size(), 1U);
  EXPECT_EQ(control->events().events()[0].what, "fake0 is called new0 now");
}

TEST_F(ControlTest, TheFirstReasonIsReported) {
  start({.max_runtime_ns = kSecondNs, .cooldown_ns = kSecondNs});
  control->on_signal(SIGTERM);
  tick_until(2 * kSecondNs);
  EXPECT_EQ(outcome_name(control->outcome()), "terminated");
  control->on_output_failure({"-", EPIPE});
  EXPECT_EQ(outcome_name(control->outcome()), "terminated");
  end_senders();
  tick_until(elapsed_ns() + Control::kTickNs);
  EXPECT_TRUE(state.stop_receiving) << "lines that nobody takes are not waited for";
}

TEST_F(ControlTest, AStalledSenderCarriesTheKernelsReason) {
  start({});
  snapshot.transmitters[0].last_error = ENOBUFS;
  control->on_sender_end(false);
  EXPECT_TRUE(state.stop_sending);
  EXPECT_NE(outcome_sentence(control->outcome()).find(std::strerror(ENOBUFS)), std::string::npos);
}

// A filter that cannot be had back ends the scan, sending or cooling down, and the cooldown with
// it.
TEST_F(ControlTest, AReplyFilterThatIsLostEndsTheScan) {
  source.filter = &filter;
  for (std::uint64_t off_ns = 0; off_ns < 900 * kMs; off_ns += 3 * kMs) {
    now_ns = kStartNs;
    state.stop_sending = state.stop_receiving = state.filter_is_off = false;
    state.sending_ended_ns = 0;
    filter.is_on = true;
    filter.refuses = false;
    start({.cooldown_ns = 100 * kSecondNs, .seed = 17});
    snapshot.transmitters[0].sent = 12;
    bool has_ended = false;
    std::uint64_t stopped_ns = 0;
    tick_until(3 * kSecondNs, [&] {
      if (elapsed_ns() >= off_ns && !filter.refuses) filter.is_on = false, filter.refuses = true;
      if (stopped_ns == 0 && state.stop_sending) stopped_ns = elapsed_ns();
      if (!has_ended && (state.stop_sending || elapsed_ns() >= 500 * kMs))
        has_ended = true, end_senders();
    });
    EXPECT_EQ(outcome_name(control->outcome()), "stopped, reply filter lost");
    EXPECT_EQ(exit_code(control->outcome()), ExitCode::environment);
    EXPECT_NE(outcome_sentence(control->outcome())
                  .find("another XDP program is there); stopped after 12 of 1000 probes"),
              std::string::npos);
    EXPECT_GE(stopped_ns, off_ns + FilterWatch::kRepairNs);
    EXPECT_LE(stopped_ns, off_ns + FilterWatch::kRepairNs + 4 * Control::kTickNs);
    EXPECT_TRUE(state.stop_receiving) << "what nobody receives is not waited for";
  }
}

// An interface that vanishes takes the filter along: that is said, and not that the filter is lost.
TEST_F(ControlTest, AnInterfaceThatIsGoneIsNoLostFilter) {
  source.filter = &filter;
  for (const bool is_cooldown : {false, true}) {
    now_ns = kStartNs;
    state.stop_sending = state.stop_receiving = false;
    link.gone = false;
    filter.is_on = true;
    start({.cooldown_ns = 10 * kSecondNs});
    snapshot.transmitters[0].sent = 12;
    tick_until(100 * kMs);
    if (is_cooldown) end_senders();
    link.gone = true;
    filter.is_on = false;
    filter.refuses = true;
    tick_until(5 * kSecondNs);
    EXPECT_EQ(outcome_name(control->outcome()), "stopped, interface gone");
    ASSERT_EQ(control->events().events().size(), 1U);
    EXPECT_EQ(control->events().events()[0].what, "the interface fake0 is gone");
  }
}

// The source belongs to the receiver once it may stop.
TEST_F(ControlTest, TheFilterIsLeftAloneOnceTheReceivingEnds) {
  source.filter = &filter;
  start({.cooldown_ns = 100 * kMs});
  snapshot.transmitters[0].sent = 12;
  tick_until(100 * kMs);
  end_senders();
  while (!state.stop_receiving) tick_until(elapsed_ns() + 1);
  filter.is_on = false;
  tick_until(5 * kSecondNs);
  EXPECT_EQ(filter.tries, 0U);
  EXPECT_EQ(outcome_name(control->outcome()), "finished");
}

// Whatever the kernel has counted beyond what the source has left to it is unseen, and never less
// than nothing; what comes behind the end of the receiving is nobody's.
TEST_F(ControlTest, RepliesThatNobodySawAreCounted) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 500; ++i) {
    const LogText log;
    now_ns = kStartNs;
    state.stop_receiving = false;
    link.kernel_replies = random() % 1000;
    source.passed = random() % 1000;
    const std::uint64_t counted = i % 7 == 0 ? 0 : random() % 50;
    const std::uint64_t passed = i % 3 == 0 ? 0 : random() % 50;
    const std::uint64_t elsewhere = random() % 100;
    start({.cooldown_ns = 50 * kMs});
    tick_until(50 * kMs);
    link.kernel_replies += counted;
    source.passed += passed;
    link.received_elsewhere += elsewhere;
    end_senders();
    while (!state.stop_receiving) tick_until(elapsed_ns() + 1);
    link.kernel_replies += 1000;
    control->settle(now_ns);
    const std::uint64_t unseen = counted - std::min(counted, passed);
    ASSERT_EQ(control->reply_balance().kernel_replies(), counted);
    ASSERT_EQ(control->reply_balance().unseen_replies(), unseen);
    ASSERT_EQ(control->events().events().size(), unseen > 0 ? 1U : 0U);
    ASSERT_EQ(log.count("that the scan did not see"), unseen > 0 ? 1U : 0U);
    ASSERT_EQ(log.count("packets by fake1"), unseen > 0 && 2 * elsewhere >= unseen ? 1U : 0U);
    ASSERT_EQ(log.count("by fake0"), 0U);
  }
}

TEST_F(ControlTest, AKernelThatDoesNotCountLeavesNothingUnseen) {
  link.kernel_counts = false;
  start({});
  end_senders();
  tick_until(kSecondNs);
  control->settle(now_ns);
  EXPECT_FALSE(control->reply_balance().kernel_replies());
  EXPECT_FALSE(control->reply_balance().unseen_replies());
  EXPECT_TRUE(control->events().events().empty());
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

// A scan that sends nothing for 5 s, or for three probes' time, and has no reason to wait says so,
// once.
TEST_F(ControlTest, ASilentScanSaysSo) {
  for (const std::uint64_t rate_pps : {std::uint64_t{0}, std::uint64_t{12'000}, std::uint64_t{1}}) {
    const LogText log;
    now_ns = kStartNs;
    start({.rate_pps = rate_pps});
    tick_until(6 * kSecondNs);
    EXPECT_EQ(log.count("no probe has left"), 0U) << rate_pps;
    tick_until(8 * kSecondNs);
    EXPECT_EQ(log.count("no probe has left"), 1U) << rate_pps;
    tick_until(60 * kSecondNs);
    EXPECT_EQ(log.count("no probe has left"), 1U) << rate_pps;
  }
}

TEST_F(ControlTest, AScanThatWaitsWithReasonIsNotSilent) {
  const LogText log;
  start({.cooldown_ns = 100 * kSecondNs});
  tick_until(20 * kSecondNs, [this] { snapshot.senders[1].paused_output_ns += kMs; });
  tick_until(40 * kSecondNs, [this] { snapshot.transmitters[0].sent += 1; });
  link.up = false;
  tick_until(60 * kSecondNs);
  link.up = true;
  tick_until(63 * kSecondNs);
  end_senders();
  tick_until(100 * kSecondNs);
  EXPECT_EQ(log.count("no probe has left"), 0U);
}

}  // namespace
}  // namespace echoscan
