#include "scanner/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "output/geo/geo_table.h"
#include "output/sink/byte_sink.h"
#include "output/sink/output_file.h"
#include "output/summary/figure_text.h"
#include "output/summary/summary_text.h"
#include "scanner/account/ledger.h"
#include "scanner/account/status.h"
#include "scanner/bundle.h"
#include "scanner/command/doctor.h"
#include "scanner/confinement.h"
#include "scanner/legs.h"
#include "scanner/log_file.h"
#include "scanner/network/busy_poll.h"
#include "scanner/options/rate_text.h"
#include "scanner/path/kernel_way_survey.h"
#include "scanner/path/link_path.h"
#include "scanner/path/network_path.h"
#include "scanner/path/receive_path.h"
#include "scanner/path/transmit_path.h"
#include "scanner/pipeline/pipeline.h"
#include "scanner/plan/dry_run.h"
#include "scanner/plan/geo_databases.h"
#include "scanner/plan/slash24_pace.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/limits.h"
#include "scanner/process/log.h"
#include "scanner/process/stage_timer.h"
#include "scanner/process/stop_signals.h"
#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kReaderPollNs = 20'000'000;
// As often may the summary's reader take nothing, when the scan was told to end.
constexpr int kSummaryWaitsMax = 100;

// Each queue's sender has a CPU of its own, as far as there are enough.
std::vector<Queue> make_queues(OpenedQueues opened, ProbeRate rate_pps) {
  const std::vector<int> cpus = allowed_cpus();
  const auto count = static_cast<unsigned>(opened.transmitters.size());
  std::vector<Queue> queues;
  for (unsigned number = 0; number < count; ++number)
    queues.push_back({std::move(opened.transmitters[number]), number, cpus[number % cpus.size()],
                      rate_share(rate_pps, number, count), opened.keeps_rate, opened.has_threads});
  return queues;
}

// The way out and the way in, opened. It is built in place, since the transmitters refer to the
// interface in it.
struct OpenPaths {
  NetworkPath network;
  ReceivePath receive;
  FrameAddresses addresses{};
  ProbeRate rate_pps = 0;          // what --per-slash24 leaves of --rate
  ProbeRate control_rate_pps = 0;  // of --control
  std::vector<Queue> queues;
  NextHops next_hops;

  // Drops the plan's ways whose gateway does not answer.
  // `set_up_clock` is waited on until all is open, `clock` from then on.
  OpenPaths(const PathConfig& config, const PaceConfig& pace, const probe_key& key,
            TargetPlan& plan, Clock& set_up_clock, Clock& clock);
  OpenPaths(const OpenPaths&) = delete;
  OpenPaths& operator=(const OpenPaths&) = delete;

  // The next hop of all probes, for people.
  [[nodiscard]] std::string next_hop() const {
    return network.kernel_routes ? "wherever the kernel routes" : to_string(addresses.gateway_mac);
  }
};

// What the senders and the watch know of the gateways.
NextHops join_next_hops(const NetworkPath& network, const WayPlan& ways,
                        const FrameTemplate& frame_template) {
  NextHops next_hops;
  next_hops.current = std::make_unique<CurrentNextHops>(next_hop_map(network, ways.map));
  next_hops.table = frame_template.next_hops();
  for (std::size_t i = 0; i < network.gateways.size(); ++i)
    next_hops.table->set(i, network.gateways[i].mac, network.gateways[i].interface_mac);
  next_hops.probe = open_gateway_probe(network);
  next_hops.unwatched = network.unwatched;
  next_hops.has_other_ways = std::ranges::any_of(
      network.exit_of_way, [](const Exit& exit) { return exit.next_hop == NextHopTable::kOther; });
  return next_hops;
}

