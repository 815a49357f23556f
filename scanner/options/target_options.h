// The options that say which addresses are targets. Every command that has targets shares them, so
// that `echoscan targets` shows what `echoscan scan` with the same options would probe.
//
// An option that is wrong by itself is refused here, by its name; target_selection.h checks whether
// a list can be read.
#pragma once

#include <string>
#include <vector>

#include "targets/prefix.h"

namespace CLI {
class App;
}

namespace echoscan {

// The system-wide list: what nobody on this machine probes. It need not be there.
inline constexpr const char* kSystemExcludeFile = "/etc/echoscan/exclude.txt";

struct TargetConfig {
  std::vector<std::string> targets;       // as lines of a list
  std::vector<std::string> target_files;  // "-" is standard input
  std::vector<std::string> excludes;
  std::vector<std::string> exclude_files;
  std::string system_exclude_file = kSystemExcludeFile;  // no option; empty: not looked for
  bool allow_reserved = false;
  std::vector<AddressRange> allowed_ranges;  // probed although they are special-purpose ranges
  std::string label_filter;                  // a valid regular expression; empty: no filter
  bool skip_bad_lines = false;
  bool resolves_names = false;

  friend bool operator==(const TargetConfig&, const TargetConfig&) = default;
};

// Adds the targets that are arguments and not options. `config` must outlive the parsing.
void add_target_arguments(CLI::App& app, TargetConfig& config);

// Adds all options that list targets or choose from lists, under `heading` in --help. `config` must
// outlive the parsing.
void add_target_options(CLI::App& app, TargetConfig& config,
                        const std::string& heading = "Targets");

// Of a command that reads what a scan has left: throws UserError when options choose from the
// scan's lists, or databases are to count their targets, and no list was given.
void refuse_without_lists(const TargetConfig& config, const std::vector<std::string>& databases);

// Throws UserError when no target and no list was given.
void require_targets(const TargetConfig& config, const char* command);

}  // namespace echoscan
