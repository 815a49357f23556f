#include "scanner/transmit/method/af_xdp.h"

#include <fmt/format.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>
#include <xdp/libxdp.h>
#include <xdp/xsk.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "scanner/network/driver_facts.h"
#include "scanner/process/log.h"
#include "scanner/process/mapped_memory.h"

namespace echoscan {
namespace {

constexpr std::uint32_t kTxFrames = 2048;
constexpr std::uint32_t kFillFrames = 4096;  // as many as the largest receive ring in use
constexpr std::uint32_t kFrames = kTxFrames + kFillFrames;
static_assert((kTxFrames & (kTxFrames - 1)) == 0 && (kFillFrames & (kFillFrames - 1)) == 0);
static_assert(kTxFrames >= 2 * AfXdpTransmitter::kKickFramesMax);
// The sender takes refused targets back, a batch for each batch, before it hands over new ones.
constexpr std::size_t kRefusedMax = 2 * std::size_t{kTxFrames};
static_assert(kTxFrames + kRefusedMax <= Transmitter::kUnderWayMax);

// Linux 6.17's, which the headers of Debian 12 do not know.
constexpr int kMaxTxSkbBudget = 9;
// The values of the kernel's own sample: a poll takes at most 64 frames, and goes on for 20 us in
// calls that may wait, which sendto(MSG_DONTWAIT) may not.
constexpr int kPollBudget = 64;
constexpr int kPollUs = 20;
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

constexpr std::uint32_t kReapBatch = 256;
constexpr int kKicksMax = 2 * static_cast<int>(AfXdpTransmitter::kKickFramesMax);
constexpr int kSendBufferBytes = 4 << 20;
constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kBusyRetryNs =
    1000 * kMillisecondNs;  // a queue's last user takes that long to go
// A veth keeps a frame until its far end has had a CPU.
constexpr std::uint64_t kPathTestNs = 3000 * kMillisecondNs;

// Uses huge pages where some are set aside (vm.nr_hugepages), since CPU and NIC then need fewer
// address translations.
MappedMemory map_area(std::size_t bytes) {
  if (bytes % kHugePageBytes == 0) {
    constexpr int kHuge2M = 21 << MAP_HUGE_SHIFT;
    MappedMemory area = MappedMemory::zeros(bytes, MAP_POPULATE | MAP_HUGETLB | kHuge2M);
    if (area) return area;
    log_debug("no huge pages for AF_XDP ({}): ordinary ones", std::strerror(errno));
  }
  return MappedMemory::zeros(bytes, MAP_POPULATE);
}

int log_libxdp(libxdp_print_level, const char* format, va_list arguments) {
  char line[1024];
  const int length = std::vsnprintf(line, sizeof(line), format, arguments);
  log_debug("{}", line);
  return length;
}

tl::unexpected<Refusal> bind_refused(int error) {
  if (error == ENOBUFS || error == ENOMEM)
    return refused(
        "not enough locked memory; raise it with `ulimit -l unlimited`, or in a container with "
        "--cap-add IPC_LOCK",
        error);
  return refused(std::strerror(error), error);
}

}  // namespace

// Owns what libxdp hands out, and releases it in the order that libxdp demands: socket, UMEM, then
// the memory, which outlives the destructor's body.
struct AfXdpTransmitter::Rings {
  std::uint32_t chunk_bytes = 0;
  MappedMemory area;
  xsk_umem* umem = nullptr;
  xsk_socket* socket = nullptr;
  xsk_ring_prod fill{};
  xsk_ring_cons completion{};
  xsk_ring_prod tx{};

  Rings() = default;
  Rings(const Rings&) = delete;
  Rings& operator=(const Rings&) = delete;
  ~Rings() {
    if (socket) xsk_socket__delete(socket);
    if (umem) xsk_umem__delete(umem);
  }

