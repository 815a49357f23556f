// Who a scan becomes once all is open, and whether it gives the rest up as well.
//
// Rejected: an option for each thing that is given up. Whoever looks for a fault wants to know
// whether it goes with all of them off; --no-sandbox is for that, and for nothing else.
#pragma once

#include <optional>
#include <string>

#include "scanner/options/array_job.h"
#include "scanner/options/option_group.h"
#include "scanner/process/scan_user.h"

namespace echoscan {

struct SandboxConfig {
  bool is_off = false;
  std::string user_name;         // of --user; empty: it was not given
  std::optional<ScanUser> user;  // whom --user names, or who has called sudo; nullopt: neither
  // Root must not write where the user may not: --user says so, or the user has named the files, in
  // a checkpoint of theirs.
  bool is_users_word = false;
};

void add_sandbox_options(CLI::App& app, SandboxConfig& config);

// Finds the user. Throws UserError.
void settle_user(SandboxConfig& config, const Environment& environment);

}  // namespace echoscan
