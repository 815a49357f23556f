#include "scanner/options/verify_config.h"

#include "scanner/process/user_error.h"

namespace echoscan {

std::optional<VerifyConfig> parse_verify_config(const std::vector<std::string>& arguments) {
  VerifyConfig config;
  std::vector<std::string> folders;
  const Application app = make_application(
      "Checks a bundle that `echoscan scan --bundle` wrote: its files by their digests, and the "
      "scan's\nfigures by each other.",
      "echoscan verify",
      "Exit status: 0 the bundle is whole, 2 it is none or cannot be read, 6 it is not whole.");
  OptionGroup group(*app, "Verify");
  group.arguments("DIR", "", "The bundle's folder", folders);
  group.value(
      "--format", "text|json", "A line for each thing that is wrong, or one object [text]",
      [&config](const std::string& option, const std::string& text) {
        config.as_json = parse_choice<bool>(option, text, {{"text", false}, {"json", true}});
      });
  add_verbosity(group, config.verbosity);
  if (!parse_arguments(*app, arguments, "Verify", ConfigFile::own_options)) return std::nullopt;
  if (folders.size() != 1)
    throw UserError(ExitCode::bad_usage,
                    "which bundle? name one folder (see echoscan verify --help)");
  config.folder = folders.front();
  return config;
}

}  // namespace echoscan
