// Whole pings on a network of the test's own: each line is compared with what its hosts did.
#include "scanner/ping/ping_run.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "scanner/process/user_error.h"
#include "tests/scanner/fakes.h"
#include "tests/scanner/moments.h"

namespace echoscan::ping_run_test {
namespace {

const std::vector<AddressRange> kNothingExcluded;

// A network and its clock: what comes back is due at a moment, and time passes in receive().
class FakePort : public EchoPort {
 public:
  explicit FakePort(FakeClock& clock) : clock_(&clock) {}

  // Called for each request: answers by answer() and complain(), or returns an errno.
  std::function<int(Ipv4 target, std::uint8_t number, std::uint64_t sent_ns)> on_request;
  std::function<std::uint64_t()> lateness_ns;
  std::size_t requests = 0;

  void answer(std::uint64_t after_ns, Ipv4 source, std::optional<EchoProof> proof) {
    due_.emplace(clock_->now + after_ns, EchoReply{source, clock_->now + after_ns, 57, proof});
  }
  void complain(std::uint64_t after_ns, const EchoError& error) {
    due_.emplace(clock_->now + after_ns, error);
  }

  int send(Ipv4 target, std::uint8_t number, std::uint64_t sent_ns) override {
    EXPECT_EQ(sent_ns, clock_->now);
    ++requests;
    looks_ = 0;
    const int error = on_request(target, number, sent_ns);
    // The CPU may be taken away at any moment.
    if (lateness_ns) clock_->now += lateness_ns();
    return error;
  }
  void receive(std::uint64_t until_ns, std::vector<EchoNews>& news) override {
    const std::uint64_t next_ns = due_.empty() ? PingSchedule::kNever : due_.begin()->first;
    ASSERT_NE(std::min(until_ns, next_ns), PingSchedule::kNever) << "a wait for nothing";
    // One look at what has come, then a wait, and time goes on: else it spins.
    looks_ = std::min(until_ns, next_ns) > clock_->now ? 0 : looks_ + 1;
    ASSERT_LT(looks_, 10U) << "a wait that lies in the past";
    clock_->now = std::max(clock_->now, std::min(until_ns, next_ns));
    for (; !due_.empty() && due_.begin()->first <= clock_->now; due_.erase(due_.begin()))
      news.push_back(due_.begin()->second);
  }

 private:
  FakeClock* clock_;
  std::multimap<std::uint64_t, EchoNews> due_;
  unsigned looks_ = 0;  // since time went on by waiting, or a request left
};

struct PingRunTest : testing::Test {
  FakeClock clock;
  FakePort port{clock};
  PingTargets targets{[](const std::vector<std::string>& names) -> std::vector<HostAddresses> {
    if (names == std::vector<std::string>{"two.example.net"})
      return {std::vector{Ipv4{0xc0000201}, Ipv4{0xc6336401}}};
    return {tl::make_unexpected(std::string("unknown"))};
  }};
  PingConfig config;
  std::string printed;
  bool have_all_answered = false;

