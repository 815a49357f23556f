#include "scanner/options/scan_config.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "output/result/result_field.h"
#include "output/sink/file_place.h"
#include "scanner/options/named_files.h"
#include "scanner/options/nearest_name.h"
#include "scanner/options/option_group.h"
#include "scanner/options/rate_text.h"
#include "scanner/options/resumed_scan.h"
#include "scanner/options/sample_options.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/pacer.h"

namespace echoscan {
namespace {

constexpr double kStatusIntervalMin = 0.1;
constexpr unsigned kQueuesMax = 1024;
constexpr std::uint64_t kRepeatCapMax = 1'000'000'000;

const ResultField* parse_field(const std::string& option, const std::string& name) {
  const ResultField* field = find_result_field(name);
  if (!field)
    refuse(option, name,
           "a field; the fields are: " + result_field_names() +
               nearest_name_hint(name, result_field_name_list()));
  return field;
}

enum class ResultKind { replies, errors, repeats };

ResultKind parse_kind(const std::string& option, const std::string& name) {
  return parse_choice<ResultKind>(option, name,
                                  {{"replies", ResultKind::replies},
                                   {"errors", ResultKind::errors},
                                   {"repeats", ResultKind::repeats}});
}

void add_order_options(CLI::App& app, OrderConfig& config) {
  OptionGroup group(app, "Order and rate");
  group.value("-e,--seed", "S",
              "Seed of the order; same seed, same targets: same order [random, and reported]",
              [&config](const std::string& option, const std::string& text) {
                config.seed = parse_count(option, text, 0, kSeedMax);
              });
  add_passes(app, config);
  add_control(app, config);
  group.value("--shard", "I/N",
              "Probe only part I of N of the order, I from 0; needs --seed [an array job's, whole]",
              [&config](const std::string& option, const std::string& text) {
                config.shard = parse_shard(text);
                config.shard_source = option;
                if (!config.shard)
                  refuse(option, text,
                         fmt::format("a shard I/N, as in 0/4: I from 0 to N - 1, N at most {}",
                                     Shard::kCountMax));
              });
}

void add_pace_options(CLI::App& app, PaceConfig& config) {
  OptionGroup group(app, "Order and rate");
  add_rate(app, config);
  group.value(
      "--per-slash24", "R",
      "Probes a second to any one /24 network, as in 0.5: lowers the rate to what keeps that",
      [&config](const std::string& option, const std::string& text) {
        config.per_slash24_pps = parse_rate(text);
        if (!config.per_slash24_pps || config.per_slash24_pps == Pacer::kUnlimited)
          refuse(option, text, "a rate: 0.001 to 1G probes a second, as in 0.5 or 2");
      });
  group.value("--max-runtime", "SEC", "Stop sending after so many seconds",
              [&config](const std::string& option, const std::string& text) {
                config.max_runtime_s = parse_seconds(option, text);
              });
  group.value("-N,--max-results", "N",
              "Stop sending when N targets have replied; those on their way are written, too",
              [&config](const std::string& option, const std::string& text) {
                config.max_results = parse_count(option, text, 1, std::uint64_t{1} << 32);
              });
  group.value("--min-hit-rate", "P%",
              "Stop when it is certain that fewer than P percent of the targets reply, exit 5",
              [&config](const std::string& option, const std::string& text) {
                const std::optional<double> percent = parse_percent(option, text);
                if (!percent) refuse(option, text, "a percentage, with its sign, as in 0.1%");
                config.min_hit_rate = *percent / 100;
              });
  add_pass_gap(app, config);
  group.value("-c,--cooldown", "SEC", "Go on receiving so long after the last probe [8]",
              [&config](const std::string& option, const std::string& text) {
                config.cooldown_s = parse_seconds(option, text);
              });
}

void add_network_options(CLI::App& app, PathConfig& config) {
  add_path_options(app, config);
  OptionGroup group(app, "Network");
  group.value("--queues", "N",
              "Transmit queues to use, a thread each [all, at most the CPUs allowed]",
              [&config](const std::string& option, const std::string& text) {
                config.queues = static_cast<unsigned>(parse_count(option, text, 1, kQueuesMax));
              });
  group.value(
      "--link-timeout", "SEC",
      "Wait so long for the link, at the start and when it goes down later, and for a gateway or "
      "a source address that is lost [30]",
      [&config](const std::string& option, const std::string& text) {
        config.link_timeout_s = parse_seconds(option, text);
      });
  group.flag("--busy-poll",
             "With af_xdp or af_xdp_copy: hold the interface's interrupts back during the scan and "
             "poll its queues",
             [&config] { config.busy_poll = true; });
}

void add_output_options(CLI::App& app, OutputConfig& config) {
  OptionGroup group(app, "Output");
  group.text("-o,--output", "FILE",
             "File for the results, .gz and .zst compressed; '-' is standard output [-]",
             config.path);
  group.flag("--append", "Append to the file of -o",
             [&config] { config.mode = OutputMode::append; });
  group.value("--format", "jsonl|csv|ip|text",
              "JSON objects or CSV, one result a line, the targets' addresses alone, or lines for "
              "people [jsonl; csv for -o FILE.csv; text on a terminal]",
              [&config](const std::string& option, const std::string& text) {
                using Syntax = ResultFormat::Syntax;
                config.syntax = parse_choice<Syntax>(option, text,
                                                     {{"jsonl", Syntax::jsonl},
                                                      {"csv", Syntax::csv},
                                                      {"ip", Syntax::ip},
                                                      {"text", Syntax::text}});
              });
  group.items("--fields", "FIELD,...",
              "Fields of a result to write, in this order; of jsonl and csv [all]",
              [&config](const std::string& option, const std::string& name) {
                config.fields.push_back(parse_field(option, name));
              });
  group.items("--emit", "KIND,...",
              "What is written beside each target's first reply: errors, repeats [replies alone]",
              [&emission = config.emission](const std::string& option, const std::string& name) {
                const ResultKind kind = parse_kind(option, name);
                // First replies are written in any case.
                emission.errors = emission.errors || kind == ResultKind::errors;
                emission.repeats = emission.repeats || kind == ResultKind::repeats;
              });
  group.value("--repeat-cap", "N", "Lines of repeats of one target at most [10]",
              [&config](const std::string& option, const std::string& text) {
                config.emission.repeat_cap = parse_count(option, text, 1, kRepeatCapMax);
              });
  group.list("--mmdb", "FILE",
             "Database of countries, cities or AS numbers in MaxMind's format (repeatable)",
             config.geo_databases);
  group.text("--summary", "FILE", "File for the closing ledger, one JSON object",
             config.summary_path);
  group.value(
      "--status", "auto|off|json",
      "How the scan is doing, on standard error: auto is a line that redraws itself on a terminal "
      "and "
      "one each 30 s elsewhere, unless -q; json an object at each interval [auto]",
      [&config](const std::string& option, const std::string& text) {
        config.status = parse_choice<StatusStyle>(
            option, text,
            {{"auto", StatusStyle::text}, {"off", StatusStyle::off}, {"json", StatusStyle::json}});
      });
  group.text("--status-file", "FILE", "The same JSON object in a file, replaced at each interval",
             config.status_file);
  group.value("--status-interval", "SEC", "How often that is, 0.1 or more [1]",
              [&config](const std::string& option, const std::string& text) {
                config.status_interval_s = parse_seconds(option, text);
                if (config.status_interval_s < kStatusIntervalMin)
                  refuse(option, text, "a number of seconds, 0.1 or more");
              });
}

void add_metrics(CLI::App& app, OutputConfig& config) {
  OptionGroup group(app, "Output");
  group.value(
      "--metrics", "[ADDR:]PORT",
      "Serve metrics for Prometheus over HTTP, at 127.0.0.1 unless an address is given [not]",
      [&config](const std::string& option, const std::string& text) {
        config.metrics = parse_metrics(text);
        if (!config.metrics)
          refuse(option, text, "a port, or an address and a port, as in 192.0.2.1:9099");
      });
}

void add_checkpoint_options(CLI::App& app, ScanConfig& config) {
  OptionGroup group(app, "Output");
  group.flag("--checkpoint",
             "Write down in FILE.scan how far the scan is, to go on from there after any end [with "
             "-o FILE]",
             [&config] { config.output.checkpointing = Checkpointing::asked; });
  group.flag("--no-checkpoint", "Write no such file",
             [&config] { config.output.checkpointing = Checkpointing::off; });
  group.value("--checkpoint-interval", "SEC",
              "Bring results and checkpoint to the disk so often; a loss of power costs no more "
              "[10]",
              [&config](const std::string& option, const std::string& text) {
                config.output.checkpoint_interval_s = parse_seconds(option, text);
              });
  group.text("--resume", "FILE",
             "Go on with the scan whose results are in FILE, where it was stopped or killed; all "
             "else is known, and rate, method, interface and times may be given anew",
             config.resumed_results);
}

void add_turn_options(CLI::App& app, ScanConfig& config) {
  OptionGroup group(app, "Output");
  group.flag(
      "--continue",
      "Go on with what the same command has left at -o, begin where it has left nothing, and "
      "end at once where it has finished [in an array job with -o FILE]",
      [&config] { config.output.continuation = Continuation::asked; });
  group.flag("--no-continue", "Begin anew, whatever is there",
             [&config] { config.output.continuation = Continuation::off; });
  group.value(
      "--wait", "SEC",
      "Wait so long for the end of another scan that is at the interface or at the results; "
      "then the exit status is 75 [60]",
      [&config](const std::string& option, const std::string& text) {
        config.path.wait_s = parse_seconds(option, text);
      });
}

void add_run_options(CLI::App& app, ScanConfig& config) {
  OptionGroup group(app, "Output");
  add_verbosity(group, config.verbosity);
  group.flag(
      "--dry-run",
      "Send nothing: print the plan on standard error, the targets in order on standard output",
      [&config] { config.dry_run = true; });
  group.flag("--fail-if-silent", "Exit status 1 when nobody has replied",
             [&config] { config.fails_if_silent = true; });
}

// The form of the results where no option says it: that of the file's name, or for people.
void settle_form(ScanConfig& config, const std::vector<std::string>& given,
                 bool prints_on_terminal) {
  using Syntax = ResultFormat::Syntax;
  OutputConfig& output = config.output;
  const auto is_given = [&given](const char* option) {
    return std::find(given.begin(), given.end(), option) != given.end();
  };
  const bool is_for_people =
      prints_on_terminal && output.path == "-" && !config.bundle.is_written() && !config.dry_run;
  if (!is_given("--format")) {
    for (const std::string_view ending : {".csv", ".csv.gz", ".csv.zst"})
      if (output.path.ends_with(ending)) output.syntax = Syntax::csv;
    if (is_for_people && !is_given("--fields")) output.syntax = Syntax::text;
  }
  // A status line that redraws itself would stand in the midst of the results.
  if (is_for_people && !is_given("--status")) output.status = StatusStyle::off;
}

// Takes the shard of the environment unless an option gave one. A shard needs a seed: shards of
// different orders would overlap and leave gaps. Whether it was the environment's.
bool settle_shard(OrderConfig& order, const Environment& environment) {
  std::optional<ArrayJobShard> job;
  if (!order.shard) job = array_job_shard(environment);
  if (job) {
    order.shard = job->shard;
    order.shard_source = job->source;
  }
  if (order.shard && order.shard->count > 1 && !order.seed)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("shard {}/{} ({}) needs --seed: all shards must have the same one, "
                                "or they are not parts of one order",
                                order.shard->index, order.shard->count, order.shard_source));
  return job.has_value();
}

void check_output(const OutputConfig& output) {
  if (output.path.empty()) throw UserError(ExitCode::bad_usage, "--output: the name is empty");
  if (output.status_file == "-")
    throw UserError(ExitCode::bad_usage, "--status-file needs a file; --status json prints it");
  if (output.mode == OutputMode::append && output.path == "-")
    throw UserError(ExitCode::bad_usage, "--append needs a file, given with -o FILE");
  for (auto field = output.fields.begin(); field != output.fields.end(); ++field)
    if (std::find(output.fields.begin(), field, *field) != field)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("--fields: '{}' stands twice", (*field)->name));
  if (output.syntax == ResultFormat::Syntax::text && !output.fields.empty())
    throw UserError(ExitCode::bad_usage, "--fields: --format text has fields of its own");
  if (output.syntax != ResultFormat::Syntax::ip) return;
  if (!output.fields.empty())
    throw UserError(ExitCode::bad_usage, "--fields: --format ip has the target's address alone");
  if (output.emission.errors || output.emission.repeats)
    throw UserError(ExitCode::bad_usage,
                    "--emit: --format ip has the targets that replied, each once");
}

