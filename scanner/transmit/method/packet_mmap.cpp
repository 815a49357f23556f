#include "scanner/transmit/method/packet_mmap.h"

#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "scanner/transmit/method/packet_socket.h"

namespace echoscan {
namespace {

constexpr std::uint32_t kSlotBytes = 2048;
constexpr std::uint32_t kBlockBytes = 1U << 16;
constexpr std::size_t kRingBytes = std::size_t{PacketMmapTransmitter::kSlots} * kSlotBytes;
constexpr std::size_t kDataOffset = TPACKET_ALIGN(sizeof(tpacket2_hdr));
constexpr int kSendBufferBytes = 4 << 20;
static_assert((PacketMmapTransmitter::kSlots & (PacketMmapTransmitter::kSlots - 1)) == 0);
static_assert(kDataOffset + FrameTemplate::kFrameBytesMax <= kSlotBytes);

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

tpacket2_hdr* header_at(std::uint8_t* ring, std::uint32_t place) {
  return reinterpret_cast<tpacket2_hdr*>(ring + std::size_t{place % PacketMmapTransmitter::kSlots} *
                                                    kSlotBytes);
}

FrameBuffer frame_of(tpacket2_hdr* header) {
  return FrameBuffer(reinterpret_cast<std::uint8_t*>(header) + kDataOffset, PROBE_FRAME_BYTES);
}

std::uint32_t status_of(const tpacket2_hdr* header) {
  return __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);
}

}  // namespace

PacketMmapTransmitter::PacketMmapTransmitter(const Interface& interface,
                                             const FrameTemplate& frame_template, Clock& clock)
    : template_(frame_template),
      clock_(clock),
      socket_(open_packet_socket(interface)),
      target_of_(kSlots) {
  make_ring();
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    header_at(ring_, slot)->tp_len = static_cast<__u32>(template_.frame_bytes());
    template_.fill(frame_of(header_at(ring_, slot)));
  }
}

PacketMmapTransmitter::~PacketMmapTransmitter() {
  if (ring_) munmap(ring_, kRingBytes);
}

void PacketMmapTransmitter::make_ring() {
  const int version = TPACKET_V2;
  if (setsockopt(socket_.get(), SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) != 0)
    fail("select TPACKET_V2");
  tpacket_req request{};
  request.tp_block_size = kBlockBytes;
  request.tp_block_nr = static_cast<unsigned>(kRingBytes / kBlockBytes);
  request.tp_frame_size = kSlotBytes;
  request.tp_frame_nr = kSlots;
  if (setsockopt(socket_.get(), SOL_PACKET, PACKET_TX_RING, &request, sizeof(request)) != 0)
    fail("make the send ring");
  // Not vital: a full buffer ends a call early, and the next one goes on.
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBufferBytes,
             sizeof(kSendBufferBytes));
  void* ring = mmap(nullptr, kRingBytes, PROT_READ | PROT_WRITE, MAP_SHARED, socket_.get(), 0);
  if (ring == MAP_FAILED) fail("map the send ring");
  ring_ = static_cast<std::uint8_t*>(ring);
}

std::size_t PacketMmapTransmitter::send(std::span<const Target> batch) {
  reap();
  if (taken_ != requested_ && !send_refused()) return 0;
  const std::size_t room = kSlots - (requested_ - freed_);
  const std::size_t count = std::min({batch.size(), room, std::size_t{kBatchSize}});
  for (std::size_t i = 0; i < count; ++i) target_of_[(requested_ + i) % kSlots] = batch[i];
  const std::uint32_t begin = requested_;
  requested_ += static_cast<std::uint32_t>(count);
  request(begin, clock_.now_ns());
  // Without room the kernel is not asked: what it has is the driver's.
  if (count > 0) kick();
  reap();
  return count;
}

void PacketMmapTransmitter::request(std::uint32_t begin, std::uint64_t sent_ns) {
  std::array<std::uint8_t*, kBatchSize> frames;
  std::array<Target, kBatchSize> targets;
  while (begin != requested_) {
    const std::uint32_t count = std::min(requested_ - begin, kBatchSize);
    for (std::uint32_t i = 0; i < count; ++i) {
      frames[i] = frame_of(header_at(ring_, begin + i)).data();
      targets[i] = target_of_[(begin + i) % kSlots];
    }
    template_.patch_batch(frames, std::span(targets).first(count), sent_ns);
    for (std::uint32_t i = 0; i < count; ++i)
      __atomic_store_n(&header_at(ring_, begin + i)->tp_status,
                       std::uint32_t{TP_STATUS_SEND_REQUEST}, __ATOMIC_RELEASE);
    begin += count;
  }
}

bool PacketMmapTransmitter::kick() {
  const int result = static_cast<int>(sendto(socket_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0));
  const int error = result < 0 ? errno : 0;
  counters_.kicks.add(1);
  while (taken_ != requested_) {
    const std::uint32_t status = status_of(header_at(ring_, taken_));
    if ((status & (TP_STATUS_SEND_REQUEST | TP_STATUS_WRONG_FORMAT)) != 0) break;
    ++taken_;
  }
  // The kernel has stopped at a frame: refused, or only for lack of buffer space.
  if (taken_ != requested_ && error != 0 && error != EAGAIN && error != EINTR) {
    last_error_.store(error, std::memory_order_relaxed);
    counters_.sent_again.add(1);
  }
  return taken_ == requested_;
}

// Nothing else touches these slots between two calls.
bool PacketMmapTransmitter::send_refused() {
  request(taken_, clock_.now_ns());
  return kick();
}

void PacketMmapTransmitter::reap() {
  std::uint64_t sent = 0;
  for (; freed_ != taken_; ++freed_, ++sent)
    if ((status_of(header_at(ring_, freed_)) & TP_STATUS_SENDING) != 0) break;
  counters_.sent.add(sent);
}

bool PacketMmapTransmitter::settle() {
  if (taken_ != requested_) send_refused();
  reap();
  return freed_ == requested_;
}

void PacketMmapTransmitter::give_up() {
  counters_.refused.add(requested_ - taken_);
  counters_.unconfirmed.add(taken_ - freed_);
  for (std::uint32_t place = freed_; place != requested_; ++place)
    given_up_.push_back(target_of_[place % kSlots]);
}

}  // namespace echoscan
