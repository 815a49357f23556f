#include "scanner/receive/source/xdp_reply_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "bpf/reply_rings.h"
#include "reply_filter.skel.h"
#include "scanner/network/xdp_occupant.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/process/kernel_clock.h"
#include "scanner/process/library_handle.h"
#include "scanner/process/log.h"
#include "scanner/process/mapped_memory.h"
#include "scanner/process/memory_limit.h"
#include "scanner/process/privileges.h"

namespace echoscan {
namespace {

// Logs what libbpf says for those who debug a load; users get a sentence of ours. Messages are
// logged whole, since the verifier's log says at its end what it refused.
int log_libbpf(libbpf_print_level, const char* format, va_list arguments) {
  if (!is_logged(LogLevel::debug)) return 0;
  va_list again;
  va_copy(again, arguments);
  const int length = std::max(0, std::vsnprintf(nullptr, 0, format, arguments));
  std::string text(static_cast<std::size_t>(length), ' ');
  std::vsnprintf(text.data(), text.size() + 1, format, again);
  va_end(again);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  log_debug("{}", text);
  return length;
}

std::string error_text(int error) {
  return std::strerror(error);
}

}  // namespace

// How far a ring has been filled and emptied, in bytes since it was made: two numbers in the pages
// in front of its data (kernel/bpf/ringbuf.c), mapped for reading. libbpf has them too, but gives
// them out only from 1.3 on.
class RingPositions {
 public:
  explicit RingPositions(int ring_fd)
      : page_bytes_(static_cast<std::size_t>(getpagesize())),
        pages_(MappedMemory::shared(ring_fd, 2 * page_bytes_, PROT_READ)) {}

  explicit operator bool() const { return static_cast<bool>(pages_); }
  // Reads what is consumed first: otherwise a record that is consumed between the two readings
  // could make the difference negative.
  [[nodiscard]] std::uint64_t waiting_bytes() const {
    const std::uint64_t consumed = load(0);
    return load(page_bytes_) - consumed;
  }

 private:
  [[nodiscard]] std::uint64_t load(std::size_t offset) const {
    const auto* position =
        reinterpret_cast<const unsigned long*>(pages_.as<const std::uint8_t>() + offset);
    return __atomic_load_n(position, __ATOMIC_ACQUIRE);
  }

  std::size_t page_bytes_;
  MappedMemory pages_;
};

struct XdpReplyFilter::Kernel {
  LibraryHandle<reply_filter_bpf, reply_filter_bpf__destroy> skeleton;
  std::vector<FileDescriptor> ring_maps;
  std::vector<LibraryHandle<ring_buffer, ring_buffer__free>> rings;  // by CPU
  std::vector<RingPositions> positions;                              // by CPU
  MappedMemory mark_memory;
  ring_mark* mark = nullptr;  // in it
  MappedMemory counter_memory;
  std::span<const cpu_frame_counters> counters;  // in it, by CPU
  std::size_t next_ring = 0;
  Interface interface;
  FileDescriptor socket;  // any of this network namespace, to ask for the interface
  __u32 mode_flags = 0;
  __u32 program_id = 0;
  std::optional<KernelClock> clock;
  std::int64_t clock_offset_ns = 0;  // from the program's clock to that of this process
  std::optional<Refusal> why_not_native;
  FileDescriptor link;  // declared last: detached first

  // The room that is left for the records of one receive().
  std::span<reply> room;
  std::size_t filled = 0;

  // Each returns 0 or an errno.
  int load(const match_config& config, int cpu_count);
  int map_counters(int cpu_count);
  int make_rings(int cpu_count, const RingDemand& demand);
  int make_rings_of(std::size_t bytes, int cpu_count);
  int put_rings();
  int attach();
  int attach_as(__u32 flags);
  [[nodiscard]] std::optional<bpf_link_info> link_info() const;

