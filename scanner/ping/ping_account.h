// What each target has said: answers, round-trip times, errors.
//
// A request waits under the time at which it was sent, which its answer proves: so a late answer is
// that of the request that it answers, and a second one to the same is a repeat. An answer whose
// payload came back changed counts for a target that is being waited for, without a time. One
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "scanner/ping/echo_port.h"
#include "scanner/ping/ping_targets.h"

namespace echoscan {

struct PingAnswer {
  std::size_t target = 0;        // its place in PingTargets::all()
  Ipv4 source;                   // who answered
  std::uint64_t arrived_ns = 0;  // CLOCK_MONOTONIC
  std::uint8_t ttl = 0;
  std::optional<std::uint64_t> rtt_ns;  // absent: nothing proves it
};

class PingAccount {
 public:
  struct Target {
    std::uint32_t sent = 0;
    std::uint32_t answered = 0;
    std::uint32_t timed = 0;  // of these, with a proved time; the next three are theirs
    std::uint64_t rtt_min_ns = 0;
    std::uint64_t rtt_max_ns = 0;
    std::uint64_t rtt_sum_ns = 0;
    std::optional<EchoError> error;      // the last one
    std::vector<std::uint64_t> waiting;  // when its unanswered requests were sent
  };

  explicit PingAccount(const PingTargets& targets)
      : names_(targets), targets_(targets.all().size()) {}

  void note_sent(std::size_t target, std::uint64_t sent_ns);
  // The answer, unless it is a repeat or nothing that was asked for; these are counted.
  std::optional<PingAnswer> note(const EchoReply& reply);
  // The target that the error is about, unless it was not asked.
  std::optional<std::size_t> note(const EchoError& error);
  // The kernel does not send to the target.
  void note_refused(std::size_t target, int error);

  [[nodiscard]] const Target& of(std::size_t target) const { return targets_[target]; }
  [[nodiscard]] std::size_t size() const { return targets_.size(); }
  [[nodiscard]] std::size_t alive_count() const;
  [[nodiscard]] std::uint64_t sent_count() const { return sent_count_; }
  [[nodiscard]] std::uint64_t repeat_count() const { return repeat_count_; }
  [[nodiscard]] std::uint64_t stray_count() const { return stray_count_; }
  // Each target's shortest time, in order; of those that have one.
  [[nodiscard]] std::vector<std::uint64_t> rtts_ns() const;

 private:
  const PingTargets& names_;
  std::vector<Target> targets_;
  std::uint64_t sent_count_ = 0;
  std::uint64_t repeat_count_ = 0;
  std::uint64_t stray_count_ = 0;
};

}  // namespace echoscan
