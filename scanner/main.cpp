// echoscan's entry: it chooses the command, catches what that throws, and sets the exit code.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "scanner/command/aggregate.h"
#include "scanner/command/bench.h"
#include "scanner/command/compare.h"
#include "scanner/command/doctor.h"
#include "scanner/command/merge.h"
#include "scanner/command/ping.h"
#include "scanner/command/report.h"
#include "scanner/command/target_report.h"
#include "scanner/command/verify.h"
#include "scanner/options/nearest_name.h"
#include "scanner/options/option_group.h"
#include "scanner/options/option_table.h"
#include "scanner/options/scan_config.h"
#include "scanner/process/log.h"
#include "scanner/process/message_queue.h"
#include "scanner/process/privileges.h"
#include "scanner/process/stop_signals.h"
#include "scanner/process/user_error.h"
#include "scanner/turn.h"
#include "scanner/version_text.h"
#include "targets/target_line.h"

namespace echoscan {
namespace {

// Opens each standard descriptor that is closed at the start, for reading only. Otherwise its
// number would go to the next file that is opened, and results could be written into a socket.
void keep_standard_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor)
    if (fcntl(descriptor, F_GETFD) < 0) open("/dev/null", O_RDONLY);
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
  return parse_scan_config(arguments, std::getenv, isatty(STDOUT_FILENO) == 1);
}

struct Command {
  std::string_view name;
  std::string_view what;   // for people, a clause
  std::string_view usage;  // behind the name
  ExitCode (*run)(const std::vector<std::string>& arguments);
};

constexpr std::array kCommands{
    Command{"scan", "sends the probes and writes what came back", "[options] TARGET...",
            carry_out<parse_scan, run_turn>},
    Command{"ping", "asks a few hosts at once, and prints who answers", "[options] TARGET...",
            carry_out<parse_ping_config, run_ping, Verbosity::quiet>},
    Command{"targets", "says what a scan would probe, and sends nothing", "[options] TARGET...",
            carry_out<parse_target_report_config, run_target_report>},
    Command{"aggregate", "makes tables of results", "[options] FILE...",
            carry_out<parse_aggregate_config, run_aggregate>},
    Command{"merge", "makes one scan of its shards", "[options] -o FILE --summary FILE FILE...",
            carry_out<parse_merge_config, run_merge>},
    Command{"report", "makes one HTML file of a scan, with maps and charts",
            "[options] --summary FILE -t LIST FILE...", carry_out<parse_report_config, run_report>},
    Command{"compare", "holds two scans of the same targets against each other", "[options] A B",
            carry_out<parse_compare_config, run_compare>},
    Command{"verify", "checks a bundle that a scan has left", "[options] DIR",
            carry_out<parse_verify_config, run_verify>},
    Command{"doctor", "says what this machine and interface allow, and how to fix what they do not",
            "[options] [-i INTERFACE] [--to TARGET|FILE]",
            carry_out<parse_doctor_config, run_doctor, Verbosity::quiet>},
    Command{"bench", "measures the methods of sending side by side",
            "[options] -i INTERFACE --dst ADDRESS",
            carry_out<parse_bench_config, run_bench, Verbosity::quiet>},
};

constexpr std::string_view kWhat =
    "pings very large sets of IPv4 addresses and accounts for every probe";

std::string usage() {
  std::string text = fmt::format("echoscan {}.\n\n", kWhat);
  for (const Command& command : kCommands)
    text += fmt::format("  {:<10} {}\n", command.name, command.what);
  std::string_view prefix = "\nusage: ";
  for (const Command& command : kCommands) {
    text += fmt::format("{}echoscan {} {}\n", prefix, command.name, command.usage);
    prefix = "       ";
  }
  return text + "       echoscan COMMAND --help\n       echoscan --version\n";
}

// A sentence, without the 25 lines of usage() that it would drown in.
std::string unknown_command_error(const std::string& name) {
  if (is_written_as_target(name))
    return fmt::format(
        "which command? `echoscan ping {0}` asks a few hosts at once and prints who answers; "
        "`echoscan scan {0}` asks millions, at a rate, and accounts for every probe",
        excerpt(name));
  std::vector<std::string> names;
  names.reserve(kCommands.size());
  for (const Command& command : kCommands) names.emplace_back(command.name);
  return fmt::format("there is no command '{}'{} (see echoscan --help)", excerpt(name),
                     nearest_name_hint(name, names));
}

// What --help says, for programs: completions and man pages are made of it.
std::string command_list_json() {
  std::vector<CommandListRow> rows;
  rows.reserve(kCommands.size());
  for (const Command& command : kCommands)
    rows.push_back(
        {std::string(command.name), std::string(command.what), std::string(command.usage)});
  return command_list_json(ECHOSCAN_VERSION, kWhat, rows);
}

ExitCode run_command(const std::vector<std::string>& arguments) {
  const std::string name = arguments.empty() ? "" : arguments.front();
  if (name == "-h" || name == "--help" || name == "help") {
    fmt::print("{}", usage());
    return ExitCode::finished;
  }
  if (name == "-V" || name == "--version") throw AskedForVersion();
  if (name == "--help-json") {
    fmt::print("{}", command_list_json());
    return ExitCode::finished;
  }
  if (name.empty())
    throw UserError(ExitCode::bad_usage, fmt::format("which command?\n\n{}", usage()));
  for (const Command& command : kCommands)
    if (name == command.name) return command.run({arguments.begin() + 1, arguments.end()});
  throw UserError(ExitCode::bad_usage, unknown_command_error(name));
}

int report(ExitCode code, const std::string& sentence) {
  write_to_stderr(fmt::format("echoscan: {}\n", sentence), LogLevel::error);
  return static_cast<int>(code);
}

// From here on no message waits for its reader, until all are written at the end.
struct Messages {
  MessageQueue queue{STDERR_FILENO};

  Messages() { send_messages_through(&queue); }
  ~Messages() { send_messages_through(nullptr); }
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;
};

std::string sentence_of(const std::system_error& error) {
  // What std::thread throws says nothing else.
  if (error.what() == error.code().message())
    return fmt::format(
        "cannot start a thread: {}; is their number limited (ulimit -u, a container's pids)?",
        error.what());
  const std::string hint = error.code() == std::errc::operation_not_permitted
                               ? "; " + explain_refused_socket(current_privileges())
                               : "";
  return fmt::format("cannot {}{}", error.what(), hint);
}

// Runs the command, and says what it throws.
int run_and_report(const std::vector<std::string>& arguments) {
  try {
    return static_cast<int>(run_command(arguments));
  } catch (const AskedForVersion&) {
    fmt::print("{}", version_text());
    return static_cast<int>(ExitCode::finished);
  } catch (const UserError& error) {
    return report(error.code(), error.what());
  } catch (const std::system_error& error) {
    return report(ExitCode::environment, sentence_of(error));
  } catch (const std::bad_alloc&) {
    return report(ExitCode::environment,
                  "there is not enough memory for that; is it limited (ulimit -v, a container)?");
  } catch (const std::exception& error) {
    return report(ExitCode::environment, error.what());
  }
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  // When a reader goes away, or a file reaches the limit on its size (ulimit -f), write(2) fails
  // and the scan reports it; these signals would end the process.
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  echoscan::end_at_stop_signals();
  echoscan::keep_standard_descriptors();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::optional<echoscan::Messages> messages;
  try {
    messages.emplace();
  } catch (const std::system_error& error) {
    return echoscan::report(echoscan::ExitCode::environment, echoscan::sentence_of(error));
  }
  return echoscan::run_and_report(arguments);
}
