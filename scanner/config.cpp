#include "scanner/config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>

#include "scanner/pacer.h"
#include "scanner/transmit_path.h"
#include "scanner/user_error.h"

namespace echoscan {
namespace {

constexpr double kRateMax = 1e9;
constexpr double kSecondsMax = 1e8;   // three years
constexpr unsigned kPassesMax = 255;  // the pass is a byte of the probe
constexpr unsigned kQueuesMax = 1024;

[[noreturn]] void refuse(const std::string& option, const std::string& value,
                         const std::string& expected) {
  throw CLI::ValidationError(option, fmt::format("'{}' is not {}", value, expected));
}

// A whole number in [low, high], and nothing else in the text.
std::uint64_t parse_count(const std::string& option, const std::string& text, std::uint64_t low,
                          std::uint64_t high) {
  std::uint64_t number = 0;
  const char* text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, number);
  if (error != std::errc() || end != text_end || number < low || number > high)
    refuse(option, text, fmt::format("a whole number from {} to {}", low, high));
  return number;
}

double parse_seconds(const std::string& option, const std::string& text) {
  double seconds = 0;
  const char* text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, seconds);
  if (error != std::errc() || end != text_end || !(seconds >= 0 && seconds <= kSecondsMax))
    refuse(option, text, "a number of seconds, 0 or more");
  return seconds;
}

// One value by one name out of a few.
template <typename Choice>
Choice parse_choice(const std::string& option, const std::string& text,
                    const std::vector<std::pair<std::string, Choice>>& choices) {
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (text == name) return choice;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  refuse(option, text, "one of: " + names);
}

// The options under one heading of --help.
class OptionGroup {
 public:
  OptionGroup(CLI::App& app, std::string heading) : app_(app), heading_(std::move(heading)) {}

  // An option whose text `parse` checks and takes, given its name for the message. Of an option
  // given twice the last counts, so that a script's default can be overridden behind it.
  void value(const std::string& name, const std::string& type_name, const std::string& description,
             const std::function<void(const std::string&, const std::string&)>& parse) {
    app_.add_option_function<std::string>(
            name, [name, parse](const std::string& text) { parse(name, text); }, description)
        ->type_name(type_name)
        ->group(heading_)
        ->take_last();
  }

  // An option whose text is taken as it is.
  void text(const std::string& name, const std::string& type_name, const std::string& description,
            std::string& text) {
    app_.add_option(name, text, description)->type_name(type_name)->group(heading_)->take_last();
  }

  // An option that may be given again and again, with one value each time.
  void list(const std::string& name, const std::string& type_name, const std::string& description,
            std::vector<std::string>& texts) {
    app_.add_option(name, texts, description)
        ->type_name(type_name)
        ->group(heading_)
        ->allow_extra_args(false);
  }

  void flag(const std::string& name, const std::string& description,
            const std::function<void()>& set) {
    app_.add_flag_callback(name, set, description)->group(heading_);
  }

 private:
  CLI::App& app_;
  std::string heading_;
};

void add_target_options(CLI::App& app, ScanConfig& config) {
  OptionGroup group(app, "Targets");
  app.add_option("target", config.targets, "Address, CIDR block or first-last range to probe")
      ->type_name("TARGET")
      ->group("Targets");
  group.list("-t,--targets", "FILE",
             "File with a target a line, '#' for comments; '-' is standard input (repeatable)",
             config.target_files);
  group.list("-x,--exclude", "TARGET",
             "Never probe this address, block or range; wins over everything (repeatable)",
             config.excludes);
  group.list("--exclude-file", "FILE", "File with an exclusion a line, like --targets (repeatable)",
             config.exclude_files);
  group.flag("--allow-reserved",
             "Also probe IANA special-purpose ranges (10.0.0.0/8, 127.0.0.0/8, ...) and multicast",
             [&config] { config.allow_reserved = true; });
  group.value("--max-targets", "N", "Probe only the first N targets of the order",
              [&config](const std::string& option, const std::string& text) {
                config.max_targets = parse_count(option, text, 1, std::uint64_t{1} << 32);
              });
}

