// Options as the commands declare them: grouped under the headings of --help, checked as they are
// read, refused by name.
//
// CLI11 reads command line and config file. Only .cpp files include it, since it is 300 KB of
// headers. Each command is a CLI11 application of its own, and no subcommand, because CLI11 2.1
// silently ignores a config file on a subcommand.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scanner/options/nearest_name.h"

namespace CLI {
class App;
}

namespace echoscan {

// A command's CLI11 application, for files that do not include CLI11.
struct ApplicationDelete {
  void operator()(CLI::App* app) const;
};
using Application = std::unique_ptr<CLI::App, ApplicationDelete>;

// Its --help begins with `what` and ends with `footer`.
Application make_application(const std::string& what, const std::string& name,
                             const std::string& footer);

enum class Verbosity { quiet, normal, verbose };

// Throws CLI's error: "--rate: '10x' is not <expected>".
[[noreturn]] void refuse(const std::string& option, const std::string& value,
                         const std::string& expected);

// Parses a whole number in [low, high]; refuses any other text.
std::uint64_t parse_count(const std::string& option, const std::string& text, std::uint64_t low,
                          std::uint64_t high);

// "12.5%", above 0 and at most 100; nullopt for a text without the sign. Refuses any other.
std::optional<double> parse_percent(const std::string& option, const std::string& text);

// Parses a number of seconds, 0 or more, or a time with its unit (500ms, 5s, 2m, 1.5h, 1d); refuses
// any other text.
double parse_seconds(const std::string& option, const std::string& text);

// The value whose name is `text`. Refuses other texts, and says which names there are.
template <typename Choice>
Choice parse_choice(const std::string& option, const std::string& text,
                    const std::vector<std::pair<std::string, Choice>>& choices) {
  std::string known;
  std::vector<std::string> names;
  for (const auto& [name, choice] : choices) {
    if (text == name) return choice;
    known += (known.empty() ? "" : ", ") + name;
    names.push_back(name);
  }
  refuse(option, text, "one of: " + known + nearest_name_hint(text, names));
}

// The options under one heading.
class OptionGroup {
 public:
  OptionGroup(CLI::App& app, std::string heading) : app_(app), heading_(std::move(heading)) {}

  // An option with one value. `parse` gets the option's long name, for messages, and the text,
  // which it checks and takes. Of an option given twice the last counts, so that a default in a
  // script can be overridden behind it.
  void value(const std::string& name, const std::string& type_name, const std::string& description,
             const std::function<void(const std::string&, const std::string&)>& parse);

  // An option whose text is taken as it is.
  void text(const std::string& name, const std::string& type_name, const std::string& description,
            std::string& text);

  // An option that may be given again and again, with one value each time.
  void list(const std::string& name, const std::string& type_name, const std::string& description,
            std::vector<std::string>& texts);

  // The same, but `parse` checks and takes each text.
  void each(const std::string& name, const std::string& type_name, const std::string& description,
            const std::function<void(const std::string&, const std::string&)>& parse);

  // A list with commas in it, which may be given again and again: `parse` checks and takes one item
  // at a time. "a," has an empty second item.
  void items(const std::string& name, const std::string& type_name, const std::string& description,
             const std::function<void(const std::string&, const std::string&)>& parse);

  // The arguments that are not options.
  void arguments(const std::string& name, const std::string& type_name,
                 const std::string& description, std::vector<std::string>& texts);

  void flag(const std::string& name, const std::string& description,
            const std::function<void()>& set);

 private:
  CLI::App& app_;
  std::string heading_;
};

// -v and -q.
void add_verbosity(OptionGroup& group, Verbosity& verbosity);

// Thrown when the arguments ask for the version, which main knows.
struct AskedForVersion {};

// What a config file may hold beside the command's own options: nothing, or another command's.
enum class ConfigFile { own_options, any_options };

// Adds --config under `heading`, parses a command's arguments and the file that it names, and
// returns that name, which is empty without the option. nullopt when the arguments ask for help, or
// for the same as JSON (option_table.h), which is then printed to standard output. Throws UserError
// and AskedForVersion.
std::optional<std::string> parse_arguments(CLI::App& app, const std::vector<std::string>& arguments,
                                           const std::string& heading, ConfigFile config_file);

// The options that were given, as they are called, in the order in which they are declared.
std::vector<std::string> given_options(const CLI::App& app);

}  // namespace echoscan
