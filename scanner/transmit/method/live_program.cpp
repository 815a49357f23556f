#include "scanner/transmit/method/live_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

#include "live_sender.skel.h"
#include "scanner/network/driver_facts.h"
#include "scanner/process/kernel_clock.h"
#include "scanner/process/library_handle.h"
#include "scanner/process/mapped_memory.h"

namespace echoscan {
namespace {

static_assert(std::size_t{LIVE_FRAME_BYTES_MAX} == FrameTemplate::kFrameBytesMax);

// A live frame shares its page with headroom and bookkeeping.
constexpr std::size_t kTestFrameMax = 3000;
constexpr std::size_t kVlanBytes = 4;
// As many whole batches as the kernel can count, since each call costs milliseconds before its
// first frame.
constexpr int kRunsMax = INT_MAX / LIVE_BATCH * LIVE_BATCH;

void ignore_signal(int) {}

// What the kernel did with one test frame.
struct TestVerdict {
  int call_error = 0;  // the errno of the call; the rest means nothing then
  bool is_sent = false;
  bool is_refused = false;
  int error = 0;
};

// What the driver wants for live frames, where that is known.
std::string advice_for(const Interface& interface) {
  const std::string_view need = driver_facts(interface.driver).live_frames_need;
  return need.empty() ? "" : fmt::format("; {}", need);
}

tl::unexpected<Refusal> frame_refused(int error) {
  return refused(fmt::format("a test frame was refused ({})", std::strerror(error)), error);
}

}  // namespace

live_config make_live_config(const FrameTemplate& frame_template) {
  live_config config{};
  config.key = frame_template.key();
  const std::optional<KernelClock> clock = KernelClock::open();
  config.clock_offset_ns = static_cast<__u64>(clock ? clock->offset_ns().value_or(0) : 0);
  config.frame_bytes = static_cast<__u32>(frame_template.frame_bytes());
  frame_template.fill(config.frame);
  config.sums = frame_template.sums();
  return config;
}

struct LiveProgram::Kernel {
  LibraryHandle<live_sender_bpf, live_sender_bpf__destroy> skeleton;
  MappedMemory queues;
  bool has_handler = false;
  struct sigaction handler_before {};

  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  ~Kernel() {
    if (has_handler) sigaction(kEndSignal, &handler_before, nullptr);
  }

  // Each returns 0 or an errno.
  int load(const live_config& config, int interface_index, std::span<const int> cpus,
           const ReplyRings& reply_rings);
  int set_handler();
  int call(const bpf_program* program, std::span<std::uint8_t> frame, int repeat) const;

  [[nodiscard]] live_queue& queue(unsigned number) const { return queues.as<live_queue>()[number]; }
  // On the calling thread's CPU, which is that of the queue.
  TestVerdict test(unsigned number, std::span<std::uint8_t> frame) const;
  // Whether live frames work at all.
  [[nodiscard]] tl::expected<void, Refusal> prove_mechanism(const Interface& interface,
                                                            unsigned number) const;
};

int LiveProgram::Kernel::load(const live_config& config, int interface_index,
                              std::span<const int> cpus, const ReplyRings& reply_rings) {
  skeleton.reset(live_sender_bpf__open());
  if (!skeleton) return errno;
  std::memcpy(const_cast<live_config*>(&skeleton->rodata->config), &config, sizeof(config));
  const auto cpu_count = static_cast<__u32>(libbpf_num_possible_cpus());
  int error = bpf_map__set_max_entries(skeleton->maps.queue_of_cpu, cpu_count);
  if (error == 0)
    error = bpf_map__set_max_entries(skeleton->maps.queues, static_cast<__u32>(cpus.size()));
  if (error == 0 && reply_rings) error = bpf_map__reuse_fd(skeleton->maps.rings, reply_rings.rings);
  if (error == 0 && reply_rings) error = bpf_map__reuse_fd(skeleton->maps.mark, reply_rings.mark);
  if (error == 0) error = live_sender_bpf__load(skeleton.get());
  if (error == 0) error = live_sender_bpf__attach(skeleton.get());
  if (error != 0) return -error;
  // libbpf leaves it out where the kernel gave no memory for mapping it.
  if (skeleton->rodata == nullptr) return ENOMEM;

  queues =
      MappedMemory::shared(bpf_map__fd(skeleton->maps.queues), cpus.size() * sizeof(live_queue),
                           PROT_READ | PROT_WRITE, MAP_POPULATE);
  if (!queues) return errno;
  for (__u32 number = 1; number <= cpus.size(); ++number) {
    const auto cpu = static_cast<__u32>(cpus[number - 1]);
    if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.queue_of_cpu), &cpu, &number, BPF_ANY) != 0)
      return errno;
  }
  const __u32 only = 0;
  return bpf_map_update_elem(bpf_map__fd(skeleton->maps.devices), &only, &interface_index,
                             BPF_ANY) == 0
             ? 0
             : errno;
}

