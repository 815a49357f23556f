// `echoscan verify`: whether a bundle is whole, and what of it is not.
//
// `sha256sum -c manifest-sha256.txt` finds a changed file as well; this also finds one that was
// added, a bundle that leads out of its folder, and figures that contradict each other. The answer
// goes to standard output.
#pragma once

#include "scanner/options/verify_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Returns ExitCode::damaged for a bundle that is not whole. Throws UserError when it is no bundle
// or cannot be read, or when standard output cannot be written.
ExitCode run_verify(const VerifyConfig& config);

}  // namespace echoscan
