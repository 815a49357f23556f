// The warning of a cooldown that was too short, against replies that become fewer as the test says.
#include "scanner/pipeline/cooldown_watch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace echoscan::cooldown_watch_test {
namespace {

constexpr std::uint64_t kTickNs = 10'000'000;
constexpr std::uint64_t kStartNs = 7'000'000'000;
constexpr double kSecondNs = 1e9;

// A cooldown in which `count(seconds)` targets have replied by then. Returns its warning.
template <typename Count>
std::string warning_of(double seconds, double mean_per_s, const Count& count) {
  EventLog events;
  CooldownWatch cooldown(static_cast<std::uint64_t>(seconds * kSecondNs), events);
  cooldown.begin(kStartNs);
  std::uint64_t now_ns = kStartNs;
  const auto replied = [&] {
    return static_cast<std::uint64_t>(count(static_cast<double>(now_ns - kStartNs) / kSecondNs));
  };
  for (; !cooldown.is_over(now_ns); now_ns += kTickNs)
    if (cooldown.is_due(now_ns)) cooldown.look(now_ns, replied());
  cooldown.close(now_ns, replied(), mean_per_s);
  if (events.events().empty()) return "";
  return events.events()[0].what + ": " + events.events()[0].consequence;
}

std::uint64_t number_behind(const std::string& text, const std::string& words) {
  const std::size_t at = text.find(words);
  if (at == std::string::npos) return ~std::uint64_t{0};
  std::string digits;
  for (std::size_t i = at + words.size(); i < text.size() && text[i] != ' ' && text[i] != '.'; ++i)
    if (text[i] != ',') digits += text[i];
  return std::stoull(digits);
}

// Replies that become fewer by the same share each second: as many as it says are still to come.
TEST(CooldownWatch, SaysHowManyALongerOneKeeps) {
  for (const double seconds : {0.4, 1.0, 4.0, 8.0, 30.0})
    for (double fall = 0.05; fall < 3; fall *= 1.3) {
      // In units of a tenth of the cooldown, or of a second where that is less.
      const double unit_s = std::min(1.0, seconds / 4);
      const auto count = [&](double at_s) { return 1e6 * (1 - std::exp(-fall * at_s / unit_s)); };
      const double last = count(seconds) - count(seconds - unit_s);
      const std::string warning = warning_of(seconds, 1, count);
      if (last / unit_s < 10) continue;
      ASSERT_NE(warning, "") << seconds << " s, " << fall;
      const double kept = count(2 * seconds) - count(seconds);
      const double said = static_cast<double>(number_behind(warning, "would have kept about "));
      EXPECT_NEAR(said, kept, 2 + 0.15 * kept) << seconds << " s, " << fall << ": " << warning;
      const double rate = static_cast<double>(number_behind(warning, "cooldown ended: "));
      EXPECT_NEAR(rate, last / unit_s, 2 + 0.1 * last / unit_s) << warning;
    }
}

TEST(CooldownWatch, IsSilentWhereRepliesHaveCeased) {
  for (const double seconds : {0.0, 0.02, 0.05, 0.4, 1.0, 8.0}) {
    EXPECT_EQ(warning_of(seconds, 100, [](double) { return 1000; }), "") << seconds;
    // All within the first quarter.
    EXPECT_EQ(warning_of(seconds, 100,
                         [&](double at_s) { return 1000 * std::min(1.0, 4 * at_s / seconds); }),
              "")
        << seconds;
    // Fewer than a thousandth of the mean.
    EXPECT_EQ(warning_of(seconds, 1e6, [](double at_s) { return 900 * at_s; }), "") << seconds;
  }
}

// One that begins anew counts anew.
TEST(CooldownWatch, BeginsAnew) {
  EventLog events;
  CooldownWatch cooldown(1'000'000'000, events);
  cooldown.begin(kStartNs);
  for (std::uint64_t ms = 0; ms < 2000; ms += 10) {
    const std::uint64_t now_ns = kStartNs + ms * 1'000'000;
    EXPECT_EQ(cooldown.is_over(now_ns), ms >= 1900) << ms;
    if (ms == 900) cooldown.begin(now_ns);
    if (cooldown.is_due(now_ns)) cooldown.look(now_ns, ms < 900 ? ms : 900);
    if (ms == 1900) cooldown.close(now_ns, 900, 1);
  }
  EXPECT_TRUE(events.events().empty());
}

}  // namespace
}  // namespace echoscan::cooldown_watch_test
