// The methods of sending, measured side by side: the same probes to one host, as fast as each can,
// in turn.
//
// Without the rest of a scan: no order, no pacer, no receiver. The reply filter is attached as in a
// scan, since some methods need it, and all have it, so that they can be compared; its rings are
// not read. A thread per stream, pinned; the caller's thread keeps the time and takes SIGINT, which
// ends the bench with the rows so far.
#pragma once

#include "scanner/options/bench_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Prints the table on standard output. Throws UserError, std::system_error.
ExitCode run_bench(const BenchConfig& config);

}  // namespace echoscan
