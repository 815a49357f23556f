// `echoscan doctor`: what a user runs first, and pastes into a bug report.
//
// It says what this kernel, these privileges and this interface allow, and how to fix what they do
// not. XDP and AF_XDP are tried and not guessed: attached and bound as in a scan, and taken away
// again without sending anything. That restarts the link on some drivers (igb 1 s, ixgbe 10 s), so
// --read-only leaves it out. No change stays.
#pragma once

#include <span>
#include <string>

#include "scanner/options/doctor_config.h"
#include "scanner/process/clock.h"
#include "scanner/process/user_error.h"
#include "targets/prefix.h"

namespace echoscan {

// Prints what it finds on standard output. Returns ExitCode::environment when no scan could work.
// Throws UserError.
ExitCode run_doctor(const DoctorConfig& config);

enum class DoctorsAddresses { told, left_out };

// What it says with --json and --read-only of a scan's own way and targets.
std::string doctors_json(const PathConfig& config, std::span<const AddressRange> targets,
                         Clock& clock, DoctorsAddresses addresses);

}  // namespace echoscan
