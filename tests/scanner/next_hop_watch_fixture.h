// The watch on gateways on simulated time: machines that say that they are a gateway, the kernel's
// table, and a control that looks every 10 ms.
//
// A machine answers a millisecond after a question, from and until a moment. Rejected: real sockets
// in namespaces, which tests/end_to_end/scan_failover_test.sh has, and which try one moment a run.
#pragma once

#include "scanner/pipeline/next_hop_watch.h"

#include <deque>
#include <map>

#include "tests/scanner/moments.h"

namespace echoscan {

inline constexpr std::uint64_t kReachBackNs = 70 * kMs;
inline constexpr MacAddress kOld{{2, 0, 0, 0, 0, 1}};
inline constexpr MacAddress kNew{{2, 0, 0, 0, 0, 2}};

// A machine that is on the link for some time, and says that it is the gateway.
struct Machine {
  MacAddress mac;
  std::uint64_t from_ns = 0;
  std::uint64_t until_ns = kNever;
  std::uint64_t delay_ns = kMs;
};

class FakeLan : public GatewayProbe {
 public:
  explicit FakeLan(std::vector<std::vector<Machine>> by_gateway)
      : machines_(std::move(by_gateway)) {
    for (std::size_t i = 0; i < machines_.size(); ++i)
      gateways_.push_back(
          {"e0", 1, {}, Ipv4{0xc0000202 + static_cast<std::uint32_t>(i)}, kOld, {}, true, false});
  }

  [[nodiscard]] const std::vector<Gateway>& gateways() const override { return gateways_; }
  void add(const Gateway& gateway) override {
    gateways_.push_back(gateway);
    machines_.push_back({{gateway.mac}});
  }
  void ask(std::size_t gateway, const std::optional<MacAddress>& to) override {
    ++questions;
    if (!to) ++broadcasts;
    for (const Machine& machine : machines_[gateway])
      if (now_ns >= machine.from_ns && now_ns < machine.until_ns && (!to || *to == machine.mac))
        answers_.emplace(now_ns + machine.delay_ns, Claim{gateway, machine.mac});
  }
  void have_kernel_ask(std::size_t) override { ++questions_of_kernel; }
  bool kernel_sends_to(std::size_t, const MacAddress& mac) override {
    return mac == (now_ns < kernel_follows_ns ? kOld : kNew);
  }
  void leave_to_the_kernel(std::uint64_t follows_ns) {
    for (Gateway& gateway : gateways_) gateway.is_of_kernel = true;
    kernel_follows_ns = follows_ns;
  }
  std::optional<Claim> next_claim() override {
    if (answers_.empty() || answers_.begin()->first > now_ns) return std::nullopt;
    const Claim claim = answers_.begin()->second;
    answers_.erase(answers_.begin());
    return claim;
  }
  void announce(std::size_t gateway, const MacAddress& mac) {
    answers_.emplace(now_ns, Claim{gateway, mac, false});
  }

  std::uint64_t now_ns = kStartNs;
  unsigned questions = 0;
  unsigned broadcasts = 0;
  unsigned questions_of_kernel = 0;
  std::uint64_t kernel_follows_ns = kNever;

 private:
  std::vector<std::vector<Machine>> machines_;
  std::vector<Gateway> gateways_;
  std::multimap<std::uint64_t, Claim> answers_;
};

struct Case {
  NextHops next_hops{};
  FakeLan* lan;
  std::uint64_t look_ns = 10 * kMs;
  SendingPhase phase = SendingPhase::sending;
  bool replies = false;  // to all that left up to 300 ms ago
  std::uint64_t proved_ns = 0;
  ScanState state{};
  EventLog events{};
  NextHopWatch watch;

  explicit Case(std::vector<std::vector<Machine>> machines, bool has_other_ways = false)
      : next_hops(hops(std::move(machines), has_other_ways)),
        lan(static_cast<FakeLan*>(next_hops.probe.get())),
        watch(next_hops, 5, state, events,
              {[this] { return replies ? lan->now_ns - 300 * kMs : proved_ns; },
               [] { return kReachBackNs; }}) {}

  static NextHops hops(std::vector<std::vector<Machine>> machines, bool has_other_ways) {
    NextHops hops;
    hops.probe = std::make_unique<FakeLan>(std::move(machines));
    hops.table->set(0, kOld);
    hops.has_other_ways = has_other_ways;
    return hops;
  }
  // Looks until then, since the start.
  void run(std::uint64_t until_ns) {
    for (; lan->now_ns < kStartNs + until_ns; lan->now_ns += look_ns)
      watch.look(lan->now_ns, phase);
  }
  // As WayWatch has it, with the new map in between.
  void follow(const WayChange& change) {
    watch.prepare(change);
    watch.follow(change);
  }
  [[nodiscard]] std::uint64_t since_start() const { return lan->now_ns - kStartNs; }
  [[nodiscard]] bool goes_to(const MacAddress& mac, std::size_t number = 0) const {
    NextHopTable other({}, {});
    other.set(number, mac);
    return next_hops.table->frame_head(number) == other.frame_head(number);
  }
};

}  // namespace echoscan
