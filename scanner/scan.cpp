#include "scanner/scan.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "output/geo/geo_table.h"
#include "output/sink/byte_sink.h"
#include "output/sink/output_file.h"
#include "scanner/account/ledger.h"
#include "scanner/network/busy_poll.h"
#include "scanner/path/network_path.h"
#include "scanner/path/receive_path.h"
#include "scanner/path/transmit_path.h"
#include "scanner/pipeline/pipeline.h"
#include "scanner/plan/dry_run.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/limits.h"
#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

constexpr unsigned kLinkSettleMs = 50;
constexpr std::uint64_t kSecondNs = 1'000'000'000;

std::unique_ptr<ByteSink> open_sink(const std::string& path, OutputMode mode) {
  tl::expected<std::unique_ptr<ByteSink>, std::string> sink = open_output(path, mode);
  if (!sink) throw UserError(ExitCode::output, sink.error());
  return std::move(*sink);
}

GeoTable load_geo(const std::vector<std::string>& databases) {
  GeoTable geo;
  for (const std::string& path : databases)
    if (const tl::expected<void, std::string> added = geo.add_database(path); !added)
      throw UserError(ExitCode::bad_usage, fmt::format("--mmdb: {}", added.error()));
  if (!geo.is_empty())
    spdlog::info("geo: {} networks from {}", with_thousands(geo.networks().size()),
                 geo.description());
  return geo;
}

// Independent of the seed: a published seed must not let anyone forge replies.
probe_key random_key() {
  probe_key key{};
  if (getrandom(&key, sizeof(key), 0) != sizeof(key)) throw_system_error("draw a random key");
  return key;
}

// 0 asked for: all of the interface's, at most the CPUs.
unsigned choose_queue_count(unsigned asked, const Interface& interface, std::size_t cpu_count) {
  if (asked > interface.queues)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--queues {}: {} has {} transmit queue{}", asked, interface.name,
                                interface.queues, interface.queues == 1 ? "" : "s"));
  if (asked > 0) return asked;
  return std::min<unsigned>(interface.queues, static_cast<unsigned>(cpu_count));
}

// A queue's sender has a CPU of its own as far as they go.
std::vector<Queue> make_queues(OpenedQueues opened, const TransmitSetup& setup) {
  std::vector<Queue> queues;
  for (unsigned number = 0; number < opened.transmitters.size(); ++number)
    queues.push_back({std::move(opened.transmitters[number]), number,
                      setup.cpus[number % setup.cpus.size()],
                      rate_share(setup.rate_pps, number, setup.queue_count), opened.keeps_rate,
                      opened.has_threads});
  return queues;
}

// Where all probes go first, for people.
std::string next_hop(const NetworkPath& path, const FrameAddresses& addresses) {
  return path.kernel_routes ? "wherever the kernel routes" : to_string(addresses.gateway_mac);
}

void announce(const ScanConfig& config, const TargetPlan& plan, const NetworkPath& path,
              const FrameAddresses& addresses, const std::vector<Queue>& queues,
              const ReplySource& source) {
  spdlog::info("from {} on {} to {}{}", to_string(path.source), path.interface.name,
               next_hop(path, addresses),
               path.gateway ? fmt::format(" ({})", to_string(*path.gateway)) : "");
  spdlog::info("sending by {} on {} queue{}, receiving by {}", queues.front().transmitter->mode(),
               queues.size(), queues.size() == 1 ? "" : "s", source.mode());
  log_plan(plan, config.order, config.pace);
}

