// The watch on an interface's settings, on simulated time: each change is said once, and soon.
#include "scanner/pipeline/settings_watch.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/scanner/fakes.h"
#include "tests/scanner/moments.h"

namespace echoscan::settings_watch_test {
namespace {

struct Case {
  void run(std::uint64_t length_ns) {
    for (const std::uint64_t end_ns = now_ns + length_ns; now_ns < end_ns; now_ns += 10 * kMs)
      watch.look(now_ns);
  }
  [[nodiscard]] std::string last() const {
    const auto& all = events.events();
    return all.empty() ? "" : all.back().what + ": " + all.back().consequence;
  }

  FakeLink link{};
  EventLog events{};
  SettingsWatch watch{link, events};
  std::uint64_t now_ns = 5'000 * kMs;
};

TEST(SettingsWatch, SaysEachChange) {
  Case one;
  one.link.set = {1500, 4};
  one.run(1000 * kMs);
  EXPECT_EQ(one.events.events().size(), 0U);
  one.link.set = {600, 4};
  one.run(300 * kMs);
  EXPECT_EQ(one.last(),
            "the MTU of fake0 has become 600, it was 1500: longer packets are refused from now on");
  one.link.set = {9000, 4};
  one.run(300 * kMs);
  EXPECT_EQ(one.last(), "the MTU of fake0 has become 9000, it was 600: sending goes on");
  one.link.set = {9000, 1};
  one.run(300 * kMs);
  EXPECT_EQ(one.last(),
            "fake0 has 1 transmit queue now, it had 4: sending goes on by those that are left");
  one.link.set = {9000, 2};
  one.run(300 * kMs);
  EXPECT_EQ(one.last(), "fake0 has 2 transmit queues now, it had 1: sending goes on");
  EXPECT_EQ(one.events.events().size(), 4U);
}

TEST(SettingsWatch, SaysNothingOfWhatIsNotKnown) {
  Case one;
  one.run(500 * kMs);
  one.link.set = {1500, 0};
  one.run(500 * kMs);
  one.link.set = {1500, 2};
  one.run(500 * kMs);
  one.link.set.reset();
  one.run(500 * kMs);
  one.link.set = {1500, 2};
  one.run(500 * kMs);
  EXPECT_EQ(one.events.events().size(), 0U) << one.last();
}

// At whatever moment: within a second, and as often as the value was another one when looked at.
TEST(SettingsWatch, NoticesItWithinASecond) {
  std::mt19937_64 random(7);
  Case one;
  one.link.set = {1500, 1};
  one.run(1000 * kMs);
  for (int change = 1; change <= 100; ++change) {
    one.run(random() % 1000 * kMs + 300 * kMs);
    one.link.set->mtu += random() % 2 == 0 ? -1 : 1;
    const std::uint64_t changed_ns = one.now_ns;
    one.run(1000 * kMs);
    ASSERT_EQ(one.events.events().size(), static_cast<std::size_t>(change));
    EXPECT_LE(one.events.events().back().at_ns - changed_ns, 1000 * kMs);
  }
}

}  // namespace
}  // namespace echoscan::settings_watch_test
