// A command's options as data: what completions and man pages are made of, so that they name what
// the program has and nothing else.
//
// `echoscan scan --help-json` prints it, and `echoscan --help-json` which commands there are and
// which fields a result has. Rejected: to read --help, whose columns are for people and
// lose where a description ends; and to keep a list beside the options, which goes stale.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace echoscan {

struct OptionRow {
  std::vector<std::string> names;  // "-t", "--targets"; of an argument its name alone
  std::string type_name;           // of the value, "FILE"; empty: the option takes none
  std::string description;
  std::string heading;
  bool is_argument = false;    // no option: it stands for itself
  bool is_repeatable = false;  // may be given again and again
};

struct CommandTable {
  std::string name;  // "echoscan scan"
  std::string what;
  std::string footer;
  std::vector<OptionRow> options;
};

// One JSON object on one line, which ends in a newline.
std::string command_table_json(const CommandTable& table);

struct CommandListRow {
  std::string name;   // "scan"
  std::string what;   // a clause
  std::string usage;  // behind the name
};

// The same for the commands of the program, and the fields of a result in their order.
std::string command_list_json(std::string_view version, std::string_view what,
                              std::span<const CommandListRow> commands);

}  // namespace echoscan
