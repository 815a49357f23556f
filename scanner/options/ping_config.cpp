#include "scanner/options/ping_config.h"

#include "bpf/probe.h"
#include "scanner/options/target_options.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kCountMax = 100'000;
constexpr std::uint64_t kRetriesMax = 20;
constexpr std::size_t kPayloadBytesMax = 65'507;  // of an IPv4 packet without options

void add_what_is_asked(OptionGroup& group, PingConfig& config) {
  group.arguments("TARGET", "", "Addresses, blocks, ranges, names of hosts", config.targets);
  group.list("-t,--targets", "FILE", "Targets, a line each; `-` is standard input; repeatable",
             config.target_files);
}

void add_patience(OptionGroup& group, PingConfig& config) {
  group.value("-c,--count", "N", "Ask each target N times, whatever it answers",
              [&config](const std::string& option, const std::string& text) {
                config.count = static_cast<std::uint32_t>(parse_count(option, text, 1, kCountMax));
              });
  group.value("-i,--interval", "SEC",
              "From one request to the next, to whomever; further ones to a target count by "
              "themselves [0.01]",
              [&config](const std::string& option, const std::string& text) {
                config.interval_s = parse_seconds(option, text);
              });
  group.value("-p,--period", "SEC", "With --count: from one request to a target to its next [1]",
              [&config](const std::string& option, const std::string& text) {
                config.period_s = parse_seconds(option, text);
              });
  group.value("--timeout", "SEC",
              "Wait so long for an answer, and half as long again at each retry [0.5; with "
              "--count 2]",
              [&config](const std::string& option, const std::string& text) {
                config.timeout_s = parse_seconds(option, text);
              });
  group.value("-r,--retry", "N", "Ask a silent target up to N times more [3]",
              [&config](const std::string& option, const std::string& text) {
                config.retries =
                    static_cast<std::uint32_t>(parse_count(option, text, 0, kRetriesMax));
              });
}

void add_packet(OptionGroup& group, PingConfig& config) {
  group.value("--source-ip", "ADDRESS", "Send from this address of the host",
              [&config](const std::string& option, const std::string& text) {
                config.source = parse_ipv4(text);
                if (!config.source) refuse(option, text, "an IPv4 address");
              });
  group.text("--interface", "IF", "Send by this interface", config.interface);
  group.value("--ttl", "N", "Time to live of the requests",
              [&config](const std::string& option, const std::string& text) {
                config.ttl = static_cast<int>(parse_count(option, text, 1, 255));
              });
  group.value("--tos", "N", "Type of service: the DSCP, times 4",
              [&config](const std::string& option, const std::string& text) {
                config.tos = static_cast<int>(parse_count(option, text, 0, 255));
              });
  group.value("--size", "BYTES", "Bytes behind the ICMP header [18]",
              [&config](const std::string& option, const std::string& text) {
                config.payload_bytes = static_cast<std::size_t>(
                    parse_count(option, text, PROBE_PAYLOAD_BYTES, kPayloadBytesMax));
              });
}

void add_output(OptionGroup& group, PingConfig& config) {
  const auto choose = [&config](PingConfig::Output output) {
    return [&config, output] {
      if (config.output != PingConfig::Output::lines && config.output != output)
        throw UserError(ExitCode::bad_usage,
                        "--alive, --unreachable and --json exclude each other");
      config.output = output;
    };
  };
  group.flag("-a,--alive", "Print only the addresses that answer",
             choose(PingConfig::Output::alive));
  group.flag("-u,--unreachable", "Print only the addresses that do not",
             choose(PingConfig::Output::unreachable));
  group.flag("--json", "Print a JSON object a line", choose(PingConfig::Output::json));
  add_verbosity(group, config.verbosity);
}

}  // namespace

PingConfig::PingConfig()
    : payload_bytes(PROBE_PAYLOAD_BYTES), system_exclude_file(kSystemExcludeFile) {}

std::optional<PingConfig> parse_ping_config(const std::vector<std::string>& arguments) {
  PingConfig config;
  const Application app = make_application(
      "Asks a few hosts at once, and prints who answers, as they do. For more than 65,536 there is "
      "`echoscan scan`.",
      "echoscan ping",
      "Exit status: 0 all have answered, 1 some have not or are excluded, 2 a name or an option is "
      "wrong,\n"
      "3 the environment refuses, 4 the output could not be written.");
  OptionGroup asked(*app, "Targets");
  add_what_is_asked(asked, config);
  OptionGroup patience(*app, "Patience");
  add_patience(patience, config);
  OptionGroup packet(*app, "Packet");
  add_packet(packet, config);
  OptionGroup output(*app, "Output");
  add_output(output, config);
  if (!parse_arguments(*app, arguments, "Output", ConfigFile::own_options)) return std::nullopt;
  if (config.targets.empty() && config.target_files.empty())
    throw UserError(ExitCode::bad_usage,
                    "whom? name addresses, blocks or hosts (see echoscan ping --help)");
  return config;
}

}  // namespace echoscan