  [[nodiscard]] FrameBuffer frame(std::uint32_t number) const {
    auto* bytes = area.as<std::uint8_t>() + std::size_t{number} * chunk_bytes;
    return FrameBuffer(bytes, PROBE_FRAME_BYTES);
  }
  // Indexes into the send ring that the kernel has consumed, and that we have submitted; both only
  // grow.
  [[nodiscard]] std::uint32_t consumed() const {
    return __atomic_load_n(tx.consumer, __ATOMIC_ACQUIRE);
  }
  [[nodiscard]] std::uint32_t submitted() const { return *tx.producer; }
};

AfXdpTransmitter::AfXdpTransmitter(const FrameTemplate& frame_template, bool busy_poll,
                                   Clock& clock)
    : template_(frame_template),
      clock_(clock),
      busy_poll_(busy_poll),
      target_of_(kTxFrames),
      state_of_(kTxFrames, FrameState::free) {
  free_.reserve(kTxFrames);
  refused_.reserve(kRefusedMax);
}

AfXdpTransmitter::~AfXdpTransmitter() = default;

tl::expected<void, Refusal> AfXdpTransmitter::try_bind(const Interface& interface, unsigned queue,
                                                       Mode mode, Clock& clock) {
  libxdp_set_print(log_libxdp);
  AfXdpTransmitter tried(FrameTemplate({}, {}), false, clock);
  if (const int error = tried.bind(interface, queue, mode); error != 0) return bind_refused(error);
  return {};
}

tl::expected<std::unique_ptr<AfXdpTransmitter>, Refusal> AfXdpTransmitter::open(
    const Interface& interface, unsigned queue, Mode mode, const FrameTemplate& frame_template,
    bool busy_poll, Clock& clock) {
  libxdp_set_print(log_libxdp);
  std::unique_ptr<AfXdpTransmitter> opened(new AfXdpTransmitter(frame_template, busy_poll, clock));
  if (const int error = opened->bind(interface, queue, mode); error != 0)
    return bind_refused(error);
  if (tl::expected<void, Refusal> proof = opened->prove_path(); !proof)
    return tl::make_unexpected(std::move(proof.error()));
  return opened;
}

int AfXdpTransmitter::bind(const Interface& interface, unsigned queue, Mode mode) {
  const std::uint64_t deadline_ns = clock_.now_ns() + kBusyRetryNs;
  int error = create_socket(interface, queue, mode);
  while (error == EBUSY && clock_.now_ns() < deadline_ns) {
    clock_.wait_until(clock_.now_ns() + 20 * kMillisecondNs);
    error = create_socket(interface, queue, mode);
  }
  if (error != 0) return error;

  xdp_options options{};
  socklen_t option_bytes = sizeof(options);
  const int descriptor = xsk_socket__fd(rings_->socket);
  if (getsockopt(descriptor, SOL_XDP, XDP_OPTIONS, &options, &option_bytes) != 0) return errno;
  zero_copy_ = (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
  if (busy_poll_) error = prefer_busy_poll();
  if (error != 0) return error;
  // An older kernel does not know the option, and keeps to its 32.
  const auto budget = static_cast<__u32>(kKickFramesMax);
  if (setsockopt(descriptor, SOL_XDP, kMaxTxSkbBudget, &budget, sizeof(budget)) == 0)
    kick_frames_ = kKickFramesMax;
  // Copy mode takes memory from the socket's send buffer. A failure is ignored: a full buffer is
  // EAGAIN and a retry.
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBufferBytes, sizeof(kSendBufferBytes));

  for (std::uint32_t frame = kTxFrames; frame-- > 0;) {
    template_.fill({rings_->frame(frame).data(), template_.frame_bytes()});
    free_.push_back(frame);
  }
  return 0;
}

int AfXdpTransmitter::prefer_busy_poll() {
  const int descriptor = xsk_socket__fd(rings_->socket);
  const int on = 1;
  const auto set = [descriptor](int option, const int& value) {
    return setsockopt(descriptor, SOL_SOCKET, option, &value, sizeof(value)) == 0;
  };
  const bool is_set = set(SO_PREFER_BUSY_POLL, on) && set(SO_BUSY_POLL, kPollUs) &&
                      set(SO_BUSY_POLL_BUDGET, kPollBudget);
  return is_set ? 0 : errno;
}

// Starts from the beginning each time: after a failed bind libxdp's UMEM cannot be used again.
int AfXdpTransmitter::create_socket(const Interface& interface, unsigned queue, Mode mode) {
  rings_ = std::make_unique<Rings>();
  rings_->chunk_bytes = driver_facts(interface.driver).chunk_bytes;
  rings_->area = map_area(std::size_t{kFrames} * rings_->chunk_bytes);
  if (!rings_->area) return errno;

  xsk_umem_config umem_config{};
  umem_config.fill_size = kFillFrames;
  umem_config.comp_size = kTxFrames;
  umem_config.frame_size = rings_->chunk_bytes;
  int error = xsk_umem__create(&rings_->umem, rings_->area.as<void>(), rings_->area.bytes(),
                               &rings_->fill, &rings_->completion, &umem_config);
  if (error != 0) return -error;

  std::uint32_t slot = 0;
  xsk_ring_prod__reserve(&rings_->fill, kFillFrames, &slot);
  for (std::uint32_t i = 0; i < kFillFrames; ++i)
    *xsk_ring_prod__fill_addr(&rings_->fill, slot + i) =
        std::uint64_t{kTxFrames + i} * rings_->chunk_bytes;
  xsk_ring_prod__submit(&rings_->fill, kFillFrames);

  xsk_socket_config socket_config{};
  socket_config.tx_size = kTxFrames;
  // Without this libxdp loads a program of its own that redirects everything.
  socket_config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  socket_config.bind_flags =
      static_cast<__u16>((mode == Mode::zero_copy ? XDP_ZEROCOPY : XDP_COPY) | XDP_USE_NEED_WAKEUP);
  error = xsk_socket__create(&rings_->socket, interface.name.c_str(), queue, rings_->umem, nullptr,
                             &rings_->tx, &socket_config);
  return -error;
}

tl::expected<void, Refusal> AfXdpTransmitter::prove_path() {
  const std::uint32_t frame = free_.back();
  free_.pop_back();
  template_.fill_path_test(rings_->frame(frame));
  state_of_[frame] = FrameState::path_test;
  enqueue({&frame, 1});
  const std::uint64_t deadline_ns = clock_.now_ns() + kPathTestNs;
  while (true) {
    if (!all_consumed()) kick();
    reap();
    const bool is_back = state_of_[frame] == FrameState::free;
    if ((is_back && refused_.empty()) || clock_.now_ns() >= deadline_ns) break;
    // The driver dropped the frame: send the same one again.
    if (is_back) {
      refused_.clear();
      free_.pop_back();
      state_of_[frame] = FrameState::path_test;
      enqueue({&frame, 1});
    }
    clock_.wait_until(clock_.now_ns() + kMillisecondNs / 10);
  }
  template_.fill({rings_->frame(frame).data(), template_.frame_bytes()});
  const bool is_sent = state_of_[frame] == FrameState::free && refused_.empty();
  refused_.clear();
  if (is_sent) return {};
  if (last_error() != 0)
    return refused(fmt::format("bound, but sending fails ({})", std::strerror(last_error())),
                   last_error());
  return refused(fmt::format("bound, but no frame came back as sent within {:.0f} s",
                             to_seconds(kPathTestNs)));
}

std::size_t AfXdpTransmitter::send(std::span<const Target> batch) {
  reap();
  if (!all_consumed() && !kick()) return 0;
  std::size_t accepted = 0;
  while (accepted < batch.size() && !free_.empty()) {
    const std::size_t chunk = std::min({kick_frames_, batch.size() - accepted, free_.size()});
    const std::span<const std::uint32_t> frames = std::span(free_).last(chunk);
    for (std::size_t i = 0; i < chunk; ++i) target_of_[frames[i]] = batch[accepted + i];
    submit(frames);
    free_.resize(free_.size() - chunk);
    accepted += chunk;
    if (!kick()) break;
    reap();
  }
  return accepted;
}

void AfXdpTransmitter::submit(std::span<const std::uint32_t> frames) {
  std::array<std::uint8_t*, kKickFramesMax> bytes;
  std::array<Target, kKickFramesMax> targets;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    bytes[i] = rings_->frame(frames[i]).data();
    targets[i] = target_of_[frames[i]];
    state_of_[frames[i]] = FrameState::in_flight;
  }
  template_.patch_batch(bytes, std::span(targets).first(frames.size()), clock_.now_ns());
  enqueue(frames);
}

