// What a probe costs by DPDK in user space alone: CPU time of the one thread, on devices that DPDK
// makes up. net_null takes frames and drops them; on net_ring they come back, are made into answers
// as a host would, and are proved. With a device and its far end's MAC probes go to another process
// (lab_port), which counts them; what the thread spends on a full queue is then in the figure.
// Prints figures and asserts none; docs/dpdk.md says what they were, and on what.
//
//   dpdk_bench [DPDK-ARGUMENTS [DEVICE MAC]]
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bpf/match_reply.h"
#include "scanner/network/dpdk_port.h"
#include "scanner/process/clock.h"
#include "scanner/process/limits.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"
#include "scanner/transmit/method/dpdk.h"

namespace echoscan {
namespace {

constexpr int kRounds = 7;
constexpr std::uint64_t kRoundProbes = 20'000'000;
constexpr probe_key kKey{{1, 2}, {3, 4}};
constexpr Ipv4 kSource{0xc0000201};

double thread_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Runs `step`, which returns how many probes it has handled, and prints the best and the median.
void measure(const std::string& name, const std::function<std::uint64_t(std::uint32_t)>& step) {
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    const double begin_ns = thread_cpu_ns();
    std::uint64_t count = 0;
    for (std::uint32_t first = 0; count < kRoundProbes; first += 64) count += step(first);
    rounds.push_back((thread_cpu_ns() - begin_ns) / static_cast<double>(count));
  }
  std::ranges::sort(rounds);
  fmt::print("{:<42}{:>8.1f}{:>10.1f}{:>10.1f}\n", name, rounds.front(), rounds[kRounds / 2],
             1000 / rounds.front());
}

using Batch = std::array<Target, Transmitter::kBatchSize>;

Batch targets(std::uint32_t first) {
  Batch batch;
  for (std::uint32_t i = 0; i < batch.size(); ++i)
    batch[i] = {Ipv4{0x0a000000 + ((first + i) & 0xffffff)}, 0};
  return batch;
}

constexpr MacAddress kNobodysMac{{2, 0, 0, 0, 0, 2}};

FrameTemplate frames_of(const DpdkPort& port, const MacAddress& gateway = kNobodysMac) {
  return FrameTemplate({port.interface().mac, gateway, kSource}, kKey);
}

void measure_null(const std::string& arguments) {
  const std::shared_ptr<DpdkPort> port = DpdkPort::find("net_null0", arguments);
  port->open(1, PROBE_FRAME_BYTES);
  MonotonicClock clock;
  const FrameTemplate frame_template = frames_of(*port);
  DpdkTransmitter transmitter(port, 0, frame_template, {}, clock);
  measure("net_null: send", [&](std::uint32_t first) { return transmitter.send(targets(first)); });
  const dpdk_api& api = port->api();
  measure("  of it: pool and driver", [&](std::uint32_t) {
    std::array<std::uint8_t*, DPDK_BATCH_MAX> frames;
    return api.send_frames(port->number(), 0,
                           api.take_frames(port->number(), 0, frames.data(), frames.size()));
  });
  std::vector<std::array<std::uint8_t, PROBE_FRAME_BYTES>> buffers(64);
  std::array<std::uint8_t*, 64> frames;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i] = buffers[i].data();
    frame_template.fill(buffers[i]);
  }
  measure("  of it: frames", [&](std::uint32_t first) {
    frame_template.patch_batch(frames, targets(first), clock.now_ns());
    return frames.size();
  });
}

// Waits for the far end, which takes nothing before it is there.
void measure_far_end(const std::string& device, const std::string& arguments,
                     const MacAddress& far_end) {
  const std::shared_ptr<DpdkPort> port = DpdkPort::find(device, arguments);
  port->open(1, PROBE_FRAME_BYTES);
  MonotonicClock clock;
  while (!port->is_link_up()) clock.wait_until(clock.now_ns() + 10'000'000);
  DpdkTransmitter transmitter(port, 0, frames_of(*port, far_end), {}, clock);
  measure(device + ": send", [&](std::uint32_t first) { return transmitter.send(targets(first)); });
  fmt::print("{} sent\n", transmitter.counters().sent.get());
}

// Makes a probe its answer, in place.
void answer(std::uint8_t* frame) {
  std::swap_ranges(frame + 26, frame + 30, frame + 30);
  frame[34] = 0;
  const std::uint32_t sum = wire_load16(frame + 36) + 0x0800U;
  wire_store16(frame + 36, static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16)));
}

void measure_ring(const std::string& arguments) {
  const std::shared_ptr<DpdkPort> port = DpdkPort::find("net_ring0", arguments);
  port->open(1, PROBE_FRAME_BYTES);
  MonotonicClock clock;
  DpdkTransmitter transmitter(port, 0, frames_of(*port), {}, clock);
  const match_config config{kKey, kSource.value, 0};
  std::uint64_t proved = 0;
  std::uint64_t received = 0;
  // A request that comes back is none of ours, which the matcher sees before it computes a hash.
  const auto turn = [&](std::uint32_t first, bool answers) {
    const std::size_t sent = transmitter.send(targets(first));
    std::array<dpdk_frame, DPDK_BATCH_MAX> frames;
    const std::size_t count = port->api().receive(port->number(), 0, frames.data(), frames.size());
    reply record{};
    for (std::size_t i = 0; i < count; ++i) {
      // The buffer is the port's, and goes back to it as it is.
      if (answers) answer(const_cast<std::uint8_t*>(frames[i].bytes));
      const std::uint8_t* const end = frames[i].bytes + frames[i].length;
      if (match_reply(frames[i].bytes, end, &config, &record) == FRAME_REPLY) ++proved;
    }
    received += count;
    return sent;
  };
  measure("net_ring: send, receive, match no answer",
          [&](std::uint32_t first) { return turn(first, false); });
  received = 0;
  measure("net_ring: send, receive, answer, prove",
          [&](std::uint32_t first) { return turn(first, true); });
  fmt::print("{} of {} proved\n", proved, received);
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  std::string arguments = "--vdev=net_null0 --vdev=net_ring0";
  if (argc > 1) arguments += std::string(" ") + argv[1];
  echoscan::pin_to(echoscan::allowed_cpus().back());
  const auto far_end = argc == 4 ? echoscan::parse_mac(argv[3]) : std::nullopt;
  try {
    fmt::print("{:<42}{:>8}{:>10}{:>10}\n", "CPU ns a probe", "best", "median", "Mpps");
    if (far_end) {
      echoscan::measure_far_end(argv[2], arguments, *far_end);
      return 0;
    }
    echoscan::measure_null(arguments);
    echoscan::measure_ring(arguments);
  } catch (const echoscan::UserError& error) {
    fmt::print("{}\n", error.what());
    return static_cast<int>(error.code());
  }
  return 0;
}
