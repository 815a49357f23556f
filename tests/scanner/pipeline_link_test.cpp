// What the link does to a scan, seen from end to end: it is lost and comes back, its card takes
// frames and sends none, its interface disappears. Who is missing is counted, and nobody is.
#include <gtest/gtest.h>

#include "tests/scanner/pipeline_fixture.h"

namespace echoscan {
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
  for (int round = 0; round < 12; ++round) {
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
    // The last loss comes behind the last probe, where nobody goes back.
    EXPECT_EQ(summary.ledger.in_doubt > 0, round == 11) << round;
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
  for (int ms = 0; ms < 12; ++ms) {
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
}  // namespace echoscan
