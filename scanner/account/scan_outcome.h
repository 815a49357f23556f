// How a scan ended: one variant, from which the summary's word, the exit code and the closing
// sentence are made.
//
// Each end carries what its sentence needs, so that nobody has to collect that afterwards from the
// writer, the transmitters and the configuration, when some of them may be gone. Rejected: an enum
// beside an errno here and a path there. The code that read these threw when the interface had
// disappeared, and so lost the ledger. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "scanner/process/user_error.h"

namespace echoscan {

struct Finished {};
struct MaxRuntimeReached {};
// So many targets have replied as --max-results asks for.
struct MaxResultsReached {};
// So few targets reply that --min-hit-rate ends the scan.
struct HitRateTooLow {
  std::uint64_t probed = 0;   // whose reply had time to come
  std::uint64_t replied = 0;  // of those
  double at_most = 0;         // of all targets, at that confidence
  double asked = 0;
  double confidence = 0;
};
// Stopped by SIGINT, SIGTERM or another of process/stop_signals.h.
struct Signalled {
  int signal = 0;
};
// The kernel took no probe for so long.
struct Stalled {
  std::uint64_t seconds = 0;
  int error = 0;  // errno of the last refusal
};
// Something that the scan cannot do without was lost for good: the link, the interface, the reply
// filter, the source address, every gateway.
struct PathLost {
  std::string what;    // of "stopped, link down": "link down"
  std::string reason;  // a clause
  std::uint64_t sent = 0;
  std::uint64_t probes = 0;
  std::uint64_t seed = 0;
};
// The results cannot be written to `path`.
struct OutputFailed {
  std::string path;  // "-" for standard output
  int error = 0;     // errno
};

// The reader of the results took no more, and the scan was told to end.
struct OutputAbandoned {
  std::string path;  // "-" for standard output
  std::uint64_t lines_lost = 0;
  std::uint64_t lines = 0;  // with those
};

using ScanOutcome = std::variant<Finished, MaxRuntimeReached, MaxResultsReached, HitRateTooLow,
                                 Signalled, Stalled, PathLost, OutputFailed, OutputAbandoned>;

// "finished", "interrupted", ...: the summary's `outcome`, as docs/summary.md lists them.
std::string outcome_name(const ScanOutcome& outcome);
ExitCode exit_code(const ScanOutcome& outcome);
// Of how many targets how many replied, and what that says of all; a clause.
std::string hit_rate_text(const HitRateTooLow& end);
// What to tell the user, a full sentence; empty when the name says it all.
std::string outcome_sentence(const ScanOutcome& outcome);

}  // namespace echoscan
