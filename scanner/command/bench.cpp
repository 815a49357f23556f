#include "scanner/command/bench.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "output/sink/output_file.h"
#include "scanner/command/bench_table.h"
#include "scanner/path/link_path.h"
#include "scanner/path/network_path.h"
#include "scanner/path/receive_path.h"
#include "scanner/path/transmit_path.h"
#include "scanner/plan/way_plan.h"
#include "scanner/process/clock.h"
#include "scanner/process/limits.h"
#include "scanner/process/log.h"
#include "scanner/transmit/pacer.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

namespace asio = boost::asio;

constexpr double kLinkTimeoutS = 30;
constexpr std::uint64_t kSettleNs = 1'000'000'000;
// Replies are not read, so the key need not be secret.
constexpr probe_key kBenchKey{{1, 2}, {3, 4}};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The body of a stream's thread.
void flood(Transmitter& transmitter, bool has_thread, Ipv4 destination, int cpu,
           const std::atomic<bool>& stop, Clock& clock) {
  if (!has_thread) pin_to(cpu);
  std::array<Target, Transmitter::kBatchSize> batch;
  batch.fill({destination, 0});
  std::uint64_t back_off_ns = Transmitter::kBackOffMinNs;
  while (!stop.load(std::memory_order_relaxed)) {
    transmitter.take_back(batch);  // its targets are all the same
    if (transmitter.send(batch) > 0) {
      back_off_ns = Transmitter::kBackOffMinNs;
      continue;
    }
    clock.wait_until(clock.now_ns() + back_off_ns);
    back_off_ns = std::min(back_off_ns * 2, Transmitter::kBackOffMaxNs);
  }
  const std::uint64_t deadline_ns = clock.now_ns() + kSettleNs;
  while (!transmitter.settle() && clock.now_ns() < deadline_ns)
    clock.wait_until(clock.now_ns() + Transmitter::kBackOffMinNs);
  transmitter.give_up();
}

// Waits on the caller's thread for a time to pass, or for SIGINT or SIGTERM.
class Stopwatch {
 public:
  Stopwatch() : signals_(io_, SIGINT, SIGTERM), timer_(io_) {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (!error) signal_ = signal;
    });
  }

  // Returns after `seconds`, or sooner when a signal has come.
  void wait(double seconds) {
    bool is_over = false;
    timer_.expires_after(std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(seconds)));
    timer_.async_wait([&is_over](const boost::system::error_code&) { is_over = true; });
    while (!is_over && signal_ == 0) io_.run_one();
    timer_.cancel();
    while (!is_over) io_.run_one();
  }
  // The signal that has come; 0 when none has.
  [[nodiscard]] int signal() const { return signal_; }

 private:
  asio::io_context io_;
  asio::signal_set signals_;
  asio::steady_timer timer_;
  int signal_ = 0;
};

tl::expected<OpenedQueues, Refusal> try_open(Method method, const TransmitSetup& setup) {
  try {
    return open_method(method, setup);
  } catch (const std::exception& error) {
    return refused(error.what());
  }
}

// Sends by a method that works here for the duration asked for, and fills its row.
void measure(const OpenedQueues& opened, const BenchConfig& config, const TransmitSetup& setup,
             const Link& link, Stopwatch& stopwatch, BenchRow& row) {
  std::atomic<bool> stop = false;
  const std::uint64_t packets_before = link.tx_packets().value_or(0);
  const double cpu_before_s = cpu_seconds();
  const std::uint64_t start_ns = setup.clock.now_ns();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < opened.transmitters.size(); ++i)
    threads.emplace_back([&, i] {
      flood(*opened.transmitters[i], opened.has_threads, *config.destination,
            setup.cpus[i % setup.cpus.size()], stop, setup.clock);
    });
  stopwatch.wait(config.duration_s);
  stop.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads) thread.join();
  row.seconds = static_cast<double>(setup.clock.now_ns() - start_ns) / 1e9;
  row.cpu_s = cpu_seconds() - cpu_before_s;
  row.interface_packets = link.tx_packets().value_or(packets_before) - packets_before;
  row.mode = opened.transmitters.front()->mode();
  int error = 0;
  for (const std::unique_ptr<Transmitter>& transmitter : opened.transmitters) {
    const TransmitCounters& counters = transmitter->counters();
    row.sent += counters.sent.get();
    row.refused += counters.refusals.get() + counters.refused.get() + counters.unroutable.get();
    if (transmitter->last_error() != 0) error = transmitter->last_error();
  }
  if (row.sent == 0)
    row.unavailable = error == 0
                          ? "no frame left in that time"
                          : fmt::format("the kernel took nothing ({})", std::strerror(error));
}

// The path to the bench's host. A host on the link is its own next hop.
NetworkPath find_bench_path(const BenchConfig& config) {
  PathConfig asked;
  asked.interface_name = config.interface_name;
  asked.gateway_mac = config.gateway_mac;
  const AddressRange destination{*config.destination, *config.destination};
  NetworkPath path = find_network_path(asked, plan_ways(asked, {&destination, 1}).shares);
  if (path.gateway_mac) return path;
  if (!path.kernel_routes || !path.interface.is_ethernet || path.interface.is_loopback) return path;
  path.kernel_routes = false;
  path.gateways = {{path.interface.name,
                    path.interface.index,
                    path.interface.mac,
                    *config.destination,
                    {},
                    path.source,
                    true}};
  return path;
}

