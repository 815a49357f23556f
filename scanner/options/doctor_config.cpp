#include "scanner/options/doctor_config.h"

namespace echoscan {

std::optional<DoctorConfig> parse_doctor_config(const std::vector<std::string>& arguments) {
  DoctorConfig config;
  const Application app = make_application(
      "Says what this machine and interface allow, and how to fix what they do not.",
      "echoscan doctor", "Exit status: 0 a scan can work, 2 bad usage, 3 it cannot.");
  OptionGroup group(*app, "Doctor");
  group.text("-i,--interface", "IF", "Interface to look at [the one that the route leaves by]",
             config.interface_name);
  group.value("--to", "ADDRESS", "Whose route to look at; nothing is sent there [203.0.113.1]",
              [&config](const std::string& option, const std::string& text) {
                const std::optional<Ipv4> address = parse_ipv4(text);
                if (!address) refuse(option, text, "an IPv4 address");
                config.destination = *address;
              });
  group.flag("--json", "One JSON object instead of text", [&config] { config.as_json = true; });
  group.flag("--read-only", "Do not try XDP and AF_XDP: some drivers restart the link for it",
             [&config] { config.read_only = true; });
  add_verbosity(group, config.verbosity);
  if (!parse_arguments(*app, arguments, "Doctor", ConfigFile::own_options)) return std::nullopt;
  return config;
}

}  // namespace echoscan
