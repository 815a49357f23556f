// echoscan's entry: which command, the one catch, and the exit code.
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "scanner/command/aggregate.h"
#include "scanner/command/bench.h"
#include "scanner/command/doctor.h"
#include "scanner/command/target_report.h"
#include "scanner/options/scan_config.h"
#include "scanner/process/privileges.h"
#include "scanner/process/user_error.h"
#include "scanner/scan.h"

namespace echoscan {
namespace {

constexpr const char* kUsage =
    "echoscan pings very large sets of IPv4 addresses and accounts for every probe.\n"
    "\n"
    "  scan       sends the probes and writes what came back\n"
    "  targets    says what a scan would probe, and sends nothing\n"
    "  aggregate  makes tables of results\n"
    "  doctor     says what this machine and interface allow, and how to fix what they do not\n"
    "  bench      measures the methods of sending side by side\n"
    "\n"
    "usage: echoscan scan [options] TARGET...\n"
    "       echoscan targets [options] TARGET...\n"
    "       echoscan aggregate [options] FILE...\n"
    "       echoscan doctor [-i INTERFACE] [--json]\n"
    "       echoscan bench -i IF --dst ADDRESS\n"
    "       echoscan COMMAND --help\n"
    "       echoscan --version\n";

// Started with a standard descriptor closed, a process gives its number to the next thing that it
// opens, and results would go into a socket. One that cannot be written to says so instead.
void keep_standard_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor)
    if (fcntl(descriptor, F_GETFD) < 0) open("/dev/null", O_RDONLY);
}

// A scan under way has its own way to stop. Before that the process just ends, but by a handler:
// signals without one do nothing to process 1, which echoscan is in a container, and a scan that
// waits for its list or its gateway could then only be killed.
void end_by_signal(int signal) {
  _exit(static_cast<int>(signal == SIGINT ? ExitCode::interrupted : ExitCode::terminated));
}

// Standard output is for results alone.
void set_up_log(Verbosity verbosity) {
  auto log = spdlog::stderr_color_mt("echoscan");
  log->set_pattern("%H:%M:%S.%e %^%l%$: %v");
  log->set_level(verbosity == Verbosity::quiet     ? spdlog::level::warn
                 : verbosity == Verbosity::verbose ? spdlog::level::debug
                                                   : spdlog::level::info);
  spdlog::set_default_logger(std::move(log));
}

ExitCode run_scan_command(const std::vector<std::string>& arguments) {
  const std::optional<ScanConfig> config = parse_scan_config(arguments, std::getenv);
  if (!config) return ExitCode::finished;
  set_up_log(config->verbosity);
  return run_scan(*config);
}

ExitCode run_targets_command(const std::vector<std::string>& arguments) {
  const std::optional<TargetReportConfig> config = parse_target_report_config(arguments);
  if (!config) return ExitCode::finished;
  set_up_log(config->verbosity);
  return run_target_report(*config);
}

ExitCode run_bench_command(const std::vector<std::string>& arguments) {
  const std::optional<BenchConfig> config = parse_bench_config(arguments);
  if (!config) return ExitCode::finished;
  // The table is the answer; the steps to it are for -v.
  set_up_log(config->verbosity == Verbosity::normal ? Verbosity::quiet : config->verbosity);
  return run_bench(*config);
}

ExitCode run_command(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments.front();
  if (command == "-h" || command == "--help" || command == "help") {
    fmt::print("{}", kUsage);
    return ExitCode::finished;
  }
  if (command == "--version") {
    fmt::print("echoscan {}\n", ECHOSCAN_VERSION);
    return ExitCode::finished;
  }
  if (command.empty())
    throw UserError(ExitCode::bad_usage, fmt::format("which command?\n\n{}", kUsage));
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (command == "scan") return run_scan_command(rest);
  if (command == "bench") return run_bench_command(rest);
  if (command == "targets") return run_targets_command(rest);
  if (command == "doctor") {
    set_up_log(Verbosity::quiet);
    return run_doctor(rest);
  }
  if (command == "aggregate") return run_aggregate(rest);
  throw UserError(ExitCode::bad_usage,
                  fmt::format("there is no command '{}'\n\n{}", command, kUsage));
}

int report(ExitCode code, const char* sentence) {
  fmt::print(stderr, "echoscan: {}\n", sentence);
  return static_cast<int>(code);
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  using echoscan::ExitCode;
  // A reader that goes away is an error of write(2), reported as such, and not the end of the
  // process.
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
