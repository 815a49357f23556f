#include "scanner/options/option_group.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <istream>
#include <memory>
#include <sstream>
#include <string_view>

#include "scanner/options/option_table.h"
#include "scanner/process/user_error.h"
#include "targets/prefix.h"

namespace echoscan {
namespace {

constexpr double kSecondsMax = 1e8;  // three years

// Of "-c,--count": "--count".
std::string long_name_of(const std::string& name) {
  return name.substr(name.rfind(',') + 1);
}

// The long names of all options, with or without their dashes.
std::vector<std::string> option_names(const CLI::App& app, bool has_dashes) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames())
      names.push_back((has_dashes ? "--" : "") + name);
  return names;
}

// Where a config file says something of an option, from 1; 0: nowhere.
std::size_t line_of(const std::string& file, std::string_view option) {
  std::ifstream lines(file);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::string_view text = trimmed(line);
    const std::string_view behind = text.substr(std::min(option.size(), text.size()));
    if (text.starts_with(option) && (behind.empty() || trimmed(behind).starts_with('=')))
      return number;
  }
  return 0;
}

// "options.conf:3", as editors read it.
std::string place_in(const std::string& file, std::string_view option) {
  const std::size_t line = line_of(file, option);
  return line > 0 ? fmt::format("{}:{}", file, line) : file;
}

// An option's value, empty when it was not given. CLI11 2.4 reads behind the end of none.
std::string text_of(const CLI::Option& option) {
  return option.count() > 0 ? option.as<std::string>() : "";
}

// Rewrites CLI11's errors about a config file, which name neither the file nor what is wrong.
std::string config_file_error(const CLI::App& app, const CLI::ConfigError& error,
                              const std::string& file) {
  const std::string text = error.what();
  const std::string_view prefix = "INI was not able to parse ";
  if (!text.starts_with(prefix)) return fmt::format("{}: {}", file, text);
  const std::string item = text.substr(prefix.size());
  const std::string place = place_in(file, item);
  if (item.find('.') != std::string::npos)
    return fmt::format("{}: options stand by themselves, without a [section]", file);
  if (item.find(' ') != std::string::npos)
    return fmt::format("{}: '{}' is not of the form option = value", place, item);
  return fmt::format("{}: there is no option '{}'{}", place, item,
                     nearest_name_hint(item, option_names(app, false)));
}

// What was given and is neither an option nor taken as an argument.
std::string unknown_arguments_error(const CLI::App& app) {
  const std::vector<std::string> unknown = app.remaining();
  const std::string first = unknown.empty() ? "" : unknown.front();
  const std::string name = first.substr(0, first.find('='));
  return fmt::format("there is no option '{}'{} (see {} --help)", excerpt(name),
                     nearest_name_hint(name, option_names(app, true)), app.get_name());
}

// CLI11 takes a file that cannot be read for an empty one, so that its exclusions vanish, and reads
// one without an end until there is no memory left. Of an option whose list is empty it uses the
// first value, and of a text with blanks and no quotes the last word.
class WholeFileConfig : public CLI::ConfigTOML {
 public:
  WholeFileConfig(const CLI::App& app, const CLI::Option& option) : app_(app), option_(option) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    constexpr std::size_t kBytesMax = 1 << 20;
    std::string text(kBytesMax + 1, '\0');
    errno = 0;
    input.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(input.gcount()));
    if (input.bad()) refuse_file(std::strerror(errno));
    if (text.size() > kBytesMax) refuse_file("it has more than a megabyte");
    if (text.find('\0') != std::string::npos) refuse_file("it is no text");
    std::istringstream lines(text);
    std::vector<CLI::ConfigItem> read = CLI::ConfigTOML::from_config(lines);
    for (const CLI::ConfigItem& item : read) {
      if (item.inputs.empty() && item.name != kSectionBegin && item.name != kSectionEnd)
        refuse_file(fmt::format("'{}' has no value", item.name));
      const CLI::Option* const option = app_.get_option_no_throw("--" + item.name);
      if (option != nullptr && item.inputs.size() > 1 &&
          option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeLast)
        refuse_file(
            fmt::format("'{}' has {} values and takes one; a text with blanks or commas "
                        "stands in quotes",
                        item.name, item.inputs.size()));
    }
    return read;
  }

 private:
  static constexpr std::string_view kSectionBegin = "++";
  static constexpr std::string_view kSectionEnd = "--";

  [[noreturn]] void refuse_file(const std::string& reason) const {
    throw UserError(ExitCode::bad_usage,
                    fmt::format("cannot read the options in '{}': {}", text_of(option_), reason));
  }

  const CLI::App& app_;
  const CLI::Option& option_;
};