// Reserving cannot fail, since the ring has a place for each frame.
void AfXdpTransmitter::enqueue(std::span<const std::uint32_t> frames) {
  const auto count = static_cast<std::uint32_t>(frames.size());
  std::uint32_t slot = 0;
  const auto frame_bytes = static_cast<__u32>(template_.frame_bytes());
  xsk_ring_prod__reserve(&rings_->tx, count, &slot);
  for (std::uint32_t i = 0; i < count; ++i) {
    xdp_desc* descriptor = xsk_ring_prod__tx_desc(&rings_->tx, slot + i);
    descriptor->addr = std::uint64_t{frames[i]} * rings_->chunk_bytes;
    descriptor->len = frame_bytes;
    descriptor->options = 0;
  }
  xsk_ring_prod__submit(&rings_->tx, count);
}

bool AfXdpTransmitter::kick() {
  bool nothing_dropped = true;
  for (int tries = 0; tries < kKicksMax; ++tries) {
    // With busy polling the call also polls, so it is made even when the driver needs none to send.
    if (!busy_poll_ && !xsk_ring_prod__needs_wakeup(&rings_->tx)) return true;
    const std::uint32_t before = rings_->consumed();
    const int result = static_cast<int>(
        sendto(xsk_socket__fd(rings_->socket), nullptr, 0, MSG_DONTWAIT, nullptr, 0));
    const int error = result < 0 ? errno : 0;
    counters_.kicks.add(1);
    if (zero_copy_ && (error == 0 || error == EAGAIN || error == EBUSY)) return true;
    if (error == EBUSY && rings_->consumed() != before) {
      const xdp_desc* descriptor = xsk_ring_prod__tx_desc(&rings_->tx, rings_->consumed() - 1);
      const std::uint64_t frame = descriptor->addr / rings_->chunk_bytes;
      assert(frame < kTxFrames && state_of_[frame] != FrameState::free);
      state_of_[frame] = FrameState::dropped;
      nothing_dropped = false;
    } else if (error != 0 && error != EAGAIN && error != EINTR) {
      last_error_.store(error, std::memory_order_relaxed);
      return false;
    }
    reap();
    if (all_consumed()) return nothing_dropped;
    // No progress, after 0 or EAGAIN: the completion ring or the driver's is full.
    if (rings_->consumed() == before) return false;
  }
  return false;
}

