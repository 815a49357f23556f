#include "scanner/options/sandbox_config.h"

#include "scanner/process/user_error.h"

namespace echoscan {

void add_sandbox_options(CLI::App& app, SandboxConfig& config) {
  OptionGroup group(app, "Privileges");
  group.value("--user", "NAME|UID",
              "Whom root becomes once all is open, and whose the results are [who has called sudo]",
              [&config](const std::string& option, const std::string& text) {
                if (text.empty()) refuse(option, text, "a user");
                config.user_name = text;
              });
  group.flag("--no-sandbox",
             "Keep user, capabilities, files and system calls: for the search of a fault",
             [&config] { config.is_off = true; });
}

void settle_user(SandboxConfig& config, const Environment& environment) {
  if (config.is_off && !config.user_name.empty())
    throw UserError(ExitCode::bad_usage, "--user: with --no-sandbox the user stays the same");
  if (config.is_off) return;
  config.is_users_word = !config.user_name.empty();
  config.user = config.user_name.empty() ? sudo_user(environment)
                                         : std::optional(find_user(config.user_name));
}

}  // namespace echoscan
