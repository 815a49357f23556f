#include "scanner/options/sample_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "scanner/options/option_group.h"
#include "scanner/options/rate_text.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/pacer.h"

namespace echoscan {
namespace {

constexpr unsigned kPassesMax = 255;  // the pass is a byte of the probe
// Of so many passes it is known which each target has answered (pass_histories.h).
constexpr unsigned kHistoriesMin = 2;
constexpr unsigned kHistoriesMax = 8;

void add_bandwidth(CLI::App& app, PaceConfig& config) {
  OptionGroup group(app, "Order and rate");
  group.value("-B,--bandwidth", "BITS",
              "Send no more than takes so many bits a second of an Ethernet, as in 10M or 1G",
              [&config](const std::string& option, const std::string& text) {
                if (!parse_bandwidth(text))
                  refuse(option, text, "a bandwidth: 1 to 672G bits a second, as in 10M or 1G");
                config.bandwidth = text;
              });
}

}  // namespace

void add_max_targets(CLI::App& app, OrderConfig& config) {
  OptionGroup group(app, "Targets");
  group.value("-n,--max-targets", "N|P%",
              "Probe only the first N targets of the order, or P percent of them",
              [&config](const std::string& option, const std::string& text) {
                config.max_targets_percent = parse_percent(option, text);
                config.max_targets.reset();
                if (!config.max_targets_percent)
                  config.max_targets = parse_count(option, text, 1, std::uint64_t{1} << 32);
              });
}

void add_passes(CLI::App& app, OrderConfig& config) {
  OptionGroup group(app, "Order and rate");
  group.value("--probes", "K", "Probes per target, as so many passes over the whole order [1]",
              [&config](const std::string& option, const std::string& text) {
                config.passes = static_cast<unsigned>(parse_count(option, text, 1, kPassesMax));
              });
  group.value("--retry", "K", "Probe those who have not replied again, in K further passes [0]",
              [&config](const std::string& option, const std::string& text) {
                config.retries =
                    static_cast<unsigned>(parse_count(option, text, 0, kPassesMax - 1));
              });
}

void add_rate(CLI::App& app, PaceConfig& config) {
  OptionGroup group(app, "Order and rate");
  group.value("-r,--rate", "N[k|M]|max",
              "Probes a second over all queues, as in 0.5, 250k or 1e6; max does not limit [10k]",
              [&config](const std::string& option, const std::string& text) {
                const std::optional<ProbeRate> rate = parse_rate(text);
                if (!rate)
                  refuse(
                      option, text,
                      "a rate: 0.001 to 1G probes a second, as in 0.5, 10000, 250k, 1.5M; or max");
                config.rate_pps = *rate;
              });
  add_bandwidth(app, config);
}

void add_pass_gap(CLI::App& app, PaceConfig& config) {
  OptionGroup group(app, "Order and rate");
  group.value("--pass-gap", "SEC",
              "Wait so long between passes, since losses come in bursts [0; 1 with --retry]",
              [&config](const std::string& option, const std::string& text) {
                config.pass_gap_s = parse_seconds(option, text);
              });
}

void add_control(CLI::App& app, OrderConfig& config) {
  OptionGroup group(app, "Order and rate");
  group.value(
      "--control", "P%",
      "Ask the first P percent of the order slowly in the first pass, and say whether fewer "
      "answer at the full rate; needs --probes",
      [&config](const std::string& option, const std::string& text) {
        config.control_percent = parse_percent(option, text);
        if (!config.control_percent) refuse(option, text, "a percentage, with its sign, as in 1%");
      });
}

void settle_rate(PaceConfig& pace, const std::vector<std::string>& given,
                 std::size_t padding_bytes) {
  if (pace.bandwidth.empty()) return;
  const std::uint64_t probe_bits = wire_bits_per_probe(PROBE_PAYLOAD_BYTES + padding_bytes);
  const std::optional<ProbeRate> found = parse_bandwidth(pace.bandwidth, probe_bits);
  if (!found)
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("--bandwidth {}: a probe takes {} bits (--size), and fewer than one "
                    "in 1,000 s is no rate",
                    pace.bandwidth, probe_bits));
  const ProbeRate limit = *found;
  const bool is_rate_given = std::ranges::find(given, "--rate") != given.end();
  const bool is_slower =
      pace.rate_pps != Pacer::kUnlimited && pace.rate_pps.thousandths() < limit.thousandths();
  if (!is_rate_given || !is_slower) pace.rate_pps = limit;
}

void settle_passes(OrderConfig& order, const PaceConfig& pace) {
  if (order.retries > 0 && order.passes > 1)
    throw UserError(ExitCode::bad_usage,
                    "--retry and --probes: --probes K asks every target K times, --retry K only "
                    "those who have not replied; give one of them");
  order.passes += order.retries;
  if (pace.pass_gap_s && order.passes == 1)
    throw UserError(ExitCode::bad_usage,
                    "--pass-gap: there is one pass; --probes K or --retry K makes more");
  if (!order.control_percent) return;
  if (order.retries > 0 || order.passes < kHistoriesMin || order.passes > kHistoriesMax)
    throw UserError(ExitCode::bad_usage,
                    "--control compares the first pass, which asks it slowly, with the second, "
                    "which asks it at the full rate: it needs --probes 2, or up to 8");
  if (pace.rate_pps == Pacer::kUnlimited)
    throw UserError(ExitCode::bad_usage,
                    "--control asks at a tenth of the rate, and --rate max says none; give one");
}

}  // namespace echoscan
