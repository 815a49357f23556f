#include "scanner/options/target_options.h"

#include <fmt/format.h>

#include <regex>

#include "scanner/options/option_group.h"
#include "scanner/process/user_error.h"

namespace echoscan {

void add_target_arguments(CLI::App& app, TargetConfig& config) {
  OptionGroup(app, "Targets")
      .arguments("target", "TARGET", "Address, CIDR block or first-last range to probe",
                 config.targets);
}

void add_target_options(CLI::App& app, TargetConfig& config, const std::string& heading) {
  OptionGroup group(app, heading);
  group.list(
      "-t,--targets", "FILE",
      "List: lines of targets and a label, '#' for comments, or what clouds, registries and others "
      "publish, or results; plain, gzip or zstd; '-' is standard input (repeatable)",
      config.target_files);
  group.list("-x,--exclude", "TARGET",
             "Never probe this address, block or range; wins over everything (repeatable)",
             config.excludes);
  group.list("--exclude-file", "FILE",
             "List of exclusions, like --targets; it has to exclude something (repeatable)",
             config.exclude_files);
  group.value("--label-filter", "REGEX", "Only targets with a label in which REGEX is found",
              [&config](const std::string& option, const std::string& text) {
                try {
                  const std::regex is_good(text);
                } catch (const std::regex_error& error) {
                  refuse(option, text,
                         fmt::format("a regular expression (ECMAScript): {}", error.what()));
                }
                config.label_filter = text;
              });
  group.flag("--skip-bad-lines",
             "Leave out what is wrong in a list of targets, and count it; exclusions stay strict",
             [&config] { config.skip_bad_lines = true; });
  group.flag("--resolve",
             "Look up names of hosts in lists and arguments: all their IPv4 addresses, labelled by "
             "the name",
             [&config] { config.resolves_names = true; });
  group.flag("--allow-reserved",
             "Also probe IANA special-purpose ranges (10.0.0.0/8, 127.0.0.0/8, ...) and multicast",
             [&config] { config.allow_reserved = true; });
  group.each("--allow-range", "RANGE", "The same for one range, as in 10.0.0.0/8 (repeatable)",
             [&config](const std::string& option, const std::string& text) {
               const tl::expected<AddressRange, std::string> range = parse_range(text);
               if (!range)
                 refuse(option, text,
                        fmt::format("an address, CIDR block or range: {}", range.error()));
               config.allowed_ranges.push_back(*range);
             });
}

void refuse_without_lists(const TargetConfig& config, const std::vector<std::string>& databases) {
  if (!config.target_files.empty()) return;
  if (!databases.empty())
    throw UserError(
        ExitCode::bad_usage,
        "--mmdb says how many targets a country has, and needs the scan's list: -t FILE");
  const TargetConfig nothing;
  if (config != nothing)
    throw UserError(ExitCode::bad_usage,
                    "options that choose from the scan's lists need the lists: -t FILE");
}

void require_targets(const TargetConfig& config, const char* command) {
  if (config.targets.empty() && config.target_files.empty())
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("no targets: give addresses, CIDR blocks or ranges, or a list with -t FILE "
                    "(see {} --help)",
                    command));
}

}  // namespace echoscan