// Attaches the reply filter, where frames are sent at all.
tl::expected<ReceivePath, Refusal> attach_filter(const NetworkPath& path) {
  if (path.kernel_routes) return refused("the kernel routes all probes");
  try {
    ReceivePath opened = open_receive_path(Method::af_xdp, path, kBenchKey, Pacer::kUnlimited);
    if (!opened.is_xdp) return refused("no Ethernet");
    return opened;
  } catch (const UserError& error) {
    return refused(error.what());
  }
}

constexpr const char* kPortOverInterface = "net_af_xdp0";
constexpr const char* kPortToNowhere = "net_null0";

// The devices that DPDK is to make up: it starts once, for all rows.
std::string port_arguments(const BenchConfig& config) {
  std::string text;
  for (const Method method : config.methods) {
    if (method == Method::dpdk)
      text += fmt::format(" --vdev={},iface={},queue_count={}", kPortOverInterface,
                          config.interface_name, config.streams);
    if (method == Method::dpdk_null) text += fmt::format(" --vdev={}", kPortToNowhere);
  }
  return text;
}

// Sends by DPDK, over the bench's interface or to nowhere; the reply filter must be off, since
// DPDK's driver has a program of its own.
void measure_port(Method method, const BenchConfig& config, const NetworkPath& path,
                  TransmitSetup setup, Stopwatch& stopwatch, BenchRow& row) {
  try {
    NetworkPath by_port = path;
    by_port.port = DpdkPort::find(method == Method::dpdk ? kPortOverInterface : kPortToNowhere,
                                  port_arguments(config), config.streams);
    by_port.port->open(config.streams, config.frame_bytes);
    setup.port = by_port.port;
    if (const auto opened = open_method(method, setup)) {
      measure(*opened, config, setup, *open_link(by_port), stopwatch, row);
    } else {
      row.unavailable = opened.error().reason;
    }
  } catch (const UserError& error) {
    row.unavailable = error.what();
  }
}

// Null without a path.
std::unique_ptr<ByteSink> open_json(const std::string& path) {
  if (path.empty()) return nullptr;
  tl::expected<std::unique_ptr<ByteSink>, std::string> file =
      open_output(path, OutputMode::document);
  if (!file) throw UserError(ExitCode::output, file.error());
  return std::move(*file);
}

void write_json(ByteSink& file, const std::string& path, const BenchTable& table) {
  const int error = write_and_finish(file, bench_json(table));
  if (error == 0) return;
  const std::string remark = file.remark();
  throw UserError(ExitCode::output, fmt::format("the table could not be written to {}: {}", path,
                                                remark.empty() ? std::strerror(error) : remark));
}

}  // namespace

ExitCode run_bench(const BenchConfig& config) {
  MonotonicClock clock;
  NetworkPath path = find_bench_path(config);
  raise_locked_memory_limit();
  tl::expected<ReceivePath, Refusal> receive = attach_filter(path);
  wait_for_carrier(path.interface, clock, kLinkTimeoutS);
  resolve_gateways({}, path, clock);
  const TransmitSetup setup{
      path.interface,
      FrameTemplate(frame_addresses(path), kBenchKey,
                    std::vector<std::uint8_t>(config.frame_bytes - PROBE_FRAME_BYTES)),
      config.streams,
      receive ? receive->source->rings() : ReplyRings{},
      Pacer::kUnlimited,
      false,
      clock,
      allowed_cpus(),
      {}};

  const std::unique_ptr<Link> link = open_link(path);
  Stopwatch stopwatch;
  // Who cannot have the table is told before the flood.
  const std::unique_ptr<ByteSink> json_file = open_json(config.json_path);
  BenchTable table{path.interface.name,
                   to_string(*config.destination),
                   ECHOSCAN_VERSION,
                   config.streams,
                   config.frame_bytes,
                   config.duration_s,
                   true,
                   {}};
  for (const Method method : config.methods) {
    if (stopwatch.signal() != 0) break;
    const MethodTraits& traits = traits_of(method);
    BenchRow row;
    row.method = traits.name;
    if (path.kernel_routes && traits.sends_frames) {
      row.unavailable = fmt::format("{} takes no frames", path.interface.name);
    } else if (traits.needs_reply_filter && !receive) {
      row.unavailable = receive.error().reason;
    } else if (traits.needs_port) {
      // Those come last.
      receive = refused("it is taken off for DPDK");
      measure_port(method, config, path, setup, stopwatch, row);
    } else if (const auto opened = try_open(method, setup)) {
      measure(*opened, config, setup, *link, stopwatch, row);
    } else {
      row.unavailable = opened.error().reason;
    }
    if (config.verbosity != Verbosity::quiet) write_to_stderr(fmt::format("{} done\n", row.method));
    table.rows.push_back(std::move(row));
  }
  table.is_complete = stopwatch.signal() == 0;
  sort_rows(table);
  fmt::print("{}", printable_text(bench_text(table), true));
  if (json_file) write_json(*json_file, config.json_path, table);
  if (table.is_complete) return ExitCode::finished;
  return stopwatch.signal() == SIGINT ? ExitCode::interrupted : ExitCode::terminated;
}

}  // namespace echoscan
