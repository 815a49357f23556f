// `echoscan doctor`: what a user runs first, and pastes into a bug report.
//
// Says what this kernel, these privileges and this interface allow, and what to do about what they
// do not. XDP and AF_XDP are tried and not guessed: attached and bound as a scan does it, nothing
// sent, and taken away again. That restarts the link on some drivers (igb 1 s, ixgbe 10 s), so
// --read-only leaves it out. Nothing is changed that stays.
#pragma once

#include "scanner/options/doctor_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Looks, and prints what it found on standard output. Returns ExitCode::environment when a scan
// could not work at all. Throws UserError.
ExitCode run_doctor(const DoctorConfig& config);

}  // namespace echoscan