  static int take_record(void* kernel, void* data, std::size_t bytes);
};

int XdpReplyFilter::Kernel::load(const match_config& config, int cpu_count) {
  skeleton.reset(reply_filter_bpf__open());
  if (!skeleton) return errno;
  std::memcpy(const_cast<match_config*>(&skeleton->rodata->config), &config, sizeof(config));
  for (bpf_map* map : {skeleton->maps.rings, skeleton->maps.counters})
    if (const int error = bpf_map__set_max_entries(map, static_cast<__u32>(cpu_count)); error != 0)
      return -error;
  return -reply_filter_bpf__load(skeleton.get());
}

int XdpReplyFilter::Kernel::map_counters(int cpu_count) {
  const auto count = static_cast<std::size_t>(cpu_count);
  counter_memory = MappedMemory::shared(bpf_map__fd(skeleton->maps.counters),
                                        count * sizeof(cpu_frame_counters), PROT_READ);
  if (!counter_memory) return errno;
  counters = {counter_memory.as<const cpu_frame_counters>(), count};
  return 0;
}

int XdpReplyFilter::Kernel::make_rings(int cpu_count, const RingDemand& demand) {
  mark_memory = MappedMemory::shared(bpf_map__fd(skeleton->maps.mark), sizeof(ring_mark));
  if (!mark_memory) return errno;
  mark = mark_memory.as<ring_mark>();
  std::size_t bytes =
      reply_ring_bytes(demand, cpu_count, memory_limit_bytes().value_or(kNoMemoryLimit));
  int error = make_rings_of(bytes, cpu_count);
  while (error == ENOMEM && bytes > kRingBytesMin) error = make_rings_of(bytes /= 2, cpu_count);
  if (error != 0) return error;
  mark->low_bytes = bytes / 4;
  mark->high_bytes = bytes / 2;
  return put_rings();
}

// Those of an earlier try go first.
int XdpReplyFilter::Kernel::make_rings_of(std::size_t bytes, int cpu_count) {
  positions.clear();
  rings.clear();
  ring_maps.clear();
  for (int cpu = 0; cpu < cpu_count; ++cpu) {
    ring_maps.emplace_back(
        bpf_map_create(BPF_MAP_TYPE_RINGBUF, "replies", 0, 0, static_cast<__u32>(bytes), nullptr));
    if (!ring_maps.back()) return errno;
    const int ring_fd = ring_maps.back().get();
    rings.emplace_back(ring_buffer__new(ring_fd, take_record, this, nullptr));
    if (!rings.back()) return errno;
    positions.emplace_back(ring_fd);
    if (!positions.back()) return errno;
  }
  return 0;
}

// All in one call: behind each the kernel waits some 15 ms until no program uses what was there
// before (maybe_wait_bpf_programs() in kernel/bpf/syscall.c), a second with 64 CPUs. Linux before
// 5.13 takes them one by one.
int XdpReplyFilter::Kernel::put_rings() {
  std::vector<int> ring_fds;
  for (const FileDescriptor& ring : ring_maps) ring_fds.push_back(ring.get());
  const int outer = bpf_map__fd(skeleton->maps.rings);
  std::vector<__u32> cpus(ring_fds.size());
  std::iota(cpus.begin(), cpus.end(), 0U);
  auto count = static_cast<__u32>(cpus.size());
  DECLARE_LIBBPF_OPTS(bpf_map_batch_opts, options);
  if (bpf_map_update_batch(outer, cpus.data(), ring_fds.data(), &count, &options) == 0) return 0;
  for (const __u32 cpu : cpus)
    if (bpf_map_update_elem(outer, &cpu, &ring_fds[cpu], BPF_ANY) != 0) return errno;
  return 0;
}

// Nothing where the kernel does not answer.
std::optional<bpf_link_info> XdpReplyFilter::Kernel::link_info() const {
  bpf_link_info info{};
  __u32 info_bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(link.get(), &info, &info_bytes) != 0) return std::nullopt;
  return info;
}

int XdpReplyFilter::Kernel::attach_as(__u32 flags) {
  const int program = bpf_program__fd(skeleton->progs.reply_filter);
  DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
  link = FileDescriptor(bpf_link_create(program, interface.index, BPF_XDP, &options));
  if (!link) return errno;
  mode_flags = flags;
  if (const std::optional<bpf_link_info> info = link_info()) program_id = info->prog_id;
  return 0;
}