  std::optional<int> ping(const PingRun::StopSignal& stop = [] { return std::nullopt; }) {
    PingRun run(config, targets, port, clock, [this](std::string_view text) {
      printed += text;
      // A reader that is slow.
      if (port.lateness_ns) clock.now += port.lateness_ns();
    });
    const std::optional<int> signal = run.run(stop);
    run.print_end();
    have_all_answered = run.have_all_answered();
    return signal;
  }
  void add(const std::string& text) { targets.add(text, kNothingExcluded); }
  // Everybody answers after `rtt_ns`.
  void all_answer(std::uint64_t rtt_ns) {
    port.on_request = [this, rtt_ns](Ipv4 target, std::uint8_t, std::uint64_t sent_ns) {
      port.answer(rtt_ns, target, EchoProof{target, sent_ns});
      return 0;
    };
  }
};

TEST_F(PingRunTest, FiveThatAnswerAreOverWithTheLastAnswer) {
  for (const char* target : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "198.51.100.10"})
    add(target);
  all_answer(12'345'678);
  const std::uint64_t began_ns = clock.now;
  EXPECT_EQ(ping(), std::nullopt);
  EXPECT_TRUE(have_all_answered);
  EXPECT_EQ(port.requests, 5U);
  EXPECT_EQ(clock.now - began_ns, 40 * kMs + 12'345'678);
  EXPECT_EQ(printed,
            "192.0.2.1       12.3 ms  ttl 57\n"
            "192.0.2.2       12.3 ms  ttl 57\n"
            "192.0.2.3       12.3 ms  ttl 57\n"
            "192.0.2.4       12.3 ms  ttl 57\n"
            "198.51.100.10   12.3 ms  ttl 57\n"
            "5 of 5 answered in 0.05 s, 5 requests; 12.3 ms / 12.3 ms / 12.3 ms (min / median / "
            "max)\n");
}

TEST_F(PingRunTest, WhoIsSilentStandsAtTheEndWithTheReason) {
  for (const char* target : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.255"})
    add(target);
  port.on_request = [this](Ipv4 target, std::uint8_t, std::uint64_t sent_ns) {
    if (target.value == 0xc00002ff) return EACCES;
    if (target.value == 0xc0000204) return ENETUNREACH;
    if (target.value == 0xc0000203)
      port.complain(5 * kMs, {target, Ipv4{0xc00002fe}, 3, 1, EHOSTUNREACH});
    if (target.value == 0xc0000202) port.answer(kMs, target, EchoProof{target, sent_ns});
    return 0;
  };
  ping();
  EXPECT_FALSE(have_all_answered);
  EXPECT_EQ(printed,
            "192.0.2.2      1.0 ms  ttl 57\n"
            "192.0.2.1    no answer\n"
            "192.0.2.3    no answer: host unreachable, says 192.0.2.254\n"
            "192.0.2.4    not asked: Network is unreachable\n"
            "192.0.2.255  not asked: a broadcast address\n"
            "1 of 5 answered in 4.08 s, 9 requests; 1.0 ms / 1.0 ms / 1.0 ms (min / median / "
            "max)\n");
}

TEST_F(PingRunTest, ANameStandsBesideEachOfItsAddresses) {
  add("two.example.net");
  add("192.0.2.1");  // again: asked once
  all_answer(kMs);
  ping();
  EXPECT_EQ(port.requests, 2U);
  EXPECT_EQ(printed.substr(0, printed.find("2 of 2")),
            "192.0.2.1       1.0 ms  ttl 57  two.example.net\n"
            "198.51.100.1    1.0 ms  ttl 57  two.example.net\n");
  add("nobody.example.net");
  ASSERT_EQ(targets.unresolved().size(), 1U);
  EXPECT_EQ(targets.unresolved().front(), "cannot resolve 'nobody.example.net': unknown");
}

TEST_F(PingRunTest, AliveAndUnreachablePrintAddressesAlone) {
  add("192.0.2.0/29");
  port.on_request = [this](Ipv4 target, std::uint8_t, std::uint64_t sent_ns) {
    if (target.value % 2 == 0) port.answer(kMs, target, EchoProof{target, sent_ns});
    return 0;
  };
  config.output = PingConfig::Output::alive;
  ping();
  EXPECT_EQ(printed, "192.0.2.0\n192.0.2.2\n192.0.2.4\n192.0.2.6\n");
  printed.clear();
  config.output = PingConfig::Output::unreachable;
  ping();
  EXPECT_EQ(printed, "192.0.2.1\n192.0.2.3\n192.0.2.5\n192.0.2.7\n");
}

TEST_F(PingRunTest, ALateAnswerIsThatOfItsRequest) {
  add("192.0.2.1");
  port.on_request = [this](Ipv4 target, std::uint8_t number, std::uint64_t sent_ns) {
    if (number == 0) port.answer(900 * kMs, target, EchoProof{target, sent_ns});
    return 0;
  };
  ping();
  EXPECT_EQ(port.requests, 2U);
  EXPECT_EQ(printed.substr(0, printed.find('\n')), "192.0.2.1  900.0 ms  ttl 57");
}

TEST_F(PingRunTest, ARepeatAndAStrangerAreNoAnswers) {
  add("192.0.2.1");
  add("192.0.2.2");
  port.on_request = [this](Ipv4 target, std::uint8_t, std::uint64_t sent_ns) {
    if (target.value == 0xc0000202) return 0;
    for (int i = 0; i < 3; ++i)
      port.answer(kMs + static_cast<std::uint64_t>(i), target, EchoProof{target, sent_ns});
    port.answer(2 * kMs, Ipv4{0xcb007105}, std::nullopt);
    return 0;
  };
  ping();
  EXPECT_NE(printed.find("1 of 2 answered"), std::string::npos) << printed;
  EXPECT_NE(printed.find("2 answers came more than once"), std::string::npos) << printed;
}

TEST_F(PingRunTest, WhatIsOddAboutAnAnswerStandsInItsLine) {
  add("192.0.2.1");
  add("192.0.2.2");
  port.on_request = [this](Ipv4 target, std::uint8_t, std::uint64_t sent_ns) {
    if (target.value == 0xc0000201) port.answer(kMs, Ipv4{0xc00002fe}, EchoProof{target, sent_ns});
    if (target.value == 0xc0000202) port.answer(kMs, target, std::nullopt);
    return 0;
  };
  ping();
  EXPECT_EQ(printed.substr(0, printed.find("2 of 2")),
            "192.0.2.1    1.0 ms  ttl 57  from 192.0.2.254\n"
            "192.0.2.2            ttl 57  payload changed\n");
}

TEST_F(PingRunTest, WithACountEachTargetHasItsFigures) {
  add("192.0.2.1");
  add("192.0.2.2");
  config.count = 3;
  port.on_request = [this](Ipv4 target, std::uint8_t number, std::uint64_t sent_ns) {
    if (target.value == 0xc0000201 || number == 1)
      port.answer((number + 1U) * kMs, target, EchoProof{target, sent_ns});
    return 0;
  };
  ping();
  EXPECT_EQ(port.requests, 6U);
  EXPECT_EQ(printed,
            "192.0.2.1    1.0 ms  ttl 57  1 of 3\n"
            "192.0.2.1    2.0 ms  ttl 57  2 of 3\n"
            "192.0.2.2    2.0 ms  ttl 57  1 of 3\n"
            "192.0.2.1    3.0 ms  ttl 57  3 of 3\n"
            "192.0.2.1  3 of 3 answered, 1.0 ms / 2.0 ms / 3.0 ms (min / mean / max)\n"
            "192.0.2.2  1 of 3 answered, 2.0 ms / 2.0 ms / 2.0 ms (min / mean / max)\n"
            "2 of 2 answered in 4.01 s, 6 requests; 1.0 ms / 2.0 ms / 2.0 ms (min / median / "
            "max)\n");
}

// However late the process gets its CPU back: an answer that has come in time is one.
TEST_F(PingRunTest, NobodyIsSilentWhoseAnswerWaitsToBeRead) {
  std::mt19937_64 random(6);
  for (int round = 0; round < 300; ++round) {
    targets = PingTargets();
    targets.add("10.0.0.0/27", kNothingExcluded);
    config = {};
    config.retries = static_cast<std::uint32_t>(random() % 2);
    config.interval_s = static_cast<double>(random() % 20) / 1000;
    if (round % 3 == 0) config.count = 1 + static_cast<std::uint32_t>(random() % 3);
    config.timeout_s = 0.5;
    port = FakePort(clock);
    port.lateness_ns = [&random] { return random() % 2 == 0 ? 0 : random() % (3000 * kMs); };
    all_answer(1 + random() % (499 * kMs));
    printed.clear();
    ping();
    ASSERT_TRUE(have_all_answered) << "round " << round << "\n" << printed;
  }
}

// What has not had its time yet is not called silent.
TEST_F(PingRunTest, ASignalEndsItWithWhatIsKnown) {
  add("192.0.2.1");
  add("192.0.2.2");
  config.interval_s = 0.2;
  config.output = PingConfig::Output::json;
  port.on_request = [](Ipv4, std::uint8_t, std::uint64_t) { return 0; };
  const std::uint64_t began_ns = clock.now;
  const auto stop = [&]() -> std::optional<int> {
    if (clock.now < began_ns + 150 * kMs) return std::nullopt;
    return SIGINT;
  };
  EXPECT_EQ(ping(stop), SIGINT);
  EXPECT_EQ(printed,
            "{\"type\":\"unfinished\",\"target\":\"192.0.2.1\",\"sent\":1}\n"
            "{\"type\":\"unfinished\",\"target\":\"192.0.2.2\",\"sent\":0}\n");
}

// Random networks: hosts that answer, lose requests, answer late or never. Each JSON line is true,
// and each host has exactly one.
TEST_F(PingRunTest, RandomNetworksAreToldAsTheyAre) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    targets = PingTargets();
    targets.add("10.0.0.0/26", kNothingExcluded);
    config = {};
    config.output = PingConfig::Output::json;
    config.interval_s = static_cast<double>(random() % 20) / 1000;
    config.retries = static_cast<std::uint32_t>(random() % 4);
    std::map<std::string, std::uint64_t> rtts_ns;
    std::set<std::string> heard;
    port = FakePort(clock);
    port.on_request = [&](Ipv4 target, std::uint8_t, std::uint64_t sent_ns) {
      if (random() % 3 != 0) return 0;
      const std::uint64_t rtt_ns = 1 + random() % (400 * kMs);
      port.answer(rtt_ns, target, EchoProof{target, sent_ns});
      rtts_ns.try_emplace(to_string(target), rtt_ns);
      return 0;
    };
    printed.clear();
    ping();
    std::istringstream lines(printed);
    std::set<std::string> told;
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line);
      const std::string target = json.at("target");
      ASSERT_TRUE(told.insert(target).second) << line;
      if (!rtts_ns.contains(target)) {
        ASSERT_EQ(json.at("type"), "silent") << line;
        ASSERT_EQ(json.at("sent"), config.retries + 1) << line;
      } else {
        ASSERT_EQ(json.at("type"), "reply") << line;
        ASSERT_NEAR(json.at("rtt_us").get<double>(), static_cast<double>(rtts_ns.at(target)) / 1000,
                    0.001)
            << line;
      }
    }
    ASSERT_EQ(told.size(), 64U);
    ASSERT_EQ(have_all_answered, rtts_ns.size() == 64U);
  }
}

