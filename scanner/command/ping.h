// `echoscan ping`: asks a few hosts at once and prints who answers, as they do.
//
// It is for people and for scripts that have five addresses and not five million: one thread, one
// socket of the kernel's, no BPF, nothing left behind, and over as soon as all have answered. What
// is asked is in ping/ping_schedule.h, what came of it in ping/ping_account.h. Rejected: a scan
// with a short cooldown, whose start alone takes longer than all answers.
#pragma once

#include "scanner/options/ping_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Returns `unanswered` when a target has not answered or is excluded, `bad_usage` when a name had
// no address, else `finished`, or 128 plus the signal that ended it. Throws UserError or
// std::system_error.
ExitCode run_ping(const PingConfig& config);

}  // namespace echoscan
