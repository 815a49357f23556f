// What the loss of the reply filter does to a scan, seen from end to end: taken off or not run, at
// any moment. Who is missing is counted, and where the filter can be had back nobody is.
#include <gtest/gtest.h>

#include "tests/scanner/pipeline_fixture.h"
#include "tests/sweep_step.h"

namespace echoscan::pipeline_filter_test {
namespace {

class PipelineFilterTest : public PipelineTest {
 protected:
  PipelineFilterTest() {
    has_filter = true;
    cooldown = "0.6";
    answers = [](Ipv4) { return 1; };
  }

  [[nodiscard]] std::size_t events(const std::string& words) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(summary.events, [&words](const Summary::Event& event) {
          return event.what.find(words) != std::string::npos;
        }));
  }
};

TEST_F(PipelineFilterTest, WithoutALossThereIsNoEvent) {
  EXPECT_EQ(outcome_of({"9.0.0.0/20", "--rate", "20k"}), "finished");
  EXPECT_EQ(targets_written(), expected_targets());
  EXPECT_TRUE(summary.events.empty());
  EXPECT_EQ(summary.ledger.sent_again, 0U);
  EXPECT_EQ(summary.receiving.kernel_replies, 0U);
  EXPECT_EQ(summary.receiving.unseen_replies, 0U);
}

// At every 7 ms of a scan of 200 ms and its cooldown, which errors are waited for in: found again,
// or in doubt where the scan ends before.
TEST_F(PipelineFilterTest, TakenOffAtAnyMoment) {
  std::size_t repaired = 0;
  for (int ms = 1; ms < 290; ms += 7 * kSweepStep) {
    sink.text.clear();
    EXPECT_EQ(outcome_of({"9.0.0.0/20", "--rate", "20k", "--emit", "errors"}, 2,
                         [this, ms] {
                           sleep_ms(ms);
                           filter.is_on = false;
                         }),
              "finished");
    const std::size_t missing = 4096 - targets_written().size();
    ASSERT_LE(missing, summary.ledger.in_doubt) << ms;
    ASSERT_EQ(events("was taken off"), 1U) << ms;
    ASSERT_EQ(events("is attached again"), 1U) << ms;
    if (summary.ledger.in_doubt == 0) ++repaired;
    ASSERT_GE(summary.events[0].seconds, ms / 1e3 - 0.02);
    ASSERT_LE(summary.events[0].seconds, ms / 1e3 + 0.02);
    // What went past in the gap reached the kernel.
    ASSERT_EQ(summary.receiving.unseen_replies, summary.receiving.kernel_replies);
  }
  EXPECT_GT(repaired, 20U / kSweepStep);
}

TEST_F(PipelineFilterTest, NotRunAnyMoreFromAnyMomentOn) {
  std::size_t repaired = 0;
  for (int ms = 1; ms < 500; ms += 23 * kSweepStep) {
    sink.text.clear();
    EXPECT_EQ(outcome_of({"9.0.0.0/20", "--rate", "10k"}, 2,
                         [this, ms] {
                           sleep_ms(ms);
                           filter.runs = false;
                         }),
              "finished");
    const std::size_t missing = 4096 - targets_written().size();
    if (ms < 250) {
      ASSERT_EQ(events("does not run its reply filter"), 1U) << ms;
      ASSERT_EQ(missing + summary.ledger.in_doubt, 0U) << ms;
      ++repaired;
    }
    ASSERT_LE(missing, summary.ledger.in_doubt + *summary.receiving.unseen_replies) << ms;
    filter.runs = true;
  }
  EXPECT_GE(repaired, 10U / kSweepStep);
}

TEST_F(PipelineFilterTest, OneThatCannotBeHadBackEndsTheScan) {
  EXPECT_EQ(outcome_of({"9.0.0.0/16", "--rate", "20k"}, 2,
                       [this] {
                         sleep_ms(305);
                         filter.refuses = true;
                         filter.is_on = false;
                       }),
            "stopped, reply filter lost");
  EXPECT_LE(ran_ms, 305 + 1000 + 1000 + 200U);
  EXPECT_LT(summary.ledger.sent, 8000U);
  const std::size_t missing = summary.ledger.sent - targets_written().size();
  EXPECT_GT(missing, 0U);
  EXPECT_LE(missing, summary.ledger.in_doubt);
}

// Both at once, as when a driver is reset: link and filter go together, and come back together.
TEST_F(PipelineFilterTest, LinkAndFilterTogether) {
  swallows = true;
  for (int ms = 40; ms < 200; ms += 11 * kSweepStep) {
    sink.text.clear();
    EXPECT_EQ(outcome_of({"9.0.0.0/19", "--rate", "20k"}, 2,
                         [this, ms] {
                           sleep_ms(ms);
                           link.up = false;
                           filter.runs = false;
                           sleep_ms(100);
                           link.up = true;
                         }),
              "finished");
    EXPECT_EQ(targets_written().size(), 8192U) << ms;
    EXPECT_EQ(summary.ledger.in_doubt, 0U);
    EXPECT_EQ(events("does not run its reply filter"), 1U);
    EXPECT_EQ(events("the link of fake0 is down"), 1U);
  }
}

}  // namespace
}  // namespace echoscan::pipeline_filter_test
