#include "scanner/options/target_report_config.h"

#include <algorithm>

#include "scanner/options/named_files.h"
#include "scanner/options/sample_options.h"

namespace echoscan {

std::optional<TargetReportConfig> parse_target_report_config(
    const std::vector<std::string>& arguments) {
  TargetReportConfig config;
  const Application app = make_application(
      "Says what a scan with the same targets would probe, and sends nothing.", "echoscan targets",
      "Exit status: 0 there are targets, 2 bad usage or input, or nothing is left.");
  add_target_arguments(*app, config.target);
  add_target_options(*app, config.target);
  add_max_targets(*app, config.order);
  add_passes(*app, config.order);
  add_rate(*app, config.pace);
  add_pass_gap(*app, config.pace);
  OptionGroup group(*app, "Output");
  group.flag("--list",
             "Print the ranges, as a list that can be read again; as text, in place of the counts",
             [&config] { config.list_ranges = true; });
  group.value("--format", "text|json", "Of the report: for people, or one JSON object [text]",
              [&config](const std::string& option, const std::string& text) {
                config.format = parse_choice<ReportFormat>(
                    option, text, {{"text", ReportFormat::text}, {"json", ReportFormat::json}});
              });
  add_verbosity(group, config.verbosity);
  const std::optional<std::string> config_file =
      parse_arguments(*app, arguments, "Output", ConfigFile::any_options);
  if (!config_file) return std::nullopt;
  require_targets(config.target, "echoscan targets");
  const std::vector<std::string> given = given_options(*app);
  settle_rate(config.pace, given, 0);
  settle_passes(config.order, config.pace);
  config.has_outlook = std::ranges::any_of(given, [](const std::string& option) {
    return option == "--max-targets" || option == "--rate" || option == "--bandwidth" ||
           option == "--probes" || option == "--retry";
  });
  NamedFiles files;
  files.read(config.target, *config_file);
  files.write_standard_output();
  files.refuse_clashes();
  return config;
}

}  // namespace echoscan
