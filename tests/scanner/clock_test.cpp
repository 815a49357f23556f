// Clocks that do not agree: one that is any number of seconds off, and one that is set while frames
// are on their way.
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "scanner/process/kernel_clock.h"
#include "scanner/receive/source/arrival_clock.h"

namespace echoscan::clock_test {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kBootedNs = 5'000'000 * kMs;  // when a scan of a test begins

// Two clocks of which one is ahead; reading either takes some time, now and then a long time.
std::optional<std::int64_t> measured(std::int64_t offset_ns, std::mt19937_64& random) {
  std::uint64_t now = std::uint64_t{1} << 60;
  const auto pass = [&] { now += 50 + random() % 200 + (random() % 20 == 0 ? 5'000'000 : 0); };
  return measure_offset(
      [&] {
        pass();
        return now + static_cast<std::uint64_t>(offset_ns);
      },
      [&]() -> std::optional<std::uint64_t> {
        pass();
        return now;
      });
}

TEST(KernelClock, AnyOffsetIsMeasured) {
  std::mt19937_64 random(1);
  EXPECT_EQ(measured(0, random), 0);
  for (std::int64_t seconds = -100'000; seconds <= 100'000; seconds += 13)
    ASSERT_EQ(measured(seconds * kSecondNs, random), seconds * kSecondNs);
  for (int i = 0; i < 5'000; ++i) {
    const auto offset_ns =
        static_cast<std::int64_t>(random() % (200'000ULL * kSecondNs)) - 100'000 * kSecondNs;
    ASSERT_NEAR(static_cast<double>(measured(offset_ns, random).value() - offset_ns), 0, 1000);
  }
}

TEST(KernelClock, AClockThatCannotBeReadHasNoOffset) {
  EXPECT_FALSE(measure_offset([] { return std::uint64_t{1}; },
                              [] { return std::optional<std::uint64_t>(); }));
}

// A host whose CLOCK_REALTIME is set now and then, and an AF_PACKET ring that is polled at any
// time. `tell` gets each frame's time, and what was made of its stamp.
struct Ring {
  struct Step {
    std::uint64_t at_ns;
    std::int64_t by_ns;
  };
  std::vector<Step> steps;

  [[nodiscard]] std::int64_t offset_ns(std::uint64_t at_ns) const {
    std::int64_t offset = 1'700'000'000 * kSecondNs;
    for (const Step& step : steps)
      if (step.at_ns <= at_ns) offset += step.by_ns;
    return offset;
  }

  template <typename Tell>
  void run(std::uint64_t until_ns, std::uint64_t frame_every_ns, std::mt19937_64& random,
           std::uint64_t away_max_ns, const Tell& tell) {
    ArrivalClock clock;
    std::uint64_t frame_ns = kBootedNs;
    for (std::uint64_t now = kBootedNs; now < kBootedNs + until_ns;
         now += 1 + random() % away_max_ns) {
      clock.look(now, offset_ns(now) + static_cast<std::int64_t>(random() % 2000));
      // Half of the time the last 8 ms are still in the kernel's hand.
      const std::uint64_t ready_ns = random() % 2 == 0 ? now : now - 8 * kMs;
      for (; frame_ns <= ready_ns; frame_ns += 1 + random() % frame_every_ns)
        tell(frame_ns, clock.when(static_cast<std::int64_t>(frame_ns) + offset_ns(frame_ns)), now);
      clock.note_empty();
    }
  }
};

TEST(ArrivalClock, WithoutAStepEachFrameHasItsTime) {
  std::mt19937_64 random(2);
  Ring ring;
  ring.run(10 * kSecondNs, 3 * kMs, random, 20 * kMs,
           [](std::uint64_t frame_ns, std::optional<std::uint64_t> told, std::uint64_t) {
             ASSERT_TRUE(told);
             ASSERT_NEAR(static_cast<double>(*told), static_cast<double>(frame_ns), 2000);
           });
}

// Steps of a fifth of a millisecond to 30 years, either way, at any moment: no time is wrong, and
// those that are missing are few, from polls around the step. A step of less than the time between
// two polls leaves the frames between them without a time.
TEST(ArrivalClock, AStepNeverGivesAWrongTime) {
  std::mt19937_64 random(3);
  for (std::int64_t by_ns = 200'000; by_ns < 30LL * 365 * 86'400 * kSecondNs; by_ns = by_ns * 5 / 3)
    for (const std::int64_t sign : {1, -1})
      for (int round = 0; round < 8; ++round) {
        Ring ring;
        ring.steps = {{kBootedNs + 400 * kMs + random() % (100 * kMs), sign * by_ns}};
        std::uint64_t missing = 0;
        ring.run(kSecondNs, kMs, random, 20 * kMs,
                 [&](std::uint64_t frame_ns, std::optional<std::uint64_t> told, std::uint64_t) {
                   if (!told) {
                     ++missing;
                     ASSERT_NEAR(static_cast<double>(frame_ns),
                                 static_cast<double>(ring.steps[0].at_ns), 100 * kMs);
                     return;
                   }
                   ASSERT_NEAR(static_cast<double>(*told), static_cast<double>(frame_ns), 3000)
                       << "a step of " << sign * by_ns;
                 });
        EXPECT_LE(missing, 200U);
        if (by_ns > 100 * static_cast<std::int64_t>(kMs)) {
          EXPECT_EQ(missing, 0U) << "a step of " << sign * by_ns;
        }
      }
}

// Several, while the receiver was away for up to 2 s: no time is wrong. Two steps between two polls
// that take each other back are none.
TEST(ArrivalClock, ManyStepsNeverGiveAWrongTime) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 300; ++round) {
    Ring ring;
    for (std::uint64_t at_ns = kBootedNs + kSecondNs; at_ns < kBootedNs + 9'000 * kMs;
         at_ns += 2'500 * kMs + random() % kSecondNs)
      ring.steps.push_back(
          {at_ns, static_cast<std::int64_t>(random() % 20 * kSecondNs / 3) - 3 * kSecondNs});
    ring.run(10 * kSecondNs, 5 * kMs, random, round % 3 == 0 ? 2'000 * kMs : 30 * kMs,
             [&](std::uint64_t frame_ns, std::optional<std::uint64_t> told, std::uint64_t) {
               if (told) {
                 ASSERT_NEAR(static_cast<double>(*told), static_cast<double>(frame_ns), 3000);
               }
             });
  }
}

}  // namespace
}  // namespace echoscan::clock_test
