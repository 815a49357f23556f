// What one scan is to do: the command line and the config file, parsed, checked, with defaults
// filled in.
//
// CLI11 reads both (`--config FILE` is its own format), so that an option works the same from
// either. A value that makes no sense is refused here, with the option's name, before anything is
// opened; whether an interface exists or a list can be read is for the set-up to find out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "output/result/result_format.h"
#include "output/sink/output_file.h"
#include "scanner/network/mac_address.h"
#include "scanner/options/array_job.h"
#include "scanner/options/emission.h"
#include "scanner/options/method.h"
#include "scanner/options/option_group.h"
#include "scanner/options/target_options.h"
#include "targets/address.h"
#include "targets/shard.h"

namespace echoscan {

enum class StatusStyle { text, off, json };

struct ScanConfig : TargetConfig {
  std::string interface_name;  // empty: by route
  std::optional<Ipv4> source_ip;
  std::optional<MacAddress> gateway_mac;

  std::uint64_t rate_pps = 10'000;  // Pacer::kUnlimited for max
  unsigned queues = 0;              // 0: all of the interface's, at most the CPUs allowed
  Method method = Method::automatic;
  bool busy_poll = false;
  std::optional<std::uint64_t> seed;
  unsigned passes = 1;
  std::optional<Shard> shard;  // absent: undivided
  std::string shard_source;    // where the shard was said, for the log
  double cooldown_s = 8;
  double link_timeout_s = 30;
  std::optional<std::uint64_t> max_targets;
  std::optional<double> max_targets_percent;  // of all targets; excludes max_targets
  std::optional<double> max_runtime_s;

  std::string output_path = "-";
  OutputMode output_mode = OutputMode::replace;
  ResultFormat::Syntax syntax = ResultFormat::Syntax::jsonl;
  std::vector<const ResultField*> fields;  // empty: all
  Emission emission;
  std::vector<std::string> geo_databases;
  std::string summary_path;  // empty: none
  StatusStyle status = StatusStyle::text;
  Verbosity verbosity = Verbosity::normal;
  bool dry_run = false;
};

// Seeds are below 2^53, so that a summary's seed survives every JSON reader.
inline constexpr std::uint64_t kSeedMax = (std::uint64_t{1} << 53) - 1;

// Parses the arguments behind `echoscan scan`. nullopt when they asked for help, which is then
// printed to standard output. The environment (main's is std::getenv) says the shard where no
// option does, and nothing else. Throws UserError.
std::optional<ScanConfig> parse_scan_config(const std::vector<std::string>& arguments,
                                            const Environment& environment = empty_environment);

// "10000", "250k", "1.5M" or "max" as probes a second; nullopt for anything else.
std::optional<std::uint64_t> parse_rate(const std::string& text);

}  // namespace echoscan
