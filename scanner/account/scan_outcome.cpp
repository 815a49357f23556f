#include "scanner/account/scan_outcome.h"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "output/summary/figure_text.h"
#include "scanner/process/stop_signals.h"

namespace echoscan {
namespace {

// The summary's word, the exit code and the sentence of one end.
struct Account {
  std::string name;
  ExitCode code;
  std::string sentence;
};

struct GiveAccount {
  Account operator()(const Finished&) const { return {"finished", ExitCode::finished, {}}; }
  Account operator()(const MaxRuntimeReached&) const {
    return {"stopped at --max-runtime", ExitCode::finished, {}};
  }
  Account operator()(const MaxResultsReached&) const {
    return {"stopped at --max-results", ExitCode::finished, {}};
  }
  Account operator()(const HitRateTooLow& end) const {
    return {"stopped, hit rate too low", ExitCode::hit_rate,
            fmt::format("stopped, since {}, and --min-hit-rate asks for {:g} %; is it the right "
                        "interface, and does the uplink let pings out and replies in?",
                        hit_rate_text(end), 100 * end.asked)};
  }
  Account operator()(const Signalled& end) const {
    if (end.signal == SIGINT) return {"interrupted", ExitCode::interrupted, {}};
    if (end.signal == SIGTERM) return {"terminated", ExitCode::terminated, {}};
    return {fmt::format("stopped by {}", signal_name(end.signal)),
            static_cast<ExitCode>(128 + end.signal),
            {}};
  }
  Account operator()(const Stalled& end) const {
    return {"stalled", ExitCode::environment,
            fmt::format("the interface took no probe for {} s ({}); is its link up?", end.seconds,
                        std::strerror(end.error))};
  }
  Account operator()(const PathLost& end) const {
    return {"stopped, " + end.what, ExitCode::environment,
            fmt::format("{}; stopped after {} of {} probes of the order, --seed {} repeats it",
                        end.reason, end.sent, end.probes, end.seed)};
  }
  Account operator()(const OutputFailed& end) const {
    return {"stopped, output failed", ExitCode::output,
            fmt::format("the results could not be written to {}: {}", name_of(end.path),
                        end.error == EPIPE ? "its reader has gone away (broken pipe)"
                                           : std::strerror(end.error))};
  }
  Account operator()(const OutputAbandoned& end) const {
    return {
        "stopped, output abandoned", ExitCode::output,
        fmt::format("{} of {} lines of results are lost: the reader of {} took no more",
                    with_thousands(end.lines_lost), with_thousands(end.lines), name_of(end.path))};
  }

 private:
  static std::string name_of(const std::string& path) {
    return path == "-" ? "standard output" : path;
  }
};

}  // namespace

std::string hit_rate_text(const HitRateTooLow& end) {
  return fmt::format(
      "{} of the first {} targets replied, which is between 0 and {:.3g} % of all at a confidence "
      "of {:g} %",
      with_thousands(end.replied), with_thousands(end.probed), 100 * end.at_most,
      100 * end.confidence);
}

std::string outcome_name(const ScanOutcome& outcome) {
  return std::visit(GiveAccount{}, outcome).name;
}

ExitCode exit_code(const ScanOutcome& outcome) {
  return std::visit(GiveAccount{}, outcome).code;
}

std::string outcome_sentence(const ScanOutcome& outcome) {
  return std::visit(GiveAccount{}, outcome).sentence;
}

}  // namespace echoscan
