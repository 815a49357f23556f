#include "scanner/options/doctor_config.h"

#include <filesystem>

#include "scanner/options/named_files.h"

namespace echoscan {
namespace {

// A target as on a line of a list, else the list's file.
void take_target(const std::string& option, const std::string& text, TargetConfig& target) {
  if (parse_range(text)) {
    target.targets.push_back(text);
  } else if (text == "-" || std::filesystem::exists(text)) {
    target.target_files.push_back(text);
  } else {
    refuse(option, text, "an address, a CIDR block, a range, or the file of a list");
  }
}

}  // namespace

std::optional<DoctorConfig> parse_doctor_config(const std::vector<std::string>& arguments) {
  DoctorConfig config;
  // Nothing is sent to them: their ways are of interest, whoever may not be probed.
  config.target.allow_reserved = true;
  config.target.system_exclude_file.clear();
  const Application app = make_application(
      "Says what this machine and interface allow, and how to fix what they do not.",
      "echoscan doctor", "Exit status: 0 a scan can work, 2 bad usage, 3 it cannot.");
  add_path_options(*app, config.path);
  OptionGroup group(*app, "Doctor");
  group.each("--to", "TARGET|FILE",
             "Whose ways to look at: as a scan's targets, or a list of them; nothing is sent there "
             "(repeatable) [203.0.113.1]",
             [&config](const std::string& option, const std::string& text) {
               take_target(option, text, config.target);
             });
  group.flag("--json", "One JSON object instead of text", [&config] { config.as_json = true; });
  group.flag("--read-only", "Do not try XDP and AF_XDP: some drivers restart the link for it",
             [&config] { config.read_only = true; });
  add_verbosity(group, config.verbosity);
  const std::optional<std::string> config_file =
      parse_arguments(*app, arguments, "Doctor", ConfigFile::own_options);
  if (!config_file) return std::nullopt;
  NamedFiles files;
  files.read("--to", config.target.target_files);
  files.read("--config", {*config_file});
  files.write_standard_output();
  files.refuse_clashes();
  if (config.target.targets.empty() && config.target.target_files.empty())
    config.target.targets.emplace_back("203.0.113.1");
  return config;
}

}  // namespace echoscan
