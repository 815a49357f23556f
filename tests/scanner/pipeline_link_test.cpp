// What the link does to a scan, seen from end to end: it is lost and comes back, its card takes
// frames and sends none, its interface disappears. Who is missing is counted, and nobody is.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/scanner/pipeline_fixture.h"
#include "tests/sweep_step.h"

namespace echoscan::pipeline_link_test {
namespace {

TEST_F(PipelineTest, AMissingLinkPausesTheSending) {
  link.up = false;
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "max"}, 2,
                       [this] {
                         sleep_ms(500);
                         link.up = true;
                       }),
            "finished");
  EXPECT_EQ(targets_written(), expected_targets());
}

TEST_F(PipelineTest, AnInterfaceThatIsGoneEndsTheScanAndTheLedgerStands) {
  const ScanOutcome outcome = run({"9.0.0.0/16", "--rate", "1k"}, 2, [this] {
    sleep_ms(200);
    link.gone = true;
  });
  EXPECT_EQ(outcome_name(outcome), "stopped, interface gone");
  EXPECT_EQ(exit_code(outcome), ExitCode::environment);
  EXPECT_NE(outcome_sentence(outcome).find("fake0 is gone"), std::string::npos);
  EXPECT_LT(summary.ledger.sent, 65536U);
}

// What leaves between the loss of the link and the moment that it is noticed is gone, and counted
// as sent: it is sent again, on every queue, and nobody is missing. 50 ms' worth at each loss.
TEST_F(PipelineTest, WhatALostLinkTakesAlongIsSentAgain) {
  swallows = true;
  answers = [](Ipv4) { return 1; };
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "100k"}, 2,
                       [this] {
                         for (int i = 0; i < 2; ++i) {
                           sleep_ms(i == 0 ? 150 : 350);
                           link.up = false;
                           sleep_ms(100);
                           link.up = true;
                         }
                       }),
            "finished");
  EXPECT_EQ(targets_written(), expected_targets());
  EXPECT_EQ(summary.ledger.sent, 65536U);
  EXPECT_GE(summary.ledger.sent_again, 5000U);
  EXPECT_LE(summary.ledger.sent_again, 2U * 5004);
  EXPECT_EQ(summary.ledger.in_doubt, 0U);
}

// A card that takes frames after its return and sends none of them (e1000e, for 2 s) is found out
// by its own count, for however long it does so and whenever that begins, the end of the scan
// included.
TEST_F(PipelineTest, ACardThatIsSilentAfterItsReturnLosesNobody) {
  swallows = true;
  answers = [](Ipv4) { return 1; };
  for (int round = 0; round < 12; round += kSweepStep) {
    sink.text.clear();
    EXPECT_EQ(outcome_of({"9.0.0.0/21", "--rate", "5k"}, 2,
                         [this, round] {
                           sleep_ms(20 + 37 * round);
                           link.is_silent = true;
                           link.up = false;
                           sleep_ms(50);
                           link.up = true;
                           sleep_ms(250 * round % 2100);
                           link.is_silent = false;
                         }),
              "finished");
    EXPECT_EQ(targets_written().size(), 2048U) << round;
    EXPECT_EQ(summary.ledger.sent, 2048U);
    EXPECT_EQ(summary.ledger.in_doubt, 0U) << round;
  }
}

// One that stays silent is a link that is down.
TEST_F(PipelineTest, ACardThatStaysSilentEndsTheScan) {
  swallows = true;
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "10k", "--link-timeout", "2"}, 2,
                       [this] {
                         sleep_ms(300);
                         link.is_silent = true;
                         link.up = false;
                         sleep_ms(50);
                         link.up = true;
                       }),
            "stopped, link down");
  EXPECT_LE(ran_ms, 4000U);
  EXPECT_GT(summary.ledger.in_doubt, 0U);
}

// Where the interface has not counted what the scan sends (AF_XDP zero-copy on some cards), its
// count proves nothing, and nothing waits for it.
TEST_F(PipelineTest, ACountThatSaysNothingIsNotAsked) {
  answers = [](Ipv4) { return 1; };
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "100k"}, 2,
                       [this] {
                         sleep_ms(300);
                         link.up = false;
                         sleep_ms(50);
                         link.up = true;
                       }),
            "finished");
  EXPECT_LE(summary.ledger.sent_again, 5004U);
  EXPECT_EQ(targets_written(), expected_targets());
}

// The last probe has left when the link goes: the scan does not end before it has seen to that.
TEST_F(PipelineTest, ALinkThatIsLostAtTheVeryEndIsNoticed) {
  swallows = true;
  answers = [](Ipv4) { return 1; };
  for (int ms = 0; ms < 12; ms += kSweepStep) {
    link.up = true;
    sink.text.clear();
    EXPECT_EQ(outcome_of({"9.0.0.0/22", "--rate", "100k", "--cooldown", "0.02"}, 2,
                         [this, ms] {
                           sleep_ms(5 + ms);
                           link.up = false;
                           sleep_ms(30);
                           link.up = true;
                         }),
              "finished");
    EXPECT_EQ(targets_written().size(), 1024U) << ms;
  }
}

