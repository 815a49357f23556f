// The seam for sending: a batch of targets in, the number accepted out.
//
// What is accepted is either sent or accounted for: a transmitter that learns later that the kernel
// dropped a frame puts that target in line again by itself, takes nothing new meanwhile, and gives
// up only at the end, into a named counter. One virtual call, one clock reading and about one
// system call a batch. A transmitter belongs to one sender thread; its counters may be read by any.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "scanner/process/counter.h"
#include "scanner/transmit/target.h"

namespace echoscan {

class Transmitter {
 public:
  virtual ~Transmitter() = default;

  // Asks it to keep its queue's rate by itself; rate_pps as for Pacer. True when it does: no pacer
  // is asked then. Called before the first send(), if at all.
  virtual bool pace(std::uint64_t) { return false; }

  // True when it sends from a thread of its own, which it has put on the queue's CPU: its sender
  // may then run anywhere, best on another.
  [[nodiscard]] virtual bool has_thread() const { return false; }

  // Sends probes to the first targets of `batch` and returns how many it accepted, in order; 0 when
  // the kernel takes nothing just now. Never waits.
  virtual std::size_t send(std::span<const Target> batch) = 0;

  // Brings what is under way forward; true when nothing is. Called until true, or until patience
  // ends.
  virtual bool settle() = 0;

  // Called now and then while the scan pauses, instead of send(): whoever burns a CPU may rest.
  virtual void idle() {}

  // Called when the link has gone down, and when it is up again: what was handed over just before
  // may have been lost with it, where a driver does not say so.
  virtual void link_changed(bool) {}

  // Counts what is still under way as refused or unconfirmed, and names it in given_up(). Nothing
  // is sent after this.
  virtual void give_up() = 0;

  // The probes that the two counters count: what was accepted and did not leave. After give_up(),
  // once the sender's thread has been joined.
  [[nodiscard]] std::span<const Target> given_up() const { return given_up_; }

  // How it sends, for people: "AF_XDP zero-copy".
  [[nodiscard]] virtual std::string mode() const = 0;

  // Calls `visit` with each transmitter that sends and counts: itself, unless it only chooses
  // between others.
  virtual void visit_parts(const std::function<void(const Transmitter&)>& visit) const {
    visit(*this);
  }

  [[nodiscard]] const TransmitCounters& counters() const { return counters_; }
  // The errno of the last refusal that was more than "try again"; 0 when there was none.
  [[nodiscard]] int last_error() const { return last_error_.load(std::memory_order_relaxed); }

 protected:
  TransmitCounters counters_;
  std::vector<Target> given_up_;
  std::atomic<int> last_error_ = 0;
};

}  // namespace echoscan