// No output may be what the scan reads, nor two outputs one file.
void check_files(const ScanConfig& config, const std::string& config_file) {
  NamedFiles files;
  files.read(config.target, config_file);
  files.read("--mmdb", config.output.geo_databases);
  files.write("-o", config.output.path, config.output.mode);
  files.write("--summary", config.output.summary_path, OutputMode::document);
  files.write("--log-file", config.record.log_file, OutputMode::append);
  files.write("--status-file", config.output.status_file, OutputMode::document);
  if (config.output.why_no_checkpoint.empty()) files.write_checkpoint(config.output.path);
  if (config.dry_run && config.output.path != "-") files.write_standard_output();
  files.refuse_clashes();
}

// Why nobody could go on with these results; empty: it can be done.
std::string why_no_checkpoint(const ScanConfig& config) {
  const OutputConfig& output = config.output;
  if (config.dry_run) return "a dry run sends nothing";
  if (config.bundle.is_written()) return "it would have the probes' keys in the bundle";
  if (output.path == "-") return "the results go to standard output (-o FILE)";
  if (config.order.retries > 0)
    return "with --retry nobody knows whom an ended scan has asked again";
  if (output.syntax == ResultFormat::Syntax::text)
    return "lines for people (--format text) are not read back";
  if (output.mode == OutputMode::append) return "with --append the file has other results, too";
  const tl::expected<FilePlace, std::string> place = find_place(output.path);
  const bool is_special = place && place->file && !S_ISREG(place->file->st_mode);
  if (!place || place->is_opened || is_special)
    return fmt::format("'{}' is no regular file", output.path);
  return {};
}

