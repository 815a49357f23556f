// One scan, from the configuration to the exit code: the function that is the program.
//
// It uses seams alone: transmit_path.h and receive_path.h name what is behind them. Errors during
// set-up are thrown (UserError, std::system_error); once the pipeline runs, nothing throws.
#pragma once

#include "scanner/options/scan_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Runs the scan, or with --dry-run only says what it would do. Results go where the configuration
// says, the log and the summary's text to standard error.
ExitCode run_scan(const ScanConfig& config);

}  // namespace echoscan
