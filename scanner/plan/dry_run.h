// The dry run: the plan in words, and the targets in the order in which they would be probed.
//
// It needs neither privileges nor a network, and sends nothing. The addresses come out of the
// same cursor that the senders use, so that it prints what a scan would probe.
#pragma once

#include "scanner/options/order_config.h"
#include "scanner/options/scan_config.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Logs what will be probed, how fast and for how long.
void log_plan(const TargetPlan& plan, const OrderConfig& order, const PaceConfig& pace);

// Prints the plan on standard error, with the ways of the targets from here, and the targets, one a
// line and pass after pass, on standard output: unroutable ones too, since they keep their places
// in the order. Throws UserError with code output when they cannot be written.
ExitCode run_dry(TargetPlan plan, const OrderConfig& order, const PaceConfig& pace,
                 const PathConfig& path);

}  // namespace echoscan