// A link that goes in the cooldown takes replies along that are on their way: what they answered is
// sent again, whenever it goes and however long replies take, and the cooldown begins anew.
TEST_F(PipelineTest, RepliesThatALinkTakesAlongInTheCooldownAreAskedForAgain) {
  answers = [](Ipv4) { return 1; };
  cooldown = "2";
  for (const int delay_ms : {20, 150, 400, 1200})
    for (int ms = 0; ms < delay_ms; ms += 1 + delay_ms / 7) {
      reply_delay_ns = static_cast<std::uint64_t>(delay_ms) * 1'000'000;
      sink.text.clear();
      link.up = true;
      // Errors are waited for when all have replied, too.
      EXPECT_EQ(outcome_of({"9.0.0.0/22", "--rate", "20k", "--emit", "errors"}, 2,
                           [this, ms] {
                             sleep_ms(60 + ms);
                             link.up = false;
                             sleep_ms(500);
                             link.up = true;
                           }),
                "finished");
      EXPECT_EQ(targets_written(), expected_targets()) << delay_ms << " ms late, lost after " << ms;
      EXPECT_EQ(summary.ledger.sent, 1024U);
      EXPECT_EQ(summary.ledger.in_doubt, 0U);
      ASSERT_EQ(summary.events.size(), 2U);
      // At first not every sender may be done.
      EXPECT_TRUE(ms == 0 || summary.events[1].consequence ==
                                 "what may have been lost is sent again, and the cooldown begins "
                                 "anew");
    }
}

// One that comes and goes for ever does not hold up the end; one that stays away ends the scan.
TEST_F(PipelineTest, TheCooldownEndsWhateverTheLinkDoes) {
  answers = [](Ipv4) { return 1; };
  EXPECT_EQ(outcome_of({"9.0.0.0/24", "--rate", "20k", "--emit", "errors"}, 2,
                       [this] {
                         sleep_ms(30);
                         for (int i = 0; i < 100; ++i) {
                           link.up = false;
                           sleep_ms(100);
                           link.up = true;
                           sleep_ms(250);
                         }
                       }),
            "finished");
  EXPECT_LE(ran_ms, 17U * 600);
  link.up = true;
  EXPECT_EQ(
      outcome_of({"9.0.0.0/24", "--rate", "20k", "--emit", "errors", "--link-timeout", "0.5"}, 2,
                 [this] {
                   sleep_ms(30);
                   link.up = false;
                 }),
      "stopped, link down");
  EXPECT_GT(summary.ledger.in_doubt, 0U);
}

// Whatever the last reply's delay is; and not when something else is wanted, or one is silent.
TEST_F(PipelineTest, TheCooldownEndsWhenAllHaveReplied) {
  cooldown = "60";
  answers = [](Ipv4) { return 1; };
  const std::uint64_t sending_ms = 100;
  for (const std::uint64_t delay_ms : {0, 1, 7, 90, 700, 5000, 59'000}) {
    reply_delay_ns = delay_ms * 1'000'000;
    sink.text.clear();
    EXPECT_EQ(outcome_of({"9.0.0.0/22", "--rate", "10k"}), "finished");
    EXPECT_EQ(targets_written(), expected_targets());
    EXPECT_GE(ran_ms, sending_ms + delay_ms);
    EXPECT_LE(ran_ms, sending_ms + delay_ms + 40);
    EXPECT_TRUE(summary.events.empty());
  }
  reply_delay_ns = 0;
  EXPECT_EQ(outcome_of({"9.0.0.0/22", "--rate", "10k", "--retry", "1", "--pass-gap", "2"}),
            "finished");
  EXPECT_LE(ran_ms, 2200U);
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--emit", "errors"}, {"--emit", "repeats"}, {"--probes", "2"}}) {
    std::vector<std::string> options = {"9.0.0.0/22", "--rate", "10k"};
    options.insert(options.end(), more.begin(), more.end());
    EXPECT_EQ(outcome_of(options), "finished");
    EXPECT_GE(ran_ms, 60'000U) << more.front();
  }
  answers = [](Ipv4 address) { return address.value == 0x09000001 ? 0 : 1; };
  EXPECT_EQ(outcome_of({"9.0.0.0/22", "--rate", "10k"}), "finished");
  EXPECT_GE(ran_ms, 60'000U);
}

// Replies that still come when the cooldown ends are a warning, and those that have all come are
// none. With 1 s of delay and 2 s of sending, replies come for 1 s in the cooldown.
TEST_F(PipelineTest, RepliesThatComeWhenTheCooldownEndsAreSaid) {
  answers = [](Ipv4) { return 1; };
  reply_delay_ns = 1'000'000'000;
  for (const auto& [seconds, is_said] : {std::pair("0.5", true), std::pair("0.9", true),
                                         std::pair("1.5", false), std::pair("6", false)}) {
    cooldown = seconds;
    EXPECT_EQ(outcome_of({"9.0.0.0/22", "--rate", "500"}), "finished");
    ASSERT_EQ(summary.events.size(), is_said ? 1U : 0U) << seconds;
    if (!is_said) continue;
    const std::string words = "replies still came when the cooldown ended: ";
    ASSERT_EQ(summary.events[0].what.substr(0, words.size()), words);
    EXPECT_NEAR(std::stod(summary.events[0].what.substr(words.size())), 500, 60);
    EXPECT_NE(summary.events[0].consequence.find(
                  fmt::format("--cooldown {:g} would have kept about", 2 * std::stod(seconds))),
              std::string::npos)
        << summary.events[0].consequence;
  }
}

TEST_F(PipelineTest, ALinkThatStaysDownEndsTheScan) {
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "20k", "--link-timeout", "0.3"}, 2,
                       [this] {
                         sleep_ms(300);
                         link.up = false;
                       }),
            "stopped, link down");
  EXPECT_GT(summary.ledger.sent, 1000U);
  EXPECT_LT(summary.ledger.sent, 30000U);
  EXPECT_GT(summary.sending.paused_for_link_s, 0.2);
  EXPECT_GT(summary.ledger.in_doubt, 0U);
  EXPECT_EQ(summary.outcome, "stopped, link down");
}

}  // namespace
}  // namespace echoscan::pipeline_link_test
