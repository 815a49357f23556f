// The control of a scan as a state machine: what happens at which moment, on time that the test
// gives. What is lost meanwhile is in control_loss_test.cpp, the threads in pipeline_test.cpp.
#include "scanner/pipeline/control.h"

#include <csignal>
#include <random>

#include "tests/scanner/control_fixture.h"

namespace echoscan::control_test {
namespace {

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
}  // namespace echoscan::control_test