OptionRow row_of(const CLI::Option& option) {
  OptionRow row;
  row.is_argument = option.get_positional();
  if (row.is_argument) row.names.push_back(option.get_name(true));
  for (const std::string& name : option.get_snames()) row.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) row.names.push_back("--" + name);
  if (option.get_items_expected_max() > 0) row.type_name = option.get_type_name();
  row.description = option.get_description();
  row.heading = option.get_group();
  row.is_repeatable = option.get_items_expected_max() > 1;
  return row;
}

CommandTable command_table(const CLI::App& app) {
  CommandTable table{app.get_name(), app.get_description(), app.get_footer(), {}};
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty()) table.options.push_back(row_of(*option));
  return table;
}

// Those that every command has, and that ask about it. What is hidden is for programs.
void add_questions(CLI::App& app) {
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.set_version_flag("-V,--version", "",
                       "Print version, build and what is compiled in, and exit");
  app.add_flag_callback("--help-json", [] { throw CLI::CallForAllHelp(); })
      ->group("")
      ->configurable(false);
}

}  // namespace

void ApplicationDelete::operator()(CLI::App* app) const {
  delete app;
}

Application make_application(const std::string& what, const std::string& name,
                             const std::string& footer) {
  Application app(new CLI::App(what, name));
  app->footer(footer);
  return app;
}

void refuse(const std::string& option, const std::string& value, const std::string& expected) {
  throw CLI::ValidationError(option, fmt::format("'{}' is not {}", value, expected));
}

std::uint64_t parse_count(const std::string& option, const std::string& text, std::uint64_t low,
                          std::uint64_t high) {
  std::uint64_t number = 0;
  const char* text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, number);
  if (error != std::errc() || end != text_end || number < low || number > high)
    refuse(option, text, fmt::format("a whole number from {} to {}", low, high));
  return number;
}

std::optional<double> parse_percent(const std::string& option, const std::string& text) {
  if (!text.ends_with('%')) return std::nullopt;
  double percent = 0;
  const char* sign = text.data() + text.size() - 1;
  const auto [end, error] = std::from_chars(text.data(), sign, percent, std::chars_format::fixed);
  if (error != std::errc() || end != sign || !(percent > 0 && percent <= 100))
    refuse(option, text, "a percentage above 0 and up to 100, as in 0.5%");
  return percent;
}

double parse_seconds(const std::string& option, const std::string& text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  std::string_view number = text;
  double unit = 1;
  for (const auto& [name, seconds] : kUnits) {
    if (!number.ends_with(name)) continue;
    number.remove_suffix(name.size());
    unit = seconds;
    break;
  }
  double seconds = 0;
  const char* number_end = number.data() + number.size();
  const auto [end, error] = std::from_chars(number.data(), number_end, seconds);
  seconds *= unit;
  if (error != std::errc() || end != number_end || !(seconds >= 0 && seconds <= kSecondsMax))
    refuse(option, text, "a number of seconds, 0 or more, or a time such as 500ms, 5s, 2m, 1h, 1d");
  return seconds;
}