void settle_checkpoint(ScanConfig& config) {
  OutputConfig& output = config.output;
  if (output.checkpointing == Checkpointing::off) {
    output.why_no_checkpoint = "--no-checkpoint";
    return;
  }
  output.why_no_checkpoint = why_no_checkpoint(config);
  if (output.checkpointing == Checkpointing::asked && !output.why_no_checkpoint.empty())
    throw UserError(ExitCode::bad_usage, fmt::format("--checkpoint: {}", output.why_no_checkpoint));
}

// An array job's task may be begun again, on another machine, too.
void settle_continuation(ScanConfig& config, bool is_array_job) {
  const std::string why_not = config.sandbox.user
                                  ? "the files of another user cannot be locked (sudo, --user)"
                                  : config.output.why_no_checkpoint;
  // What would be sent is the same, whatever has been.
  if (config.dry_run) return;
  const bool is_asked = config.output.continuation == Continuation::asked;
  if (is_asked && !why_not.empty())
    throw UserError(ExitCode::bad_usage, fmt::format("--continue: {}", why_not));
  config.is_continued = is_asked || (is_array_job && why_not.empty() &&
                                     config.output.continuation == Continuation::usual);
}

// Puts what is known of this process in the place of {shard}, {shards}, {host} and {job}.
void fill_in(std::string& path, const std::string& option, const ScanConfig& config) {
  const Shard shard = config.order.shard.value_or(Shard{});
  const std::pair<std::string_view, std::string> words[] = {
      {"{shard}", std::to_string(shard.index)},
      {"{shards}", std::to_string(shard.count)},
      {"{host}", config.task.host},
      {"{job}", config.task.job}};
  for (const auto& [word, value] : words)
    for (std::size_t place = 0; (place = path.find(word, place)) != std::string::npos;) {
      if (value.empty() || value.find('/') != std::string::npos)
        throw UserError(ExitCode::bad_usage,
                        fmt::format("{} '{}': {} is not known here{}", option, path, word,
                                    word == "{job}" ? "; ECHOSCAN_JOB says it" : ""));
      path.replace(place, word.size(), value);
      place += value.size();
    }
}

