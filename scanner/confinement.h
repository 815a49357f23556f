// Who a scan is for, and what it still may once all is open.
//
// Outputs are opened as the user that the scan will run as. Where whoever has called sudo may not
// write in their folders, root stays root and says so: `sudo ./survey.sh` writes where the script
// says. A user whom --user names, or whose checkpoint names the files, is taken at their word, and
// then the opening fails.
#pragma once

#include <optional>
#include <string>

#include "scanner/options/scan_config.h"
#include "scanner/process/sandbox.h"
#include "scanner/process/scan_user.h"
#include "scanner/process/user_error.h"

namespace echoscan {

class Confinement {
 public:
  // Logs a change of mind about the user. Throws std::system_error when nobody can act as the user
  // whom --user names.
  explicit Confinement(const ScanConfig& config);

  // Calls `open` as the user of the scan; what it throws says who that is.
  template <typename Open>
  auto as_user(const Open& open) const {
    std::optional<ActingAs> acting;
    if (plan_.user) acting.emplace(*plan_.user);
    try {
      return open();
    } catch (const UserError& error) {
      throw UserError(error.code(), error.what() + user_clause());
    }
  }

  // A folder that has been made for this scan alone, in which it may write.
  void add_folder(const std::string& folder);

  // From here on, for good; nothing with --no-sandbox. Throws as enter_sandbox() does.
  void begin() const;

 private:
  // " (as user alice; --user names another)", or nothing.
  [[nodiscard]] std::string user_clause() const;

  bool is_off_;
  SandboxPlan plan_;
};

}  // namespace echoscan
