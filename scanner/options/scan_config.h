// What one scan is to do: the command line and the config file, parsed, checked, with defaults
// filled in.
//
// CLI11 reads both (the format of --config is its own), so that an option works the same in either.
// A value that makes no sense is refused here, with the option's name, before anything is opened;
// the set-up finds out whether an interface exists or a list can be read. Each stage of the scan
// has a part, so that a function takes the part that it uses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "output/result/result_format.h"
#include "output/sink/output_file.h"
#include "scanner/checkpoint/checkpoint.h"
#include "scanner/options/array_job.h"
#include "scanner/options/bundle_config.h"
#include "scanner/options/emission.h"
#include "scanner/options/option_group.h"
#include "scanner/options/order_config.h"
#include "scanner/options/path_config.h"
#include "scanner/options/record_config.h"
#include "scanner/options/sandbox_config.h"
#include "scanner/options/target_options.h"
#include "scanner/transmit/probe_rate.h"

namespace echoscan {

enum class StatusStyle { text, off, json };

struct PaceConfig {
  ProbeRate rate_pps = 10'000;               // over all queues; Pacer::kUnlimited for max
  std::string bandwidth;                     // as given; empty: no limit of its own
  std::optional<ProbeRate> per_slash24_pps;  // to any one /24 network
  std::optional<double> max_runtime_s;       // of sending
  std::uint64_t max_results = 0;             // first replies that end the sending; 0: none do
  std::optional<double> min_hit_rate;        // replies by targets, below which the scan ends
  double cooldown_s = 8;
  std::optional<double> pass_gap_s;  // from the end of a pass to the next
  ProbeRate control_rate_pps = 0;    // of --control; from where the rate that is allowed is known
};

// A retry without --pass-gap waits for what is on its way.
inline constexpr double kRetryGapS = 1;
inline double pass_gap_s(const OrderConfig& order, const PaceConfig& pace) {
  return pace.pass_gap_s.value_or(order.retries > 0 ? kRetryGapS : 0);
}

// Where the metrics are served.
struct MetricsConfig {
  std::string address = "127.0.0.1";  // IPv4 or IPv6
  std::uint16_t port = 0;             // 0: one that is free
};

enum class Continuation {
  usual,  // in an array job, where the results can be gone on with
  asked,  // an error where they cannot
  off,
};

enum class Checkpointing {
  usual,  // where the results can be gone on with
  asked,  // an error where they cannot
  off,
};

struct OutputConfig {
  std::string path = "-";  // of the results; "-" is standard output
  Checkpointing checkpointing = Checkpointing::usual;
  Continuation continuation = Continuation::usual;
  double checkpoint_interval_s = 10;
  std::string why_no_checkpoint;  // a clause; empty: there is one
  OutputMode mode = OutputMode::replace;
  ResultFormat::Syntax syntax = ResultFormat::Syntax::jsonl;
  std::vector<const ResultField*> fields;  // empty: all
  Emission emission;
  std::vector<std::string> geo_databases;
  std::string summary_path;  // empty: none
  StatusStyle status = StatusStyle::text;
  std::string status_file;  // empty: none
  double status_interval_s = 1;
  std::optional<MetricsConfig> metrics;  // none: nothing listens
};

struct ScanConfig {
  TargetConfig target;
  OrderConfig order;
  PathConfig path;
  PaceConfig pace;
  OutputConfig output;
  BundleConfig bundle;
  SandboxConfig sandbox;
  RecordConfig record;
  Task task;                               // that this process is, for a scheduler
  std::vector<std::string> arguments;      // of the first leg, for those that follow
  bool is_continued = false;               // with what an earlier turn has left (turn.h)
  std::string resumed_results;             // whose scan goes on; empty: it is a new one
  std::optional<Checkpoint> resumed = {};  // where that has ended
  Verbosity verbosity = Verbosity::normal;
  bool dry_run = false;
  bool fails_if_silent = false;  // exit status 1 when nobody has replied
};

// Parses the arguments behind `echoscan scan`. nullopt when they asked for help, which is then
// printed to standard output. The environment (std::getenv in main) gives the shard when no option
// does, and nothing else. `prints_on_terminal`: standard output is one, so that results are for
// people unless an option says otherwise. Throws UserError.
std::optional<ScanConfig> parse_scan_config(const std::vector<std::string>& arguments,
                                            const Environment& environment = empty_environment,
                                            bool prints_on_terminal = false);

// "9099", ":9099", "192.0.2.1:9099" or "[::1]:9099"; nullopt for anything else.
std::optional<MetricsConfig> parse_metrics(std::string_view text);

}  // namespace echoscan
