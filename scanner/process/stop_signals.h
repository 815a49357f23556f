// The signals that ask this process to end, and the one that asks how it is doing.
//
// Every signal whose default is to end a process does one of two things here. Before a scan holds
// anything, it ends the process at once, with 128 + its number as the shell would say. Once a
// StopSignals exists it is only noted, and whoever runs the scan asks for it; so files get their
// names and the ledger is written. SIGUSR1 is noted as well, and else does nothing. Rejected:
// signal_set of Boost.Asio, which gives the default back while the summary is still being written.
#pragma once

#include <optional>

#include "scanner/process/clock.h"

namespace echoscan {

// Once, in main, before the first thread. SIGHUP stays ignored where it was: nohup did that.
void end_at_stop_signals();

// "SIGINT".
const char* signal_name(int signal);

// One at a time.
class StopSignals {
 public:
  // From now on signals are noted.
  StopSignals();
  // From now on they end the process again. One that nobody has taken is forgotten.
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // A signal that has come and was not taken yet. One thread.
  [[nodiscard]] std::optional<int> take();
  // A signal that has come, asks for the end, and was not taken yet. Any thread.
  [[nodiscard]] std::optional<int> pending_stop() const;
  // Throws a UserError with that signal's exit code: for set-up, which holds nothing that has to be
  // accounted for.
  void throw_if_stopped() const;
};

// A clock for set-up: its waits throw when a stop signal has come, at most kLookNs later.
class StoppableClock : public Clock {
 public:
  static constexpr std::uint64_t kLookNs = 20'000'000;

  // Both must outlive the clock.
  StoppableClock(Clock& clock, const StopSignals& signals) : clock_(clock), signals_(signals) {}

  std::uint64_t now_ns() override { return clock_.now_ns(); }
  void wait_until(std::uint64_t when_ns) override;

 private:
  Clock& clock_;
  const StopSignals& signals_;
};

}  // namespace echoscan