int XdpReplyFilter::Kernel::attach() {
  const int error = attach_as(XDP_FLAGS_DRV_MODE);
  // Another program on the interface is in the way of both modes.
  if (error == 0 || error == EBUSY || error == EEXIST || error == EPERM) return error;
  why_not_native = Refusal{error_text(error), error};
  return attach_as(XDP_FLAGS_SKB_MODE);
}

// A return value that is not 0 ends the batch when the room is full; libbpf has consumed the last
// record by then.
int XdpReplyFilter::Kernel::take_record(void* kernel, void* data, std::size_t bytes) {
  auto& self = *static_cast<Kernel*>(kernel);
  assert(bytes == sizeof(reply) && self.filled < self.room.size());
  reply& record = self.room[self.filled++];
  std::memcpy(&record, data, sizeof(reply));
  record.received_ns += static_cast<std::uint64_t>(self.clock_offset_ns);
  return self.filled == self.room.size() ? -ENOSPC : 0;
}

XdpReplyFilter::XdpReplyFilter(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}
XdpReplyFilter::~XdpReplyFilter() = default;

tl::expected<std::unique_ptr<XdpReplyFilter>, XdpReplyFilter::NoXdp> XdpReplyFilter::attach(
    const Interface& interface, const match_config& config, const RingDemand& demand) {
  libbpf_set_print(log_libbpf);
  auto kernel = std::make_unique<Kernel>();
  kernel->interface = interface;
  const int cpu_count = libbpf_num_possible_cpus();
  int error = 0;
  const auto no_xdp = [&](std::string reason, bool is_foreign = false, std::string remedy = {}) {
    const int native_error = kernel->why_not_native ? kernel->why_not_native->error : error;
    return tl::make_unexpected(
        NoXdp{{std::move(reason), error}, native_error, is_foreign, std::move(remedy)});
  };
  kernel->socket = FileDescriptor(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!kernel->socket) {
    error = errno;
    return no_xdp(fmt::format("no socket ({})", error_text(error)));
  }
  error = kernel->load(config, cpu_count);
  const Privileges privileges = current_privileges();
  // ENOSYS: newer seccomp profiles hide the system call instead of refusing it.
  if (error == EPERM || error == ENOSYS || (error == EACCES && !privileges.perfmon))
    return no_xdp(explain_refused_bpf(privileges));
  if (error != 0)
    return no_xdp(fmt::format("the kernel does not load the program ({})", error_text(error)));
  kernel->clock = KernelClock::open();
  const std::optional<std::int64_t> clock_offset_ns =
      kernel->clock ? kernel->clock->offset_ns() : std::nullopt;
  if (!clock_offset_ns)
    log_warning(
        "the clock of BPF programs cannot be read: in a time namespace of this host's, round-trip "
        "times and times of arrival would be wrong");
  kernel->clock_offset_ns = clock_offset_ns.value_or(0);
  error = kernel->map_counters(cpu_count);
  if (error != 0) return no_xdp(fmt::format("no counters ({})", error_text(error)));
  error = kernel->make_rings(cpu_count, demand);
  if (error != 0) return no_xdp(fmt::format("no ring buffers ({})", error_text(error)));
  error = kernel->attach();
  if (error == EPERM) return no_xdp("attaching XDP is not permitted (CAP_NET_ADMIN)");
  if (error == EBUSY || error == EEXIST) {
    const std::optional<XdpOccupant> occupant = find_xdp_occupant(interface);
    auto refusal = no_xdp(
        occupant ? occupant->clause() : fmt::format("the driver is busy ({})", error_text(error)),
        true, occupant ? occupant->remedy() : "");
    refusal.value().is_echoscan = occupant && occupant->is_echoscan;
    return refusal;
  }
  if (error != 0)
    return no_xdp(fmt::format("neither native ({}) nor generic XDP ({})",
                              kernel->why_not_native->reason, error_text(error)));
  return std::unique_ptr<XdpReplyFilter>(new XdpReplyFilter(std::move(kernel)));
}