void OptionGroup::value(const std::string& name, const std::string& type_name,
                        const std::string& description,
                        const std::function<void(const std::string&, const std::string&)>& parse) {
  app_.add_option_function<std::string>(
          name,
          [long_name = long_name_of(name), parse](const std::string& text) {
            parse(long_name, text);
          },
          description)
      ->type_name(type_name)
      ->group(heading_)
      ->take_last();
}

void OptionGroup::text(const std::string& name, const std::string& type_name,
                       const std::string& description, std::string& text) {
  app_.add_option(name, text, description)->type_name(type_name)->group(heading_)->take_last();
}

void OptionGroup::list(const std::string& name, const std::string& type_name,
                       const std::string& description, std::vector<std::string>& texts) {
  app_.add_option(name, texts, description)
      ->type_name(type_name)
      ->group(heading_)
      ->allow_extra_args(false);
}

void OptionGroup::each(const std::string& name, const std::string& type_name,
                       const std::string& description,
                       const std::function<void(const std::string&, const std::string&)>& parse) {
  app_.add_option_function<std::vector<std::string>>(
          name,
          [long_name = long_name_of(name), parse](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) parse(long_name, text);
          },
          description)
      ->type_name(type_name)
      ->group(heading_)
      ->allow_extra_args(false);
}

void OptionGroup::items(const std::string& name, const std::string& type_name,
                        const std::string& description,
                        const std::function<void(const std::string&, const std::string&)>& parse) {
  each(name, type_name, description, [parse](const std::string& option, const std::string& text) {
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      parse(option, text.substr(begin, end - begin));
      begin = end + 1;
    }
  });
}

void OptionGroup::arguments(const std::string& name, const std::string& type_name,
                            const std::string& description, std::vector<std::string>& texts) {
  app_.add_option(name, texts, description)->type_name(type_name)->group(heading_);
}

void OptionGroup::flag(const std::string& name, const std::string& description,
                       const std::function<void()>& set) {
  app_.add_flag_callback(name, set, description)->group(heading_);
}

void add_verbosity(OptionGroup& group, Verbosity& verbosity) {
  group.flag("-v,--verbose", "Say more on standard error",
             [&verbosity] { verbosity = Verbosity::verbose; });
  group.flag("-q,--quiet", "Say only warnings and errors on standard error",
             [&verbosity] { verbosity = Verbosity::quiet; });
}

std::optional<std::string> parse_arguments(CLI::App& app, const std::vector<std::string>& arguments,
                                           const std::string& heading, ConfigFile config_file) {
  add_questions(app);
  app.get_formatter()->column_width(34);
  CLI::Option* config_option =
      app.set_config("--config", "",
                     config_file == ConfigFile::own_options
                         ? "File with any of these options, a line of option = value each"
                         : "File with any of these options; it may hold those of a scan, too");
  config_option->type_name("FILE")->group(heading);
  app.config_formatter(std::make_shared<WholeFileConfig>(app, *config_option));
  app.allow_config_extras(config_file == ConfigFile::own_options ? CLI::config_extras_mode::error
                                                                 : CLI::config_extras_mode::ignore);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return std::nullopt;
  } catch (const CLI::CallForAllHelp&) {
    fmt::print("{}", command_table_json(command_table(app)));
    return std::nullopt;
  } catch (const CLI::CallForVersion&) {
    throw AskedForVersion();
  } catch (const CLI::ConfigError& error) {
    throw UserError(ExitCode::bad_usage, config_file_error(app, error, text_of(*config_option)));
  } catch (const CLI::ExtrasError&) {
    throw UserError(ExitCode::bad_usage, unknown_arguments_error(app));
  } catch (const CLI::ParseError& error) {
    throw UserError(ExitCode::bad_usage,
                    fmt::format("{} (see {} --help)", error.what(), app.get_name()));
  }
  return text_of(*config_option);
}

std::vector<std::string> given_options(const CLI::App& app) {
  std::vector<std::string> given;
  for (const CLI::Option* option : app.get_options())
    if (option->count() > 0) given.push_back(option->get_name());
  return given;
}

}  // namespace echoscan
