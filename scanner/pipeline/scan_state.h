// What the threads of one scan tell each other: a few flags, each set by one side and read by the
// other.
//
// Everything else goes through rings and counters. Flags are relaxed atomics, since none guards
// data and a sender that sees one a batch late does no harm.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

namespace echoscan {

// Since when replies were lost on this side, each time that some were: the control adds, and each
// sender goes back for what it had sent since then. Each is kept, since a sender that gets no CPU
// may see two at once.
class ReplyLosses {
 public:
  static constexpr std::size_t kKept = 64;
  static constexpr std::uint64_t kEveryHop = ~std::uint64_t{0};

  // Replies to probes that have left since then may not have been seen, to those by some next hops
  // alone.
  void add(std::uint64_t since_ns, std::uint64_t next_hops = kEveryHop) {
    const std::uint64_t count = count_.load(std::memory_order_relaxed);
    since_ns_[count % kKept].store(since_ns, std::memory_order_relaxed);
    next_hops_[count % kKept].store(next_hops, std::memory_order_relaxed);
    count_.store(count + 1, std::memory_order_release);
  }
  [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_acquire); }
  // The earliest time of those behind the first `known`; 0 when they are not all kept.
  [[nodiscard]] std::uint64_t earliest_since_ns(std::uint64_t known) const {
    const std::uint64_t count = this->count();
    if (count - known > kKept) return 0;
    std::uint64_t earliest_ns = ~std::uint64_t{0};
    for (; known != count; ++known)
      earliest_ns = std::min(earliest_ns, since_ns_[known % kKept].load(std::memory_order_relaxed));
    return earliest_ns;
  }
  // The next hops of any of those.
  [[nodiscard]] std::uint64_t next_hops(std::uint64_t known) const {
    const std::uint64_t count = this->count();
    if (count - known > kKept) return kEveryHop;
    std::uint64_t next_hops = 0;
    for (; known != count; ++known)
      next_hops |= next_hops_[known % kKept].load(std::memory_order_relaxed);
    return next_hops;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kKept> since_ns_{};
  std::array<std::atomic<std::uint64_t>, kKept> next_hops_{};
  std::atomic<std::uint64_t> count_ = 0;
};

struct ScanState {
  // Whether what is sent now would be lost, or its reply.
  [[nodiscard]] bool has_to_wait() const {
    // Whoever sees that the link is up again sees which gateways are to prove themselves.
    return link_is_down.load(std::memory_order_acquire) ||
           filter_is_off.load(std::memory_order_relaxed) ||
           // Whoever sees that some gateway is there sees which are awaited.
           next_hop_is_lost.load(std::memory_order_acquire) ||
           // Whoever sees that ways are there sees the map that has them.
           ways_are_lost.load(std::memory_order_acquire) ||
           source_is_lost.load(std::memory_order_relaxed);
  }
  // When all these were last seen to be well.
  [[nodiscard]] std::uint64_t seen_well_ns() const {
    return std::min({link_seen_up_ns.load(std::memory_order_relaxed),
                     filter_seen_on_ns.load(std::memory_order_relaxed),
                     next_hops_proved_ns.load(std::memory_order_relaxed),
                     source_seen_ns.load(std::memory_order_relaxed),
                     ways_seen_ns.load(std::memory_order_relaxed)});
  }

  // Whether the order is not to be sent any further. Senders keep the end of --max-runtime
  // themselves: a control that waits for the kernel, or for a CPU, may look a second late.
  [[nodiscard]] bool ends_sending(std::uint64_t now_ns) {
    if (now_ns >= send_until_ns.load(std::memory_order_relaxed))
      runtime_is_over.store(true, std::memory_order_relaxed);
    return runtime_is_over.load(std::memory_order_relaxed) ||
           stop_sending.load(std::memory_order_relaxed);
  }

  std::atomic<bool> stop_sending = false;
  // CLOCK_MONOTONIC at which sending ends, and whether some sender has met that.
  std::atomic<std::uint64_t> send_until_ns = ~std::uint64_t{0};
  std::atomic<bool> runtime_is_over = false;
  // Whoever sees that receiving ends sees whether the scan was cut short.
  std::atomic<bool> stop_receiving = false;
  // By something else than the options: a signal, a lost link.
  std::atomic<bool> is_cut_short = false;
  // What is sent now would not arrive.
  std::atomic<bool> link_is_down = false;
  // The link came back, took frames and sent none of them: all since its return is lost.
  std::atomic<bool> link_was_silent = false;
  // CLOCK_MONOTONIC when the link was last seen up; the largest number where nobody watches it.
  std::atomic<std::uint64_t> link_seen_up_ns = ~std::uint64_t{0};
  // Replies to what is sent now would go past the reply filter.
  std::atomic<bool> filter_is_off = false;
  // CLOCK_MONOTONIC when the reply filter was last seen on; the largest number where nobody watches
  // one.
  std::atomic<std::uint64_t> filter_seen_on_ns = ~std::uint64_t{0};
  ReplyLosses reply_losses;
  // No gateway answers, or one that has to prove itself does not yet: what is sent now may not
  // arrive.
  std::atomic<bool> next_hop_is_lost = false;
  // By their numbers, gateways that do not answer: what goes to them waits, all else goes on.
  std::atomic<std::uint64_t> awaited_next_hops = 0;
  // This host has not the address that probes come from.
  std::atomic<bool> source_is_lost = false;
  // CLOCK_MONOTONIC when it last had; the largest number where nobody watches it.
  std::atomic<std::uint64_t> source_seen_ns = ~std::uint64_t{0};
  // By their numbers, those that are given up: nothing is sent to them any more.
  std::atomic<std::uint64_t> lost_next_hops = 0;
  // CLOCK_MONOTONIC when all gateways were last known to be there; the largest number where nobody
  // watches them.
  std::atomic<std::uint64_t> next_hops_proved_ns = ~std::uint64_t{0};
  // Routes have changed, and too many targets have no way, or one that the scan cannot send by.
  std::atomic<bool> ways_are_lost = false;
  // CLOCK_MONOTONIC when the ways were last known to be those by which probes leave; the largest
  // number where nobody watches them.
  std::atomic<std::uint64_t> ways_seen_ns = ~std::uint64_t{0};
  // Nobody waits for the reader of the results any more, since the user has asked twice to stop or
  // it took nothing for long: lines that it does not take stay unwritten.
  std::atomic<bool> abandon_output = false;
  // How many senders send again in the cooldown what may have been lost.
  std::atomic<unsigned> senders_busy = 0;
  // CLOCK_MONOTONIC when the cooldown began, the last time that it did; 0 while sending.
  std::atomic<std::uint64_t> cooldown_began_ns = 0;
  // CLOCK_MONOTONIC when the last probe of the order had left; 0 while sending.
  std::atomic<std::uint64_t> sending_ended_ns = 0;
};

}  // namespace echoscan