void fill_in_names(ScanConfig& config) {
  if (!config.resumed) fill_in(config.output.path, "-o", config);
  fill_in(config.output.summary_path, "--summary", config);
  fill_in(config.bundle.folder, "--bundle", config);
}

}  // namespace

std::optional<MetricsConfig> parse_metrics(std::string_view text) {
  MetricsConfig metrics;
  const std::size_t colon = text.rfind(':');
  const std::string_view port = text.substr(colon == text.npos ? 0 : colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), metrics.port);
  if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  std::string_view address = text.substr(0, colon == text.npos ? 0 : colon);
  const bool is_bracketed = address.starts_with('[') && address.ends_with(']');
  if (is_bracketed) address = address.substr(1, address.size() - 2);
  if (address.empty()) return is_bracketed ? std::nullopt : std::optional(metrics);
  metrics.address = address;
  in6_addr parsed{};
  // Without brackets nobody knows where an IPv6 address ends.
  if (inet_pton(is_bracketed ? AF_INET6 : AF_INET, metrics.address.c_str(), &parsed) != 1)
    return std::nullopt;
  return metrics;
}

namespace {

// Parses the arguments into `config`, and nothing is checked that depends on several of them.
std::optional<std::string> parse_options(const std::vector<std::string>& arguments,
                                         ScanConfig& config, std::vector<std::string>& given) {
  const Application app = make_application(
      "Sends one ICMP echo request to each target and writes what came back, one JSON object a "
      "line.",
      "echoscan scan",
      "Exit status: 0 finished, 2 bad usage or input, 3 the environment refuses, 4 results could "
      "not be\n"
      "written, 5 below --min-hit-rate, 75 another scan is still there (--wait), 130 or 143 "
      "stopped "
      "by SIGINT or\nSIGTERM (sending ends, the cooldown is kept).");
  add_target_arguments(*app, config.target);
  add_target_options(*app, config.target);
  add_max_targets(*app, config.order);
  add_order_options(*app, config.order);
  add_pace_options(*app, config.pace);
  add_network_options(*app, config.path);
  add_header_options(*app, config.path);
  add_payload_options(*app, config.path.payload);
  add_output_options(*app, config.output);
  add_metrics(*app, config.output);
  add_record_options(*app, config.record);
  add_bundle_options(*app, config.bundle);
  add_checkpoint_options(*app, config);
  add_turn_options(*app, config);
  add_sandbox_options(*app, config.sandbox);
  add_run_options(*app, config);
  std::optional<std::string> config_file =
      parse_arguments(*app, arguments, "Output", ConfigFile::own_options);
  given = given_options(*app);
  return config_file;
}

}  // namespace

