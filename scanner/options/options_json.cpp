#include "scanner/options/options_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "output/result/result_field.h"
#include "scanner/options/resumed_scan.h"

namespace echoscan {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

template <typename T>
Json text_or_null(const std::optional<T>& value) {
  return value ? Json(to_string(*value)) : Json(nullptr);
}

Json rate_of(ProbeRate rate) {
  if (rate == 0U) return "max";
  return rate.thousandths() % ProbeRate::kParts == 0 ? Json(rate.whole_pps()) : Json(rate.pps());
}

void add_targets(Json& json, const TargetConfig& config) {
  Json ranges = Json::array();
  for (const AddressRange& range : config.allowed_ranges) ranges.push_back(to_string(range));
  json["TARGET"] = config.targets;
  json["targets"] = config.target_files;
  json["exclude"] = config.excludes;
  json["exclude-file"] = config.exclude_files;
  json["allow-range"] = std::move(ranges);
  json["allow-reserved"] = config.allow_reserved;
  json["label-filter"] = or_null(config.label_filter);
  json["skip-bad-lines"] = config.skip_bad_lines;
  json["resolve"] = config.resolves_names;
}

void add_order(Json& json, const OrderConfig& config, std::uint64_t seed) {
  const Shard shard = config.shard.value_or(Shard{});
  json["max-targets"] = config.max_targets_percent
                            ? Json(fmt::format("{}%", *config.max_targets_percent))
                            : or_null(config.max_targets);
  json["seed"] = seed;
  json["probes"] = config.retries > 0 ? 1 : config.passes;
  json["retry"] = config.retries;
  json["control"] =
      config.control_percent ? Json(fmt::format("{}%", *config.control_percent)) : Json(nullptr);
  json["shard"] = fmt::format("{}/{}", shard.index, shard.count);
}

void add_pace(Json& json, const ScanConfig& config) {
  const PaceConfig& pace = config.pace;
  json["rate"] = rate_of(pace.rate_pps);
  json["bandwidth"] = or_null(pace.bandwidth);
  json["per-slash24"] = pace.per_slash24_pps ? rate_of(*pace.per_slash24_pps) : Json(nullptr);
  json["max-runtime"] = or_null(pace.max_runtime_s);
  json["max-results"] = pace.max_results > 0 ? Json(pace.max_results) : Json(nullptr);
  json["min-hit-rate"] =
      pace.min_hit_rate ? Json(fmt::format("{}%", *pace.min_hit_rate * 100)) : Json(nullptr);
  json["pass-gap"] = pass_gap_s(config.order, pace);
  json["cooldown"] = pace.cooldown_s;
}

void add_path(Json& json, const PathConfig& config) {
  json["interface"] = or_null(config.interface_name);
  json["source-ip"] = config.source_pool.empty() ? text_or_null(config.source_ip)
                                                 : Json(to_string(config.source_pool));
  json["gateway-mac"] = text_or_null(config.gateway_mac);
  json["gateway"] = text_or_null(config.gateway);
  json["vlan"] = or_null(config.vlan);
  json["dpdk-args"] = or_null(config.dpdk_args);
  json["method"] = config.method == Method::automatic ? "auto" : traits_of(config.method).name;
  json["queues"] = config.queues > 0 ? Json(config.queues) : Json(nullptr);
  json["ttl"] = config.ttl;
  json["tos"] = config.tos;
  json["size"] = PROBE_PAYLOAD_BYTES + config.payload.padding.size();
  json["payload"] = or_null(config.payload.text);
  json["attribution"] = or_null(config.payload.attribution);
  json["link-timeout"] = config.link_timeout_s;
  json["busy-poll"] = config.busy_poll;
  json["wait"] = config.wait_s;
}

void add_output(Json& json, const OutputConfig& config) {
  const ResultForm form = form_of(config);
  const char* const status = config.status == StatusStyle::text  ? "auto"
                             : config.status == StatusStyle::off ? "off"
                                                                 : "json";
  json["format"] = form.format;
  json["fields"] = form.fields;
  json["emit"] = form.emit;
  json["repeat-cap"] = form.repeat_cap;
  json["mmdb"] = config.geo_databases;
  json["status"] = status;
  json["status-file"] = or_null(config.status_file);
  json["status-interval"] = config.status_interval_s;
  json["metrics"] = config.metrics
                        ? Json(fmt::format("{}:{}", config.metrics->address, config.metrics->port))
                        : Json(nullptr);
}

void add_run(Json& json, const ScanConfig& config) {
  json["notes"] = or_null(config.record.notes);
  json["user-metadata"] = or_null(config.record.user_metadata);
  json["log-file"] = or_null(config.record.log_file);
  json["fail-if-silent"] = config.fails_if_silent;
  json["user"] = or_null(config.sandbox.user_name);
  json["no-sandbox"] = config.sandbox.is_off;
  json["verbose"] = config.verbosity == Verbosity::verbose;
  json["quiet"] = config.verbosity == Verbosity::quiet;
  json["bundle"] = config.bundle.folder;
  json["publish"] = config.bundle.is_coarse() ? "slash24" : "full";
  json["contact"] = or_null(config.bundle.contact);
  json["vantage"] = or_null(config.bundle.vantage);
  json["ethics"] = or_null(config.bundle.ethics);
}

// Those that name addresses, or may: of targets, of who is left out, of the scanning host.
constexpr const char* kWithAddresses[] = {"TARGET",    "exclude",    "allow-range", "label-filter",
                                          "source-ip", "gateway",    "gateway-mac", "metrics",
                                          "payload",   "attribution"};

}  // namespace

std::string options_json(const ScanConfig& config, std::uint64_t seed) {
  Json options;
  add_targets(options, config.target);
  add_order(options, config.order, seed);
  add_pace(options, config);
  add_path(options, config.path);
  add_output(options, config.output);
  add_run(options, config);
  std::vector<std::string> command_line = {"echoscan", "scan"};
  command_line.insert(command_line.end(), config.arguments.begin(), config.arguments.end());
  Json json = {{"type", "options"},
               {"version", ECHOSCAN_VERSION},
               {"seed", seed},
               {"command_line", command_line},
               {"options", std::move(options)}};
  if (config.bundle.is_coarse()) {
    json["command_line"] = nullptr;
    for (const char* option : kWithAddresses) json["options"][option] = nullptr;
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace echoscan