TEST(PingTargets, WhatIsNoTargetIsRefused) {
  bool was_looked_up = false;
  PingTargets targets([&](const std::vector<std::string>&) -> std::vector<HostAddresses> {
    was_looked_up = true;
    return {std::vector{Ipv4{10}}};
  });
  // What getaddrinfo(3) would take for another address than the one that was meant.
  for (const char* text : {"10", "10.1", "0x0a000001", "1.2.3.0x4", "010.0.0.1", "10.0.0.300",
                           "10.0.0.1/24", "10.0.0.0/33", "1.2.3.4.5", "::1", "2001:db8::/32"})
    EXPECT_THROW(targets.add(text, kNothingExcluded), UserError) << text;
  EXPECT_FALSE(was_looked_up);
  EXPECT_TRUE(targets.all().empty());
  targets.add("10.0.0.0/16", kNothingExcluded);
  EXPECT_THROW(targets.add("10.1.0.0", kNothingExcluded), UserError);
}

TEST(PingTargets, ExclusionsWinAndAreCounted) {
  PingTargets targets;
  const std::vector<AddressRange> excluded{{Ipv4{0x0a000002}, Ipv4{0x0a000003}},
                                           {Ipv4{0x0a000007}, Ipv4{0x0a0000ff}}};
  targets.add("10.0.0.0/29", excluded);
  std::string left;
  for (const PingTarget& target : targets.all()) left += to_string(target.address) + " ";
  EXPECT_EQ(left, "10.0.0.0 10.0.0.1 10.0.0.4 10.0.0.5 10.0.0.6 ");
  EXPECT_EQ(targets.excluded_count(), 3U);
}

}  // namespace
}  // namespace echoscan::ping_run_test
