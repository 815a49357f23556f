// echoscan's entry: it chooses the command, catches what that throws, and sets the exit code.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "scanner/command/aggregate.h"
#include "scanner/command/bench.h"
#include "scanner/command/doctor.h"
#include "scanner/command/target_report.h"
#include "scanner/options/scan_config.h"
#include "scanner/process/log.h"
#include "scanner/process/privileges.h"
#include "scanner/process/user_error.h"
#include "scanner/scan.h"

namespace echoscan {
namespace {

// Opens each standard descriptor that is closed at the start, for reading only. Otherwise its
// number would go to the next file that is opened, and results could be written into a socket.
void keep_standard_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor)
    if (fcntl(descriptor, F_GETFD) < 0) open("/dev/null", O_RDONLY);
}

// Ends the process on a signal that comes before a scan is under way; a running scan handles
// signals itself. In a container echoscan is process 1, for which the kernel ignores signals
// without a handler: a scan that waits for its list or its gateway could then only be killed.
void end_by_signal(int signal) {
  _exit(static_cast<int>(signal == SIGINT ? ExitCode::interrupted : ExitCode::terminated));
}

LogLevel lowest_level(Verbosity verbosity) {
  switch (verbosity) {
    case Verbosity::quiet:
      return LogLevel::warning;
    case Verbosity::normal:
      return LogLevel::info;
    case Verbosity::verbose:
      break;
  }
  return LogLevel::debug;
}

// Runs a command: parse, set the log up, run. `kUsualVerbosity` holds when neither -v nor -q was
// given: some commands print an answer that no log should break up.
template <auto parse, auto run, Verbosity kUsualVerbosity = Verbosity::normal>
ExitCode carry_out(const std::vector<std::string>& arguments) {
  const auto config = parse(arguments);
  if (!config) return ExitCode::finished;  // they asked for help
  set_up_log(
      lowest_level(config->verbosity == Verbosity::normal ? kUsualVerbosity : config->verbosity));
  return run(*config);
}

std::optional<ScanConfig> parse_scan(const std::vector<std::string>& arguments) {
  return parse_scan_config(arguments, std::getenv);
}

struct Command {
  std::string_view name;
  std::string_view what;   // for people, a clause
  std::string_view usage;  // behind the name
  ExitCode (*run)(const std::vector<std::string>& arguments);
};

constexpr std::array kCommands{
    Command{"scan", "sends the probes and writes what came back", "[options] TARGET...",
            carry_out<parse_scan, run_scan>},
    Command{"targets", "says what a scan would probe, and sends nothing", "[options] TARGET...",
            carry_out<parse_target_report_config, run_target_report>},
    Command{"aggregate", "makes tables of results", "[options] FILE...",
            carry_out<parse_aggregate_config, run_aggregate>},
    Command{"doctor", "says what this machine and interface allow, and how to fix what they do not",
            "[options] [-i INTERFACE] [--to TARGET|FILE]",
            carry_out<parse_doctor_config, run_doctor, Verbosity::quiet>},
    Command{"bench", "measures the methods of sending side by side",
            "[options] -i INTERFACE --dst ADDRESS",
            carry_out<parse_bench_config, run_bench, Verbosity::quiet>},
};

std::string usage() {
  std::string text =
      "echoscan pings very large sets of IPv4 addresses and accounts for every probe.\n\n";
  for (const Command& command : kCommands)
    text += fmt::format("  {:<10} {}\n", command.name, command.what);
  std::string_view prefix = "\nusage: ";
  for (const Command& command : kCommands) {
    text += fmt::format("{}echoscan {} {}\n", prefix, command.name, command.usage);
    prefix = "       ";
  }
  return text + "       echoscan COMMAND --help\n       echoscan --version\n";
}

ExitCode run_command(const std::vector<std::string>& arguments) {
  const std::string name = arguments.empty() ? "" : arguments.front();
  if (name == "-h" || name == "--help" || name == "help") {
    fmt::print("{}", usage());
    return ExitCode::finished;
  }
  if (name == "--version") {
    fmt::print("echoscan {}\n", ECHOSCAN_VERSION);
    return ExitCode::finished;
  }
  if (name.empty())
    throw UserError(ExitCode::bad_usage, fmt::format("which command?\n\n{}", usage()));
  for (const Command& command : kCommands)
    if (name == command.name) return command.run({arguments.begin() + 1, arguments.end()});
  throw UserError(ExitCode::bad_usage,
                  fmt::format("there is no command '{}'\n\n{}", name, usage()));
}

int report(ExitCode code, const char* sentence) {
  write_to_stderr(fmt::format("echoscan: {}\n", sentence));
  return static_cast<int>(code);
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  using echoscan::ExitCode;
  // When a reader goes away, write(2) fails and the scan reports it; SIGPIPE would end the process.
  std::signal(SIGPIPE, SIG_IGN);
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, echoscan::end_by_signal);
  echoscan::keep_standard_descriptors();
  try {
    return static_cast<int>(echoscan::run_command({argv + 1, argv + argc}));
  } catch (const echoscan::UserError& error) {
    return echoscan::report(error.code(), error.what());
  } catch (const std::system_error& error) {
    const std::string hint =
        error.code() == std::errc::operation_not_permitted
            ? "; " + echoscan::explain_refused_socket(echoscan::current_privileges())
            : "";
    return echoscan::report(ExitCode::environment,
                            fmt::format("cannot {}{}", error.what(), hint).c_str());
  } catch (const std::exception& error) {
    return echoscan::report(ExitCode::environment, error.what());
  }
}