// Says how the scan ended, and writes the summary first: nothing here may throw, since the counters
// would be lost with it.
ExitCode report(const ScanConfig& config, const ScanOutcome& outcome, const Summary& summary,
                ByteSink* summary_file) {
  const int error =
      summary_file == nullptr ? 0 : write_and_finish(*summary_file, summary_json(summary));
  if (config.verbosity != Verbosity::quiet) fmt::print(stderr, "{}", summary_text(summary));
  const std::string sentence = outcome_sentence(outcome);
  if (!sentence.empty()) fmt::print(stderr, "echoscan: {}\n", sentence);
  if (error == 0) return exit_code(outcome);
  fmt::print(stderr, "echoscan: the summary could not be written to {}: {}\n",
             config.output.summary_path, std::strerror(error));
  return ExitCode::output;
}

}  // namespace

ExitCode run_scan(const ScanConfig& config) {
  MonotonicClock clock;

  // Targets: lists less exclusions, counted, and given an order; and where addresses are.
  const TargetPlan plan = plan_targets(config.target, config.order);
  const GeoTable geo = load_geo(config.output.geo_databases);
  if (config.dry_run) return run_dry(plan, config.order, config.pace);

  // Path: interface, source address, gateway.
  const NetworkPath path = find_network_path(config.path, plan.targets);
  const std::vector<int> cpus = allowed_cpus();
  const Method method = path.kernel_routes ? Method::raw_socket : config.path.method;
  const unsigned queue_count = choose_queue_count(config.path.queues, path.interface, cpus.size());
  if (config.path.busy_poll && path.kernel_routes)
    throw UserError(
        ExitCode::environment,
        fmt::format("--busy-poll: on {} the kernel routes all probes, and AF_XDP has no "
                    "part in it",
                    path.interface.name));
  raise_locked_memory_limit();

  // Receive before send: from here every reply to a probe of ours is matched.
  const probe_key key = random_key();
  const ReceivePath receive =
      open_receive_path(method, path.interface, {key, path.source.value, 0});

  // Link and gateway: attaching XDP may have restarted the one, and the other answers only when it
  // is up.
  wait_for_carrier(path.interface, clock, kLinkSettleMs, config.path.link_timeout_s);
  const FrameAddresses addresses = resolve_frame_addresses(path, clock);

  // Transmitters: one per queue, frames written; from here the probe is fixed but for its target.
  const TransmitSetup setup{
      path.interface,       FrameTemplate(addresses, key), queue_count, receive.is_xdp,
      config.pace.rate_pps, config.path.busy_poll,         clock,       cpus,
      path.neighbours};
  const std::vector<Queue> queues = make_queues(open_queues(method, setup), setup);
  announce(config, plan, path, addresses, queues, *receive.source);

  // Output: opened before the first probe, when nothing else can refuse. Files get their names when
  // they are complete.
  const std::unique_ptr<ByteSink> results = open_sink(config.output.path, config.output.mode);
  const std::unique_ptr<ByteSink> summary_file =
      config.output.summary_path.empty()
          ? nullptr
          : open_sink(config.output.summary_path, OutputMode::replace);

  // Run: order -> senders -> wire -> filter -> rings -> receiver -> lines. From here nothing
  // throws: whatever happens, there will be a ledger.
  const std::optional<std::uint64_t> tx_packets_before = read_tx_packets(path.interface.index);
  const InterfaceLink link(path.interface);
  Pipeline pipeline(plan, config, queues, *receive.source, geo, *results, link, clock);
  std::optional<BusyPolling> busy_polling;
  if (config.path.busy_poll) busy_polling.emplace("/sys/class/net/" + path.interface.name);
  const ScanOutcome outcome = pipeline.run();
  busy_polling.reset();

  // Ledger: every probe, target and frame accounted for.
  Summary summary = make_summary(plan, config, pipeline, outcome, clock.now_ns());
  summary.interface = path.interface.name;
  summary.source = to_string(path.source);
  summary.gateway = next_hop(path, addresses);
  const std::optional<std::uint64_t> tx_packets = read_tx_packets(path.interface.index);
  if (tx_packets && tx_packets_before)
    summary.interface_tx_packets = *tx_packets - *tx_packets_before;
  return report(config, outcome, summary, summary_file.get());
}

}  // namespace echoscan
