// A turn at a scan: what a scheduler's task does when it is begun, for the first time or again.
//
// The same command begins the scan, goes on with what an earlier turn has left at -o, on whichever
// machine that was, or has nothing left to do; so a task that is requeued, or started twice, harms
// nothing (--continue, which array jobs have of themselves). What is left says which of these it
// is: the checkpoint, which stays when the scan has finished. Two turns at one time are kept apart
// by a lock. Throws UserError.
#pragma once

#include "scanner/options/scan_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Runs the scan, or what is left of it. A scan without --continue is simply run.
ExitCode run_turn(const ScanConfig& config);

}  // namespace echoscan
