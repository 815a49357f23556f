// The methods of sending, measured side by side: each in turn sends the same probes to one host, as
// fast as it can.
//
// The rest of a scan is left out: there is no order, no pacer and no receiver. The reply filter is
// attached for all methods, since some need it and all must be comparable; its rings are not read.
// Each stream has a pinned thread. The caller's thread keeps the time and takes SIGINT, which ends
// the bench with the rows so far.
#pragma once

#include "scanner/options/bench_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Prints the table on standard output. Throws UserError, std::system_error.
ExitCode run_bench(const BenchConfig& config);

}  // namespace echoscan