OpenPaths::OpenPaths(const PathConfig& config, const PaceConfig& pace, const probe_key& key,
                     TargetPlan& plan, Clock& set_up_clock, Clock& clock)
    : network(find_network_path(config, plan.ways.shares)) {
  network.sources.set_seed(plan.seed);
  const Interface& interface = network.interface;
  if (config.busy_poll && network.kernel_routes)
    throw UserError(
        ExitCode::environment,
        fmt::format("--busy-poll: on {} the kernel routes all probes, and AF_XDP has no "
                    "part in it",
                    interface.name));
  raise_locked_memory_limit();

  // Receiving begins before sending, so that every reply to a probe of ours is matched.
  receive = open_receive_path(method_of(config, network), network, key, pace.rate_pps,
                              Patience{config.wait_s, set_up_clock});

  // Link and gateway: attaching XDP may have restarted the link, and the gateway answers only when
  // the link is up.
  wait_for_link(network, set_up_clock, config.link_timeout_s);
  std::vector<WayShare> planned = plan.ways.shares;
  drop_ways(plan, resolve_gateways(plan.ways.shares, network, set_up_clock));
  addresses = frame_addresses(network);
  addresses.ttl = config.ttl;
  addresses.tos = config.tos;
  const FrameTemplate frame_template(addresses, key, config.payload.padding);
  next_hops = join_next_hops(network, plan.ways, frame_template);
  // Ways that are told by hand change with nothing.
  if (has_kernel_ways(config, network))
    next_hops.survey = std::make_unique<KernelWaySurvey>(
        config, network, std::move(planned), plan.ways.map,
        [&plan](const PathConfig& today) { return find_way_shares(today, plan.targets.ranges()); });

  if (!network.port) put_back_interrupts(interface);

  // Rate: which /24 is the densest depends on which targets have a way.
  const Slash24Density density = find_density(plan);
  rate_pps = allowed_rate(pace, density, plan.shard);
  control_rate_pps = control_rate(rate_pps, density, plan.shard);

  // Transmitters: one per queue, frames written; from here on only the target differs between
  // probes.
  queues = make_queues(open_queues(config, network, *next_hops.current, frame_template,
                                   receive.source->rings(), rate_pps, clock),
                       rate_pps);
}

std::string sources_for_people(const NetworkPath& network) {
  if (network.sources.empty()) return to_string(network.source);
  const std::span<const Ipv4> pool = network.sources.addresses();
  return fmt::format("{} addresses, {} to {},", with_thousands(pool.size()),
                     to_string(pool.front()), to_string(pool.back()));
}

void announce(const ScanConfig& config, const TargetPlan& plan, const OpenPaths& paths) {
  const NetworkPath& network = paths.network;
  const bool has_gateway = !network.kernel_routes && !network.gateways.empty();
  log_info("from {} on {} to {}{}", sources_for_people(network), network.interface.name,
           paths.next_hop(),
           has_gateway ? fmt::format(" ({})", to_string(network.gateways.front().address)) : "");
  log_info("sending by {} on {} queue{}, receiving by {}", paths.queues.front().transmitter->mode(),
           paths.queues.size(), plural(paths.queues.size()), paths.receive.source->mode());
  if (const std::size_t padding = config.path.payload.padding.size(); padding > 0)
    log_info("probes have {} bytes of data (--size), {} on an Ethernet's wire",
             PROBE_PAYLOAD_BYTES + padding, wire_bits_per_probe(PROBE_PAYLOAD_BYTES + padding) / 8);
  log_plan(plan, config.order, config.pace);
}

// Files get their names when they are complete.
struct Outputs {
  std::unique_ptr<ByteSink> results;
  std::unique_ptr<ByteSink> summary;  // null: none is asked for
};

// Waits for the readers of FIFOs, as long as the scan may run.
Outputs open_outputs(const OutputConfig& config, std::optional<double> max_runtime_s,
                     Clock& clock) {
  const StageTimer timer("outputs");
  const std::uint64_t begin_ns = clock.now_ns();
  const auto open = [&](const std::string& path, OutputMode mode) {
    const Pause pause = [&] {
      if (max_runtime_s && to_seconds(clock.now_ns() - begin_ns) > *max_runtime_s)
        throw UserError(ExitCode::output,
                        fmt::format("nobody has opened '{}' for reading in {} s (--max-runtime)",
                                    path, *max_runtime_s));
      clock.wait_until(clock.now_ns() + kReaderPollNs);
    };
    tl::expected<std::unique_ptr<ByteSink>, std::string> sink = open_output(path, mode, pause);
    if (!sink) throw UserError(ExitCode::output, sink.error());
    return std::move(*sink);
  };
  Outputs outputs{open(config.path, config.mode), nullptr};
  if (!config.summary_path.empty())
    outputs.summary = open(config.summary_path, OutputMode::document);
  return outputs;
}

void open_bundle(Bundle& bundle, Confinement& confinement) {
  confinement.as_user([&bundle] { bundle.open(); });
  confinement.add_folder(bundle.folder());
}

// Writes into the bundle what is known before the scan, as its user; the doctor looks as this one.
void describe(Bundle& bundle, const ScanConfig& config, const TargetPlan& plan,
              const Confinement& confinement, Clock& clock) {
  const std::string doctor =
      doctors_json(config.path, plan.targets.ranges(), clock,
                   config.bundle.is_coarse() ? DoctorsAddresses::left_out : DoctorsAddresses::told);
  confinement.as_user([&] { bundle.describe(plan, doctor); });
}