void AfXdpTransmitter::reap() {
  std::uint32_t slot = 0;
  std::uint32_t count = 0;
  while ((count = xsk_ring_cons__peek(&rings_->completion, kReapBatch, &slot)) > 0) {
    std::uint64_t sent = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto frame = static_cast<std::uint32_t>(
          *xsk_ring_cons__comp_addr(&rings_->completion, slot + i) / rings_->chunk_bytes);
      assert(frame < kTxFrames && state_of_[frame] != FrameState::free);
      if (state_of_[frame] == FrameState::in_flight) ++sent;
      if (state_of_[frame] == FrameState::dropped) refused_.push_back(target_of_[frame]);
      state_of_[frame] = FrameState::free;
      free_.push_back(frame);
    }
    xsk_ring_cons__release(&rings_->completion, count);
    counters_.sent.add(sent);
  }
}

std::size_t AfXdpTransmitter::take_back(std::span<Target> room) {
  const std::size_t count = std::min(room.size(), refused_.size());
  if (count == 0) return 0;
  std::copy_n(refused_.end() - static_cast<std::ptrdiff_t>(count), count, room.begin());
  refused_.resize(refused_.size() - count);
  counters_.taken_back.add(count);
  counters_.refusals.add(count);
  return count;
}

bool AfXdpTransmitter::all_consumed() const {
  return rings_->consumed() == rings_->submitted();
}

std::size_t AfXdpTransmitter::in_flight() const {
  return kTxFrames - free_.size();
}

bool AfXdpTransmitter::settle() {
  reap();
  if (!all_consumed()) kick();
  reap();
  return in_flight() == 0;
}

void AfXdpTransmitter::give_up() {
  for (const Target& target : refused_) lose(target, counters_.refused);
  for (std::uint32_t frame = 0; frame < kTxFrames; ++frame) {
    if (state_of_[frame] == FrameState::in_flight) lose(target_of_[frame], counters_.unconfirmed);
    if (state_of_[frame] == FrameState::dropped) lose(target_of_[frame], counters_.refused);
  }
}

std::string AfXdpTransmitter::mode() const {
  return zero_copy_ ? "AF_XDP zero-copy" : "AF_XDP copy";
}

}  // namespace echoscan
