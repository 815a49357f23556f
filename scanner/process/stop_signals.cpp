#include "scanner/process/stop_signals.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>

#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr int kSignalMax = 32;
// What ends a process by default and is not the kernel's word on a fault of ours. SIGXCPU comes
// from `ulimit -t`.
constexpr std::array kStopSignals{SIGINT,  SIGTERM,   SIGHUP,  SIGQUIT, SIGALRM,
                                  SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU};

std::atomic<bool> is_held = false;
std::array<std::atomic<unsigned>, kSignalMax> noted{};

// In a container echoscan is process 1, for which the kernel ignores signals without a handler: a
// scan that waits for its list could then only be killed.
void on_signal(int signal) {
  if (is_held.load(std::memory_order_relaxed)) {
    noted[static_cast<std::size_t>(signal)].fetch_add(1, std::memory_order_relaxed);
  } else if (signal != SIGUSR1) {
    _exit(128 + signal);
  }
}

bool is_ignored(int signal) {
  struct sigaction current {};
  return sigaction(signal, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

}  // namespace

void end_at_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (const int signal : kStopSignals)
    if (signal != SIGHUP || !is_ignored(SIGHUP)) sigaction(signal, &action, nullptr);
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
}

const char* signal_name(int signal) {
  switch (signal) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGHUP:
      return "SIGHUP";
    case SIGQUIT:
      return "SIGQUIT";
    case SIGALRM:
      return "SIGALRM";
    case SIGUSR2:
      return "SIGUSR2";
    case SIGVTALRM:
      return "SIGVTALRM";
    case SIGPROF:
      return "SIGPROF";
    case SIGXCPU:
      return "SIGXCPU";
    default:
      return "a signal";
  }
}

StopSignals::StopSignals() {
  for (std::atomic<unsigned>& count : noted) count.store(0);
  is_held.store(true);
}

StopSignals::~StopSignals() {
  is_held.store(false);
}

std::optional<int> StopSignals::take() {
  for (int signal = 1; signal < kSignalMax; ++signal) {
    std::atomic<unsigned>& count = noted[static_cast<std::size_t>(signal)];
    if (count.load(std::memory_order_relaxed) == 0) continue;
    count.fetch_sub(1, std::memory_order_relaxed);
    return signal;
  }
  return std::nullopt;
}

std::optional<int> StopSignals::pending_stop() const {
  for (const int signal : kStopSignals)
    if (noted[static_cast<std::size_t>(signal)].load(std::memory_order_relaxed) > 0) return signal;
  return std::nullopt;
}

void StopSignals::throw_if_stopped() const {
  if (const std::optional<int> signal = pending_stop())
    throw UserError(static_cast<ExitCode>(128 + *signal),
                    fmt::format("stopped by {} before the first probe", signal_name(*signal)));
}

void StoppableClock::wait_until(std::uint64_t when_ns) {
  while (true) {
    signals_.throw_if_stopped();
    const std::uint64_t now_ns = clock_.now_ns();
    if (now_ns >= when_ns) return;
    clock_.wait_until(std::min(when_ns, now_ns + kLookNs));
  }
}

}  // namespace echoscan