// By which method the probes of each way leave, in the plan's order; empty: none do.
std::vector<std::string> methods_of(const OpenPaths& paths) {
  const auto parts = paths.queues.front().transmitter->parts();
  std::vector<std::string> methods;
  for (const Exit& exit : std::span(paths.network.exit_of_way).subspan(1))
    methods.push_back(exit.next_hop < NextHopTable::kGone ? parts[exit.part]->mode() : "");
  return methods;
}

// What the ledger has to know of the path.
PathFigures figures_of(const OpenPaths& paths, const PayloadConfig& payload) {
  PathFigures path;
  path.interface = paths.network.interface.name;
  path.source = source_text(paths.network);
  path.source_count = std::max<std::size_t>(1, paths.network.sources.size());
  path.gateway = paths.next_hop();
  path.method_by_way = methods_of(paths);
  path.rate_pps = paths.rate_pps;
  path.payload_bytes = PROBE_PAYLOAD_BYTES + payload.padding.size();
  return path;
}

// Some drivers begin to count anew when they are set up again; then nobody knows, nor when the
// interface is gone.
std::optional<std::uint64_t> grown(std::optional<std::uint64_t> before,
                                   std::optional<std::uint64_t> after) {
  return before && after && *after >= *before ? std::optional(*after - *before) : std::nullopt;
}

// Whether an uplink that stood by was needed. What its interface counts is not only the scan's.
bool is_standby_used(const OpenPaths& paths) {
  const auto is_used = [](const Transmitter* part) { return part->counters().sent.get() > 0; };
  return std::ranges::any_of(paths.queues, [&](const Queue& queue) {
    const auto parts = queue.transmitter->parts();
    const std::size_t planned = 1 + paths.network.side_ways.size();
    return parts.size() > planned && std::ranges::any_of(parts.subspan(planned), is_used);
  });
}

// Runs the scan, and notes what the interface itself counted meanwhile.
ScanOutcome run_pipeline(Pipeline& pipeline, const Link& link, StopSignals& signals, Status& status,
                         Checkpointer* checkpointer, PathFigures& path) {
  const std::optional<std::uint64_t> before = link.tx_packets();
  const std::optional<ReceiveDrops> drops_before = link.receive_drops();
  ScanOutcome outcome = pipeline.run(signals, status, checkpointer);
  path.tx_packets = grown(before, link.tx_packets());
  if (const std::optional<ReceiveDrops> drops = link.receive_drops(); drops && drops_before) {
    path.rx_dropped = grown(drops_before->dropped, drops->dropped);
    path.rx_missed = grown(drops_before->missed, drops->missed);
    path.rx_fifo_errors = grown(drops_before->fifo_errors, drops->fifo_errors);
  }
  return outcome;
}

// Writes the summary's file; an errno. A reader that takes nothing is left when a signal asks for
// that, or when the scan was told to end.
int write_summary(ByteSink* file, const std::string& json, const ScanOutcome& outcome,
                  const StopSignals& signals) {
  if (file == nullptr) return 0;
  const bool is_patient = std::holds_alternative<Finished>(outcome);
  int waits = 0;
  return write_and_finish(*file, json, [&] {
    return !signals.pending_stop() && (is_patient || ++waits < kSummaryWaitsMax);
  });
}

// Writes the summary, and then says how the scan ended: lost results first. Nothing here may throw,
// since the counters would be lost.
ExitCode report(const ScanConfig& config, const ScanOutcome& outcome, const Summary& summary,
                const Outputs& outputs, const StopSignals& signals, const std::string& next_leg) {
  const std::string json = summary_json(summary);
  const int error = write_summary(outputs.summary.get(), json, outcome, signals);
  const std::string text = config.verbosity == Verbosity::quiet ? "" : summary_text(summary);
  const bool is_lost = exit_code(outcome) == ExitCode::output;
  if (!is_lost) write_to_stderr(text);
  if (const std::string sentence = outcome_sentence(outcome); !sentence.empty())
    write_to_stderr(fmt::format("echoscan: {}\n", sentence), LogLevel::error);
  if (is_lost) write_to_stderr(text);
  if (summary.control && summary.control->is_rate_too_high())
    log_warning(
        "fewer targets answer at the full rate than were heard slowly (--control): the rate "
        "is too high for some networks, whose silence is this scan's own doing");
  if (!next_leg.empty() && config.verbosity != Verbosity::quiet)
    write_to_stderr(fmt::format("echoscan: to go on from here: {}\n", next_leg));
  if (const std::string remark = outputs.results->remark(); !remark.empty())
    write_to_stderr(fmt::format("echoscan: {}\n", remark), LogLevel::error);
  const bool is_silent = config.fails_if_silent && summary.ledger.replied == 0 &&
                         exit_code(outcome) == ExitCode::finished;
  if (error == 0) return is_silent ? ExitCode::unanswered : exit_code(outcome);
  // A scan's account is worth more than a tidy terminal.
  const std::string remark = outputs.summary->remark();
  write_to_stderr(
      fmt::format("echoscan: the summary could not be written to {}: {}; here it is\n{}",
                  config.output.summary_path, remark.empty() ? std::strerror(error) : remark, json),
      LogLevel::error);
  return ExitCode::output;
}

}  // namespace

