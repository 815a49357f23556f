// The seam for sending: a batch of targets in, the number accepted out.
//
// Every acceptance ends in exactly one counter: sent, taken back, or a named loss. A transmitter
// decides nothing about sending again: by take_back() it hands back what the kernel refused after
// accepting it, and the sender puts that in line again. A batch costs one virtual call, one clock
// reading and about one system call. Who keeps the rate and who has a thread is known when a
// transmitter is opened, so opening returns it (scanner/path/transmit_path.h) and no virtual
// function here does. A transmitter belongs to one sender thread; any thread may read its counters.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "scanner/process/counter.h"
#include "scanner/transmit/target.h"

namespace echoscan {

class Transmitter {
 public:
  // The most targets that a transmitter has under way: accepted, and in none of its counters yet.
  // The sender remembers that many, since a lost link may take them along.
  static constexpr std::size_t kUnderWayMax = 24'576;
  // Callers of send() hand over so many targets at once, and sleep for longer each time that
  // nothing is taken, so that a caller that waits for a full ring leaves its CPU to the one that
  // empties it.
  static constexpr std::size_t kBatchSize = 64;
  static constexpr std::uint64_t kBackOffMinNs = 20'000;
  static constexpr std::uint64_t kBackOffMaxNs = 1'000'000;

  Transmitter() = default;
  Transmitter(const Transmitter&) = delete;
  Transmitter& operator=(const Transmitter&) = delete;
  virtual ~Transmitter() = default;

  // Sends probes to the first targets of `batch` and returns how many it accepted, in order; 0 when
  // the kernel takes nothing just now. Never waits.
  virtual std::size_t send(std::span<const Target> batch) = 0;

  // Writes targets that were accepted, but refused by the kernel afterwards, to the front of `room`
  // and returns how many. They count as taken back, and are the caller's to send again.
  virtual std::size_t take_back(std::span<Target>) { return 0; }

  // Advances frames that have not completed. Returns true when none is left; the sender calls it
  // again until then, or until its patience (Sender::kStallNs) runs out.
  virtual bool settle() = 0;

  // Stops sending until the next send() or settle(), and releases the CPU that sending burns: the
  // link is down. Called every few milliseconds meanwhile.
  virtual void rest() {}

  // Counts what is still under way as refused or unconfirmed, and names it in given_up(). Nothing
  // is sent after this.
  virtual void give_up() = 0;
  // Counts and names a target that was accepted on its behalf and could not be handed over. The
  // caller's thread is the only one that loses any.
  void give_up(const Target& target, Counter TransmitCounters::*cause) {
    lose(target, counters_.*cause);
  }

  // How it sends, for people: "AF_XDP zero-copy".
  [[nodiscard]] virtual std::string mode() const = 0;

  // The probes that were accepted and did not leave, each once: those that `refused`, `unconfirmed`
  // and `unroutable` count. After give_up(), once the sender's thread has been joined.
  [[nodiscard]] std::span<const Target> given_up() const { return given_up_; }

  [[nodiscard]] const TransmitCounters& counters() const { return counters_; }
  // The errno of the last refusal that was more than "try again"; 0 when there was none.
  [[nodiscard]] int last_error() const { return last_error_.load(std::memory_order_relaxed); }

  // The transmitters that send and count: this one alone, unless it only chooses between others.
  [[nodiscard]] std::span<const Transmitter* const> parts() const { return parts_; }

 protected:
  // Counts and names an accepted target that did not leave. A target that was only to be sent again
  // behind a lost link counts as sent already, so it is counted apart and not named.
  void lose(const Target& target, Counter& cause) {
    if (target.is_again) {
      counters_.lost_again.add(1);
      return;
    }
    cause.add(1);
    given_up_.push_back(target);
  }

  TransmitCounters counters_;
  std::vector<Target> given_up_;
  std::atomic<int> last_error_ = 0;
  std::vector<const Transmitter*> parts_{this};
};

}  // namespace echoscan
