// Losses and how many would answer, from histories: small cases by hand, random ones against an
// account by target, and a thousand simulated scans against what they were made of.
#include "output/summary/pass_estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

namespace echoscan::pass_estimate_test {
namespace {

TEST(PassEstimate, SmallOnesByHand) {
  // 2 answered the first pass alone, 3 the second alone, 10 both.
  const std::vector<std::uint64_t> histories = {85, 2, 3, 10};
  const std::vector<PassAnswers> passes = answers_by_pass(histories);
  ASSERT_EQ(passes.size(), 2U);
  EXPECT_EQ(passes[0].answered, 12U);
  EXPECT_EQ(passes[0].only_then, 2U);
  EXPECT_DOUBLE_EQ(passes[0].loss.value(), 3.0 / 13);
  EXPECT_EQ(passes[1].answered, 13U);
  EXPECT_EQ(passes[1].only_then, 3U);
  EXPECT_DOUBLE_EQ(passes[1].loss.value(), 2.0 / 12);
  const AnsweringEstimate estimate = estimate_answering(histories);
  EXPECT_DOUBLE_EQ(estimate.targets, 13.0 * 14 / 11 - 1);
  EXPECT_DOUBLE_EQ(estimate.standard_error, std::sqrt(13.0 * 14 * 2 * 3 / (11.0 * 11 * 12)));
  EXPECT_FALSE(estimate.chao_targets);
  EXPECT_DOUBLE_EQ(chao(100, 20, 10, 3), 100 + 2.0 / 3 * 400 / 20);
  EXPECT_DOUBLE_EQ(chao(100, 5, 0, 4), 100 + 0.75 * 20 / 2);
}

TEST(PassEstimate, NobodyAnswersOrNothingIsLost) {
  const std::vector<std::uint64_t> nobody = {100, 0, 0, 0};
  EXPECT_EQ(estimate_answering(nobody).targets, 0);
  EXPECT_EQ(estimate_answering(nobody).standard_error, 0);
  EXPECT_FALSE(answers_by_pass(nobody)[0].loss);
  const std::vector<std::uint64_t> everybody = {0, 0, 0, 0, 0, 0, 0, 1000};
  EXPECT_EQ(estimate_answering(everybody).targets, 1000);
  EXPECT_EQ(estimate_answering(everybody).chao_targets.value(), 1000);
  EXPECT_EQ(answers_by_pass(everybody)[2].loss.value(), 0);
}

// Target by target, whatever the histories.
TEST(PassEstimate, AgreesWithAnAccountByTarget) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    const unsigned passes = 2 + static_cast<unsigned>(random() % 7);
    std::vector<std::uint64_t> histories(std::size_t{1} << passes);
    std::vector<std::uint64_t> targets(random() % 500);
    for (std::uint64_t& history : targets) ++histories[history = random() % histories.size()];
    const std::vector<PassAnswers> found = answers_by_pass(histories);
    ASSERT_EQ(found.size(), passes);
    for (unsigned pass = 0; pass < passes; ++pass) {
      std::uint64_t answered = 0;
      std::uint64_t alone = 0;
      std::uint64_t others = 0;
      std::uint64_t missed = 0;
      for (const std::uint64_t history : targets) {
        const bool has = (history >> pass & 1) != 0;
        const bool has_other = (history & ~(std::uint64_t{1} << pass)) != 0;
        answered += has ? 1 : 0;
        alone += has && !has_other ? 1 : 0;
        others += has_other ? 1 : 0;
        missed += has_other && !has ? 1 : 0;
      }
      ASSERT_EQ(found[pass].answered, answered);
      ASSERT_EQ(found[pass].only_then, alone);
      ASSERT_EQ(found[pass].loss.has_value(), others > 0);
      if (others > 0) {
        ASSERT_DOUBLE_EQ(*found[pass].loss, double(missed) / double(others));
      }
    }
  }
}

std::vector<std::uint64_t> simulated_scan(std::mt19937_64& random, std::uint64_t alive,
                                          unsigned passes, double loss, double burst) {
  std::bernoulli_distribution is_lost(loss);
  std::bernoulli_distribution is_in_burst(burst);
  std::vector<std::uint64_t> histories(std::size_t{1} << passes);
  bool hits_all = false;
  for (std::uint64_t i = 0; i < alive; ++i) {
    if (i % 32 == 0) hits_all = is_in_burst(random);  // those of one /24
    std::size_t history = 0;
    for (unsigned pass = 0; pass < passes; ++pass)
      if (!is_lost(random) && !hits_all) history |= std::size_t{1} << pass;
    ++histories[history];
  }
  return histories;
}

// The same without bursts, drawn history by history and not host by host.
std::vector<std::uint64_t> simulated_counts(std::mt19937_64& random, std::uint64_t alive,
                                            unsigned passes, double loss) {
  std::vector<std::uint64_t> histories(std::size_t{1} << passes);
  double left = 1;
  for (std::size_t history = 0; history < histories.size(); ++history) {
    const auto answered = static_cast<unsigned>(std::popcount(history));
    const double share = std::pow(1 - loss, answered) * std::pow(loss, passes - answered);
    histories[history] =
        history + 1 == histories.size()
            ? alive
            : std::binomial_distribution<std::uint64_t>(alive, std::min(1.0, share / left))(random);
    alive -= histories[history];
    left -= share;
  }
  return histories;
}

// As many hosts as the lab has in 2^20 targets. Where less than a handful are lost in all passes
// the error is no chance's any more: with three passes that is below 5 % of loss.
TEST(PassEstimate, IsWithinThreeStandardErrorsOfTheTruth) {
  std::mt19937_64 random(2);
  for (const unsigned passes : {2U, 3U}) {
    int within = 0;
    double sum = 0;
    double sum_of_squares = 0;
    constexpr int kScans = 1000;
    for (int i = 0; i < kScans; ++i) {
      constexpr std::uint64_t kAlive = 130'978;
      const double least = passes == 2 ? 0.01 : 0.05;
      const double loss = least + (0.32 - least) * (i % 10) / 9;
      const AnsweringEstimate estimate =
          estimate_answering(simulated_counts(random, kAlive, passes, loss));
      const double error = (estimate.targets - kAlive) / estimate.standard_error;
      within += std::abs(error) <= 3 ? 1 : 0;
      sum += error;
      sum_of_squares += error * error;
    }
    EXPECT_GE(within, kScans * 99 / 100);
    // Neither always low nor always high, and a standard error neither too large nor too small.
    EXPECT_NEAR(sum / kScans, 0, 0.15);
    EXPECT_NEAR(sum_of_squares / kScans, 1, 0.2);
    std::printf("%u passes: %d of %d within 3 standard errors, %.3f mean, %.3f variance\n", passes,
                within, kScans, sum / kScans, sum_of_squares / kScans);
  }
}

TEST(PassEstimate, IsLowWhereLossesHitAllPasses) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200; ++i) {
    const std::vector<std::uint64_t> histories = simulated_scan(random, 4000, 3, 0.05, 0.2);
    const AnsweringEstimate estimate = estimate_answering(histories);
    EXPECT_LT(estimate.targets + 3 * estimate.standard_error, 4000);
    EXPECT_LT(estimate.chao_targets.value(), 4000);
  }
}

}  // namespace
}  // namespace echoscan::pass_estimate_test