ExitCode run_scan(const ScanConfig& config) {
  // Targets: the lists less exclusions, counted and put in order; and where addresses are.
  LogFile log_file(config.record.log_file);
  std::optional<Bundle> bundle;
  emplace_bundle(bundle, config);
  TargetPlan plan = plan_targets(config.target, config.order);
  refuse_another_order(plan, config);
  const GeoTable geo = load_geo(config.output.geo_databases);
  if (config.dry_run) log_file.open();
  if (config.dry_run) return run_dry(std::move(plan), config.order, config.pace, config.path);

  // Output: opened before anything touches the interface, since a FIFO may wait for its reader.
  // What is opened stays as it was until the first line, and is opened as the user whose it is.
  // From here on a signal ends the scan and not the process.
  MonotonicClock clock;
  StopSignals signals;
  StoppableClock set_up_clock(clock, signals);
  Confinement confinement(config);
  confinement.as_user([&log_file] { log_file.open(); });
  if (bundle) open_bundle(*bundle, confinement);
  const Outputs outputs = confinement.as_user(
      [&] { return open_outputs(config.output, config.pace.max_runtime_s, set_up_clock); });
  Status status(config.output);

  // Ways: how the kernel would send to each target, asked before the first probe.
  add_ways(plan, config.path);
  if (bundle) describe(*bundle, config, plan, confinement, set_up_clock);

  // Paths: interface, source address and gateway; the filter that matches replies; a transmitter
  // for each queue.
  const probe_key key = key_of(config);
  const OpenPaths paths(config.path, config.pace, key, plan, set_up_clock, clock);
  announce(config, plan, paths);
  status.introduce(plan);
  const Interface& interface = paths.network.interface;
  const std::unique_ptr<Link> link = open_link(paths.network);
  std::optional<BusyPolling> busy_polling;
  if (config.path.busy_poll) busy_polling.emplace(interface);
  signals.throw_if_stopped();

  // Legs: what an earlier one has left, if this scan goes on with it, and what the next one needs.
  Legs legs(plan, config, key);

  // Sandbox: all that needs root or files elsewhere is open. The process gives up what it could do
  // beyond that, and only then reads results back.
  confinement.begin();

  // Run: order -> senders -> wire -> filter -> rings -> receiver -> lines. Nothing throws once the
  // pipeline runs, so that there will be a ledger whatever happens.
  PathFigures path = figures_of(paths, config.path.payload);
  ScanConfig paced = config;
  paced.pace.rate_pps = paths.rate_pps;
  if (config.order.control_percent) paced.pace.control_rate_pps = paths.control_rate_pps;
  Pipeline pipeline(plan, paced, paths.queues, paths.next_hops, *paths.receive.source, geo,
                    *outputs.results, *link, clock, legs.resumption());
  Checkpointer* const checkpointer = legs.begin(pipeline, *outputs.results, signals);
  if (bundle) bundle->begin();
  const ScanOutcome outcome = run_pipeline(pipeline, *link, signals, status, checkpointer, path);
  if (is_standby_used(paths)) path.tx_packets.reset();
  const std::string next_leg = legs.end(outcome);
  path.driver_counters = read_driver_counters(paths.network);

  // Ledger: what became of every probe, target and frame.
  const Summary summary = make_summary(plan, config, path, pipeline.snapshot(), pipeline.tallies(),
                                       outcome, legs.earlier());
  const ExitCode code = report(config, outcome, summary, outputs, signals, next_leg);
  return bundle ? bundle->finish(plan, geo, summary, code, signals) : code;
}

}  // namespace echoscan
