// Counters of the data plane: each written by one thread, read by any at any time.
//
// A relaxed load and store is one plain addition on x86 and no locked instruction. A reader sees a
// value that was true a moment ago, which is enough for a status line; the final sums are taken
// after the threads have been joined. Each thread's counters have cache lines of their own.
#pragma once

#include <atomic>
#include <cstdint>

namespace echoscan {

inline constexpr std::size_t kCacheLineBytes = 64;

class Counter {
 public:
  void add(std::uint64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

// One sender's counters. It hands each target that it drew from the order over once, unless no
// way leads to it or the scan is stopped before. Targets handed over again are counted apart:
// handed_over + retried + gone_back are all acceptances of its transmitter.
struct alignas(kCacheLineBytes) SenderCounters {
  Counter drawn;        // targets that came out of the order
  Counter handed_over;  // of those, accepted by the transmitter
  Counter first_pass;   // of those, in the first pass
  Counter passed_over;  // drawn, and not handed over: no way leads there
  Counter way_lost;     // the same: the gateway of their way has been given up
  Counter retried;      // accepted again after the transmitter had handed them back
  Counter gone_back;    // accepted again because something was lost behind them
  Counter refused;      // handed back by the transmitter, and never accepted again
  Counter lost_again;   // the same, but the probe had been sent before
  Counter in_doubt;     // sent just before something was lost, and never sent again
  // Of a resumed scan: drawn, and not handed over, since their answer is in the results already;
  // and drawn, though an earlier leg may have sent to them.
  Counter answered_earlier;
  Counter drawn_again;
  Counter replied_already;  // drawn for a further pass of --retry, and not handed over

  Counter paused_output_ns;    // time spent waiting for a slow reader of the results
  Counter paused_receiver_ns;  // time spent waiting for a receiver that cannot keep up
  Counter paused_link_ns;      // time spent waiting for what was lost to come back
  Counter paused_pass_ns;      // time spent waiting for the next pass to begin
};

// One transmitter's counters: each acceptance ends in one of the first six.
struct alignas(kCacheLineBytes) TransmitCounters {
  Counter sent;         // handed to the driver and not refused
  Counter taken_back;   // refused, and handed back to the sender
  Counter refused;      // refused until the end
  Counter unconfirmed;  // accepted by the kernel, and never completed
  Counter unroutable;   // the kernel sends nothing to that address: no route, broadcast, firewall
  Counter lost_again;   // any of those three, but the probe had been sent before

  Counter refusals;  // how often the kernel refused a frame, most of which left later
  Counter kicks;     // system calls

  // The sum of the first six.
  [[nodiscard]] std::uint64_t ended() const {
    return sent.get() + taken_back.get() + refused.get() + unconfirmed.get() + unroutable.get() +
           lost_again.get();
  }
};

// The receiver's counters: every record that it took from a ring ends in one of the five that
// follow `records`.
struct alignas(kCacheLineBytes) ReceiverCounters {
  Counter records;
  Counter replied;        // a target's first reply
  Counter repeats;        // further replies of the same target
  Counter errors;         // a target's first ICMP error
  Counter error_repeats;  // further errors of the same target
  Counter unlisted;       // proved, but the target is not on the list

  Counter errored_and_replied;  // targets with both
  Counter off_target;           // this and the next three count some of `replied`
  Counter elsewhere;            // by another interface than its way's
  Counter in_cooldown;
  Counter without_rtt;

  // CLOCK_MONOTONIC when the newest probe left that a proved reply came to.
  Counter proved_ns;
  // What 99.9 % of the first replies did not take longer than; computed each time their number has
  // doubled.
  Counter round_trip_ns;

  Counter errors_written;  // lines of first errors, and of repeats of either kind
  Counter repeats_written;
};

}  // namespace echoscan