void add_order_options(CLI::App& app, ScanConfig& config) {
  OptionGroup group(app, "Order and rate");
  group.value("--seed", "S",
              "Seed of the order; same seed, same targets: same order [random, and reported]",
              [&config](const std::string& option, const std::string& text) {
                config.seed = parse_count(option, text, 0, kSeedMax);
              });
  group.value("--probes", "K", "Probes per target, as so many passes over the whole order [1]",
              [&config](const std::string& option, const std::string& text) {
                config.passes = static_cast<unsigned>(parse_count(option, text, 1, kPassesMax));
              });
  group.value("--rate", "N[k|M]|max",
              "Probes a second over all queues; k and M multiply, max does not limit [10k]",
              [&config](const std::string& option, const std::string& text) {
                const std::optional<std::uint64_t> rate = parse_rate(text);
                if (!rate)
                  refuse(option, text,
                         "a rate: 1 to 1000M probes a second, as in 10000, 250k, 1.5M; or max");
                config.rate_pps = *rate;
              });
  group.value("--max-runtime", "SEC", "Stop sending after so many seconds",
              [&config](const std::string& option, const std::string& text) {
                config.max_runtime_s = parse_seconds(option, text);
              });
  group.value("--cooldown", "SEC", "Go on receiving so long after the last probe [8]",
              [&config](const std::string& option, const std::string& text) {
                config.cooldown_s = parse_seconds(option, text);
              });
}

void add_network_options(CLI::App& app, ScanConfig& config) {
  OptionGroup group(app, "Network");
  group.text("-i,--interface", "IF",
             "Interface to send from [the one that the route to the targets leaves by]",
             config.interface_name);
  group.value("--source-ip", "ADDRESS", "Address that probes come from [the interface's]",
              [&config](const std::string& option, const std::string& text) {
                config.source_ip = parse_ipv4(text);
                if (!config.source_ip) refuse(option, text, "an IPv4 address");
              });
  group.value("--gateway-mac", "MAC", "Ethernet address of the next hop [asked of the kernel]",
              [&config](const std::string& option, const std::string& text) {
                config.gateway_mac = parse_mac(text);
                if (!config.gateway_mac)
                  refuse(option, text, "an Ethernet address like 02:00:5e:10:00:01");
              });
  group.value("--queues", "N",
              "Transmit queues to use, a thread each [all, at most the CPUs allowed]",
              [&config](const std::string& option, const std::string& text) {
                config.queues = static_cast<unsigned>(parse_count(option, text, 1, kQueuesMax));
              });
  group.value("--method", "METHOD",
              fmt::format("How to send, one of {}: auto is af_xdp zero-copy, else copy, else "
                          "af_packet, said why [auto]",
                          scan_method_names()),
              [&config](const std::string& option, const std::string& text) {
                std::vector<std::pair<std::string, Method>> choices{{"auto", Method::automatic}};
                for (const TransmitMethod& method : transmit_methods())
                  if (method.in_scan) choices.emplace_back(method.name, method.method);
                config.method = parse_choice<Method>(option, text, choices);
              });
}