// SA_RESTART is not set, though the kernel would not restart this call anyway.
int LiveProgram::Kernel::set_handler() {
  struct sigaction action {};
  action.sa_handler = ignore_signal;
  if (sigaction(kEndSignal, &action, &handler_before) != 0) return errno;
  has_handler = true;
  return 0;
}

int LiveProgram::Kernel::call(const bpf_program* program, std::span<std::uint8_t> frame,
                              int repeat) const {
  DECLARE_LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                      .data_size_in = static_cast<__u32>(frame.size()), .repeat = repeat,
                      .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = LIVE_BATCH);
  return -bpf_prog_test_run_opts(bpf_program__fd(program), &options);
}

TestVerdict LiveProgram::Kernel::test(unsigned number, std::span<std::uint8_t> frame) const {
  live_queue& tested = queue(number);
  tested.test_in_flight = tested.test_sent = tested.test_refused = tested.test_error = 0;
  TestVerdict verdict;
  do verdict.call_error = call(skeleton->progs.self_test, frame, 1);
  while (verdict.call_error == EINTR);
  verdict.is_sent = tested.test_sent > 0;
  verdict.is_refused = tested.test_refused > 0;
  verdict.error = static_cast<int>(tested.test_error);
  return verdict;
}

tl::expected<void, Refusal> LiveProgram::Kernel::prove_mechanism(const Interface& interface,
                                                                 unsigned number) const {
  const std::size_t bytes = interface.mtu + PROBE_ETHERNET_BYTES + kVlanBytes + 1;
  if (bytes > kTestFrameMax) return {};  // jumbo frames: only the second proof is possible
  std::vector<std::uint8_t> frame(bytes);
  const TestVerdict verdict = test(number, frame);
  if (verdict.call_error == EINVAL)
    return refused("the kernel has no live frames; Linux 5.18 has", EINVAL);
  if (verdict.call_error != 0)
    return refused(
        fmt::format("the kernel does not run the program ({})", std::strerror(verdict.call_error)),
        verdict.call_error);
  if (!verdict.is_refused) return refused("the tracepoints do not say what the driver refuses");
  if (verdict.error == EOPNOTSUPP)
    return refused(
        fmt::format("the driver{}{} takes no redirected frames{}",
                    interface.driver.empty() ? "" : " ", interface.driver, advice_for(interface)),
        EOPNOTSUPP);
  if (verdict.error != EMSGSIZE) return frame_refused(verdict.error);
  return {};
}

LiveProgram::LiveProgram(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}
LiveProgram::~LiveProgram() = default;

tl::expected<std::shared_ptr<LiveProgram>, Refusal> LiveProgram::load(
    const Interface& interface, const FrameTemplate& frame_template, std::span<const int> cpus,
    const ReplyRings& reply_rings) {
  if (const auto is_safe = check_live_frames(interface.driver, kernel_release()); !is_safe)
    return tl::make_unexpected(is_safe.error());
  auto kernel = std::make_unique<Kernel>();
  int error = kernel->load(make_live_config(frame_template), interface.index, cpus, reply_rings);
  if (error == EPERM || error == EACCES)
    return refused("the tracepoints that name refused frames are not permitted (CAP_PERFMON)",
                   error);
  if (error != 0)
    return refused(fmt::format("the kernel does not load the program ({})", std::strerror(error)),
                   error);
  error = kernel->set_handler();
  if (error != 0)
    return refused(fmt::format("no signal handler ({})", std::strerror(error)), error);
  return std::shared_ptr<LiveProgram>(new LiveProgram(std::move(kernel)));
}

live_queue& LiveProgram::queue(unsigned number) {
  return kernel_->queue(number);
}

int LiveProgram::run() {
  std::array<std::uint8_t, FrameTemplate::kFrameBytesMax> frame{};
  return kernel_->call(kernel_->skeleton->progs.live_sender,
                       std::span(frame).first(kernel_->skeleton->rodata->config.frame_bytes),
                       kRunsMax);
}

tl::expected<void, Refusal> LiveProgram::prove_mechanism(const Interface& interface,
                                                         unsigned number) {
  return kernel_->prove_mechanism(interface, number);
}

tl::expected<void, Refusal> LiveProgram::prove_path(const Interface& interface, unsigned number,
                                                    const FrameTemplate& frame_template) {
  if (tl::expected<void, Refusal> proof = prove_mechanism(interface, number); !proof) return proof;
  std::array<std::uint8_t, PROBE_FRAME_BYTES> frame{};
  frame_template.fill_path_test(frame);
  const TestVerdict verdict = kernel_->test(number, frame);
  if (verdict.call_error != 0)
    return refused(std::strerror(verdict.call_error), verdict.call_error);
  if (verdict.is_sent) return {};
  if (verdict.error == ENXIO)
    return refused(fmt::format("the driver has no ring for this CPU{}", advice_for(interface)),
                   ENXIO);
  return frame_refused(verdict.error);
}

}  // namespace echoscan