std::optional<ScanConfig> parse_scan_config(const std::vector<std::string>& arguments,
                                            const Environment& environment,
                                            bool prints_on_terminal) {
  ScanConfig config;
  std::vector<std::string> given;
  std::optional<std::string> config_file = parse_options(arguments, config, given);
  if (!config_file) return std::nullopt;
  config.arguments = arguments;
  const bool is_resumed = std::find(given.begin(), given.end(), "--resume") != given.end();
  settle_user(config.sandbox, environment);
  // Each leg's own: whoever wrote the checkpoint must not choose who opens the files that it names.
  SandboxConfig sandbox = config.sandbox;
  if (is_resumed) {
    ResumedScan resumed = open_resumed_scan(config.resumed_results, arguments, given,
                                            sandbox.user ? sandbox.user->uid : geteuid());
    const bool is_foreign = resumed.checkpoint.owner != geteuid();
    if (is_foreign) sandbox.is_users_word = true;
    const bool has_own_args = std::ranges::count(given, "--dpdk-args") > 0;
    const bool has_own_sources = std::ranges::count(given, "--source-ip") > 0;
    const std::string summary_path = absolute_path(resumed.from, config.output.summary_path);
    const std::string status_file = absolute_path(resumed.from, config.output.status_file);
    config = {};
    config_file = parse_options(resumed.arguments, config, given);
    if (!config_file) return std::nullopt;
    // They may name a library to be loaded.
    if (is_foreign && !has_own_args && !config.path.dpdk_args.empty())
      throw UserError(ExitCode::bad_usage,
                      "--resume: the checkpoint is another user's; give --dpdk-args anew");
    if (has_own_sources) {
      ScanConfig begun;
      std::vector<std::string> given_then;
      parse_options(resumed.checkpoint.arguments, begun, given_then);
      refuse_another_pool(begun.path.source_pool, config.path.source_pool);
    }
    if (!summary_path.empty()) config.output.summary_path = summary_path;
    if (!status_file.empty()) config.output.status_file = status_file;
    take_place(std::move(resumed.checkpoint), config);
    config.sandbox = std::move(sandbox);
  }
  require_targets(config.target, "echoscan scan");
  const bool is_array_job = settle_shard(config.order, environment);
  config.task = task_of(environment);
  fill_in_names(config);
  settle_form(config, given, prints_on_terminal);
  settle_bundle(config, given);
  check_output(config.output);
  check_path_options(config.path, !config.sandbox.user_name.empty());
  settle_payload(config.path.payload);
  settle_rate(config.pace, given, config.path.payload.padding.size());
  settle_passes(config.order, config.pace);
  settle_checkpoint(config);
  settle_continuation(config, is_array_job);
  check_files(config, *config_file);
  if (config.verbosity == Verbosity::quiet && config.output.status == StatusStyle::text)
    config.output.status = StatusStyle::off;
  return config;
}

}  // namespace echoscan