// Where the kernel does not answer, nothing says that it is not.
bool XdpReplyFilter::is_attached() const {
  if (!kernel_->link) return false;
  const std::optional<bpf_link_info> info = kernel_->link_info();
  return !info || (info->xdp.ifindex != 0 && info->prog_id == kernel_->program_id);
}

bool XdpReplyFilter::has_interface() const {
  ifreq question{};
  question.ifr_ifindex = kernel_->interface.index;
  return ioctl(kernel_->socket.get(), SIOCGIFNAME, &question) == 0;
}

tl::expected<void, Refusal> XdpReplyFilter::attach_again() {
  // Closing takes it off as well, unless somebody else holds the link, too.
  if (kernel_->link) bpf_link_detach(kernel_->link.get());
  kernel_->link = FileDescriptor();
  const int error = kernel_->attach_as(kernel_->mode_flags);
  if (error == 0) return {};
  const std::optional<XdpOccupant> occupant = find_xdp_occupant(kernel_->interface);
  return refused(occupant ? occupant->clause() : error_text(error), error);
}

const std::optional<Refusal>& XdpReplyFilter::why_not_native() const {
  return kernel_->why_not_native;
}

// Begins with another ring each time, so that a flood on one CPU does not keep the others waiting.
std::size_t XdpReplyFilter::receive(std::span<reply> replies) {
  Kernel& kernel = *kernel_;
  kernel.room = replies;
  kernel.filled = 0;
  for (std::size_t i = 0; i < kernel.rings.size() && kernel.filled < replies.size(); ++i) {
    ring_buffer__consume(kernel.rings[kernel.next_ring].get());
    kernel.next_ring = (kernel.next_ring + 1) % kernel.rings.size();
  }
  return kernel.filled;
}

bool XdpReplyFilter::is_backlogged() const {
  const __u32 over = __atomic_load_n(&kernel_->mark->over, __ATOMIC_RELAXED);
  if (over == 0) return false;
  assert(over <= kernel_->positions.size());
  if (kernel_->positions[over - 1].waiting_bytes() > kernel_->mark->low_bytes) return true;
  __atomic_store_n(&kernel_->mark->over, 0, __ATOMIC_RELAXED);
  return false;
}

ReplyRings XdpReplyFilter::rings() const {
  return {bpf_map__fd(kernel_->skeleton->maps.rings), bpf_map__fd(kernel_->skeleton->maps.mark)};
}

std::int64_t XdpReplyFilter::clock_drift_ns() const {
  const std::int64_t begun_ns = kernel_->clock_offset_ns;
  return kernel_->clock ? kernel_->clock->offset_ns().value_or(begun_ns) - begun_ns : 0;
}

void XdpReplyFilter::stop() {
  kernel_->link = FileDescriptor();
}

frame_counters XdpReplyFilter::outcomes() const {
  const auto load = [](const __u64& count) { return __atomic_load_n(&count, __ATOMIC_RELAXED); };
  frame_counters sum{};
  for (const cpu_frame_counters& cpu : kernel_->counters) {
    sum.seen += load(cpu.counters.seen);
    for (int i = 0; i < FRAME_OUTCOME_COUNT; ++i) sum.outcome[i] += load(cpu.counters.outcome[i]);
  }
  return sum;
}

std::uint64_t XdpReplyFilter::passed_on() const {
  const frame_counters counters = outcomes();
  std::uint64_t sum = 0;
  for (int i = 0; i < FRAME_OUTCOME_COUNT; ++i) {
    const auto outcome = static_cast<frame_outcome>(i);
    if (outcome_may_be_echo_reply(outcome) && !outcome_is_result(outcome))
      sum += counters.outcome[i];
  }
  return sum;
}

std::string XdpReplyFilter::mode() const {
  return kernel_->mode_flags == XDP_FLAGS_DRV_MODE ? "XDP native" : "XDP generic";
}

}  // namespace echoscan
