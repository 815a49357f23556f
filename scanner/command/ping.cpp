#include "scanner/command/ping.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "output/sink/byte_sink.h"
#include "scanner/ping/echo_socket.h"
#include "scanner/ping/ping_run.h"
#include "scanner/ping/ping_targets.h"
#include "scanner/plan/random_scan_id.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/clock.h"
#include "scanner/process/log.h"
#include "scanner/process/sandbox.h"
#include "scanner/process/stop_signals.h"

namespace echoscan {
namespace {

PingTargets read_ping_targets(const PingConfig& config) {
  const std::vector<AddressRange> excluded = system_exclusions(config.system_exclude_file);
  PingTargets targets;
  for (const std::string& text : config.targets) targets.add(text, excluded);
  for (const std::string& file : config.target_files) targets.add_file(file, excluded);
  for (const std::string& sentence : targets.unresolved()) log_warning("{}", sentence);
  if (targets.excluded_count() > 0)
    log_warning("{} not asked: '{}' excludes them", targets.excluded_count(),
                config.system_exclude_file);
  return targets;
}

// Standard output, whose reader is waited for; once a signal has come, for kPatienceMs at most.
class Printer {
 public:
  explicit Printer(const StopSignals& signals) : signals_(signals) {}

  void print(std::string_view text) {
    int waited_ms = 0;
    while (!text.empty() && !is_abandoned_) {
      const ByteSink::Outcome outcome = output_.write_some(text);
      if (outcome.error != 0)
        throw UserError(ExitCode::output, fmt::format("the output could not be written: {}",
                                                      std::strerror(outcome.error)));
      text.remove_prefix(outcome.written);
      if (outcome.written > 0) waited_ms = 0;
      if (text.empty()) return;
      output_.wait_writable(kWaitMs);
      if (signals_.pending_stop()) waited_ms += kWaitMs;
      is_abandoned_ = waited_ms > kPatienceMs;
    }
  }

 private:
  static constexpr int kWaitMs = 50;
  static constexpr int kPatienceMs = 500;

  const StopSignals& signals_;
  DescriptorSink output_{STDOUT_FILENO};
  bool is_abandoned_ = false;
};

}  // namespace

ExitCode run_ping(const PingConfig& config) {
  // Names are resolved while a signal still ends the process.
  const PingTargets targets = read_ping_targets(config);
  if (targets.all().empty()) throw UserError(ExitCode::bad_usage, "there is nobody left to ask");
  MonotonicClock clock;
  reduce_timer_slack();
  EchoSocket socket({config.source, config.interface, config.ttl, config.tos, config.payload_bytes},
                    clock);
  log_debug("asking by a {}", socket.kind());
  enter_sandbox({sudo_user(std::getenv), {}});
  const StopSignals signals;
  Printer printer(signals);
  const auto print = [&](std::string_view text) {
    if (config.verbosity != Verbosity::quiet) printer.print(text);
  };
  PingRun ping(config, targets, socket, clock, print, random_scan_id());
  const std::optional<int> signal = ping.run([&signals] { return signals.pending_stop(); });
  ping.print_end();
  if (signal) return static_cast<ExitCode>(128 + *signal);
  if (!targets.unresolved().empty()) return ExitCode::bad_usage;
  const bool have_all_answered = targets.excluded_count() == 0 && ping.have_all_answered();
  return have_all_answered ? ExitCode::finished : ExitCode::unanswered;
}

}  // namespace echoscan
