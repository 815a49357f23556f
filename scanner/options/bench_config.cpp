#include "scanner/options/bench_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "scanner/options/named_files.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/frame.h"
#include "targets/special_purpose.h"

namespace echoscan {
namespace {

constexpr double kDurationMinS = 0.1;
constexpr double kDurationMaxS = 600;
constexpr unsigned kStreamsMax = 256;

Method parse_method(const std::string& option, const std::string& name) {
  std::vector<std::pair<std::string, Method>> choices;
  for (const MethodTraits& method : all_methods()) choices.emplace_back(method.name, method.method);
  return parse_choice<Method>(option, name, choices);
}

// The methods asked for, each once and in the order of all_methods(). When none was, all that send
// by the kernel's interface and leave others' traffic on it alone.
std::vector<Method> in_order(const std::vector<Method>& asked) {
  std::vector<Method> methods;
  for (const MethodTraits& method : all_methods())
    if ((asked.empty() && !method.needs_port) ||
        std::ranges::find(asked, method.method) != asked.end())
      methods.push_back(method.method);
  return methods;
}

double parse_duration(const std::string& option, const std::string& text) {
  double seconds = 0;
  const char* text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, seconds);
  if (error != std::errc() || end != text_end ||
      !(seconds >= kDurationMinS && seconds <= kDurationMaxS))
    refuse(option, text,
           fmt::format("a number of seconds from {} to {}", kDurationMinS, kDurationMaxS));
  return seconds;
}

void add_options(CLI::App& app, BenchConfig& config) {
  OptionGroup group(app, "Bench");
  group.text("-i,--interface", "IF", "Interface to send from", config.interface_name);
  group.value("--dst", "ADDRESS", "Host that all packets go to; there is no default",
              [&config](const std::string& option, const std::string& text) {
                config.destination = parse_ipv4(text);
                if (!config.destination) refuse(option, text, "an IPv4 address");
              });
  group.value("--gateway-mac", "MAC", "Ethernet address of the next hop [asked of the kernel]",
              [&config](const std::string& option, const std::string& text) {
                config.gateway_mac = parse_mac(text);
                if (!config.gateway_mac)
                  refuse(option, text, "an Ethernet address like 02:00:5e:10:00:01");
              });
  group.flag("--allow-public",
             "Let --dst be an address that the public Internet routes: someone's, who has agreed",
             [&config] { config.allow_public = true; });
  group.items("--methods", "NAME,...", "Some of the methods [all but dpdk and dpdk_null]",
              [&config](const std::string& option, const std::string& name) {
                config.methods.push_back(parse_method(option, name));
              });
  group.value("--duration", "SEC", "Send so long by each method [5]",
              [&config](const std::string& option, const std::string& text) {
                config.duration_s = parse_duration(option, text);
              });
  group.value("--streams", "N", "Queues and threads [1]",
              [&config](const std::string& option, const std::string& text) {
                config.streams = static_cast<unsigned>(parse_count(option, text, 1, kStreamsMax));
              });
  group.value("--size", "BYTES", "Ethernet frame without its checksum, 60 to 1514 [60]",
              [&config](const std::string& option, const std::string& text) {
                config.frame_bytes =
                    parse_count(option, text, PROBE_FRAME_BYTES, FrameTemplate::kFrameBytesMax);
              });
  group.text("--json", "FILE", "File for the table as one JSON object", config.json_path);
  add_verbosity(group, config.verbosity);
}

void check(const BenchConfig& config) {
  const auto refuse_usage = [](const std::string& sentence) {
    throw UserError(ExitCode::bad_usage, sentence + " (see echoscan bench --help)");
  };
  if (config.interface_name.empty()) refuse_usage("-i: name the interface to send from");
  if (!config.destination)
    refuse_usage("--dst: name the host that is to be flooded; nothing is assumed");
  const Ipv4 address = *config.destination;
  constexpr Ipv4 kThisNetworkEnd{0x01000000};
  constexpr Ipv4 kMulticast{0xe0000000};
  if (address < kThisNetworkEnd || address >= kMulticast)
    refuse_usage(fmt::format("--dst: {} is not one host", to_string(address)));
  const bool is_special =
      std::ranges::any_of(kSpecialPurposeRanges, [address](const SpecialPurposeRange& special) {
        return special.range.first <= address && address <= special.range.last;
      });
  if (!is_special && !config.allow_public)
    refuse_usage(fmt::format(
        "--dst: {} is a public address; --allow-public if its owner has agreed to be flooded",
        to_string(address)));
}

}  // namespace

std::optional<BenchConfig> parse_bench_config(const std::vector<std::string>& arguments) {
  BenchConfig config;
  std::string footer = "Methods:\n";
  for (const MethodTraits& method : all_methods())
    footer += fmt::format("  {:<32}{}{}\n", method.name, method.what,
                          method.in_scan ? "" : " (not in scan)");
  const Application app = make_application(
      "Sends probes to one host as fast as each method can, in turn, and prints what each reached.",
      "echoscan bench", footer);
  add_options(*app, config);
  const std::optional<std::string> config_file =
      parse_arguments(*app, arguments, "Bench", ConfigFile::own_options);
  if (!config_file) return std::nullopt;
  check(config);
  NamedFiles files;
  files.read("--config", {*config_file});
  files.write_standard_output();
  files.write("--json", config.json_path, OutputMode::document);
  files.refuse_clashes();
  config.methods = in_order(config.methods);
  return config;
}

}  // namespace echoscan