void add_output_options(CLI::App& app, ScanConfig& config) {
  OptionGroup group(app, "Output");
  group.text("-o,--output", "FILE", "File for the results; '-' is standard output [-]",
             config.output_path);
  group.value("--format", "jsonl", "Format of the results: one JSON object a line [jsonl]",
              [](const std::string& option, const std::string& text) {
                parse_choice<bool>(option, text, {{"jsonl", true}});
              });
  group.value("--emit", "replies", "What is a result: each target's first reply [replies]",
              [](const std::string& option, const std::string& text) {
                parse_choice<bool>(option, text, {{"replies", true}});
              });
  group.text("--summary", "FILE", "File for the closing ledger, one JSON object",
             config.summary_path);
  group.value(
      "--status", "auto|off|json",
      "A line a second on standard error: auto is text, unless -q [auto]",
      [&config](const std::string& option, const std::string& text) {
        config.status = parse_choice<StatusStyle>(
            option, text,
            {{"auto", StatusStyle::text}, {"off", StatusStyle::off}, {"json", StatusStyle::json}});
      });
  group.flag("-v,--verbose", "Say more on standard error",
             [&config] { config.verbosity = Verbosity::verbose; });
  group.flag("-q,--quiet", "Say only warnings and errors on standard error",
             [&config] { config.verbosity = Verbosity::quiet; });
  group.flag(
      "--dry-run",
      "Send nothing: print the plan on standard error, the targets in order on standard output",
      [&config] { config.dry_run = true; });
}

// CLI11's sentences about a config file name neither the file nor, in words, what is wrong.
std::string config_file_error(const CLI::ConfigError& error, const std::string& file) {
  const std::string text = error.what();
  const std::string_view prefix = "INI was not able to parse ";
  if (!text.starts_with(prefix)) return fmt::format("{}: {}", file, text);
  const std::string item = text.substr(prefix.size());
  if (item.find('.') != std::string::npos)
    return fmt::format("{}: options stand by themselves, without a [section]", file);
  if (item.find(' ') != std::string::npos)
    return fmt::format("{}: '{}' is not of the form option = value", file, item);
  return fmt::format("{}: there is no option '{}'", file, item);
}

void check_combinations(const ScanConfig& config) {
  if (config.targets.empty() && config.target_files.empty())
    throw UserError(ExitCode::bad_usage,
                    "no targets: give addresses, CIDR blocks or ranges, or a list with -t FILE "
                    "(see echoscan scan --help)");
  if (config.output_path.empty())
    throw UserError(ExitCode::bad_usage, "--output: the name is empty");
}

}  // namespace

std::optional<std::uint64_t> parse_rate(const std::string& text) {
  if (text == "max") return Pacer::kUnlimited;
  double number = 0;
  const char* text_end = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), text_end, number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  double factor = 1;
  if (end != text_end && (*end == 'k' || *end == 'M')) factor = *end++ == 'k' ? 1e3 : 1e6;
  const double rate = std::round(number * factor);
  if (end != text_end || !(rate >= 1 && rate <= kRateMax)) return std::nullopt;
  return static_cast<std::uint64_t>(rate);
}

std::optional<ScanConfig> parse_scan_config(const std::vector<std::string>& arguments) {
  ScanConfig config;
  CLI::App app{
      "Sends one ICMP echo request to each target and writes what came back, one JSON object a "
      "line.",
      "echoscan scan"};
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.get_formatter()->column_width(34);
  add_target_options(app, config);
  add_order_options(app, config);
  add_network_options(app, config);
  add_output_options(app, config);
  CLI::Option* config_file =
      app.set_config("--config", "", "File with any of these options, as in rate = \"50k\"");
  config_file->type_name("FILE")->group("Output");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.footer(
      "Exit status: 0 finished, 2 bad usage or input, 3 the environment refuses, 4 results could "
      "not be\n"
      "written, 130 or 143 stopped by SIGINT or SIGTERM (sending ends, the cooldown is kept).");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return std::nullopt;
  } catch (const CLI::ConfigError& error) {
    throw UserError(ExitCode::bad_usage, config_file_error(error, config_file->as<std::string>()));
  } catch (const CLI::ParseError& error) {
    throw UserError(ExitCode::bad_usage,
                    fmt::format("{} (see echoscan scan --help)", error.what()));
  }
  check_combinations(config);
  if (config.verbosity == Verbosity::quiet && config.status == StatusStyle::text)
    config.status = StatusStyle::off;
  return config;
}

}  // namespace echoscan
