// One scan, from the configuration to the exit code: the function that is the program.
//
// It sees seams alone: transmit_path and receive_path name what stands behind them.
// What goes wrong during set-up throws (UserError, std::system_error); once the pipeline runs,
// nothing does.
#pragma once

#include "scanner/options/scan_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Runs the scan, or with --dry-run only says what it would do. Results go where the configuration
// says, log and summary to standard error.
ExitCode run_scan(const ScanConfig& config);

}  // namespace echoscan
