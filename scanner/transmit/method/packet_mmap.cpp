#include "scanner/transmit/method/packet_mmap.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "scanner/process/system_error.h"
#include "scanner/transmit/method/packet_socket.h"

namespace echoscan {
namespace {

constexpr std::uint32_t kSlotBytes = 2048;
constexpr std::uint32_t kBlockBytes = 1U << 16;
constexpr std::size_t kRingBytes = std::size_t{PacketMmapTransmitter::kSlots} * kSlotBytes;
constexpr std::size_t kDataOffset = TPACKET_ALIGN(sizeof(tpacket2_hdr));
constexpr int kRingSendBufferBytes = 4 << 20;
static_assert((PacketMmapTransmitter::kSlots & (PacketMmapTransmitter::kSlots - 1)) == 0);
static_assert(kDataOffset + FrameTemplate::kFrameBytesMax <= kSlotBytes);

tpacket2_hdr* header_at(const MappedMemory& ring, std::uint32_t place) {
  const std::size_t slot = place % PacketMmapTransmitter::kSlots;
  return reinterpret_cast<tpacket2_hdr*>(ring.as<std::uint8_t>() + slot * kSlotBytes);
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
    template_.fill({frame_of(header_at(ring_, slot)).data(), template_.frame_bytes()});
  }
}

void PacketMmapTransmitter::make_ring() {
  set_socket_option(socket_.get(), SOL_PACKET, PACKET_VERSION, int{TPACKET_V2},
                    "select TPACKET_V2");
  tpacket_req request{};
  request.tp_block_size = kBlockBytes;
  request.tp_block_nr = static_cast<unsigned>(kRingBytes / kBlockBytes);
  request.tp_frame_size = kSlotBytes;
  request.tp_frame_nr = kSlots;
  set_socket_option(socket_.get(), SOL_PACKET, PACKET_TX_RING, request, "make the send ring");
  // A failure is ignored: a full buffer ends a call early, and the next call goes on.
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kRingSendBufferBytes,
             sizeof(kRingSendBufferBytes));
  ring_ = MappedMemory::shared(socket_.get(), kRingBytes);
  if (!ring_) throw_system_error("map the send ring");
}

std::size_t PacketMmapTransmitter::send(std::span<const Target> batch) {
  reap();
  const std::size_t room = kSlots - (taken_ - freed_);
  const std::size_t count = std::min({batch.size(), room, std::size_t{kBatchSize}});
  // When there is no room, the kernel is not asked: all slots wait for the driver.
  if (count == 0) return 0;
  request(batch.first(count));
  const std::uint32_t taken = kick(static_cast<std::uint32_t>(count));
  taken_ += taken;
  reap();
  return taken;
}

void PacketMmapTransmitter::request(std::span<const Target> targets) {
  std::array<std::uint8_t*, kBatchSize> frames;
  const auto count = static_cast<std::uint32_t>(targets.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    frames[i] = frame_of(header_at(ring_, taken_ + i)).data();
    target_of_[(taken_ + i) % kSlots] = targets[i];
  }
  template_.patch_batch(std::span(frames).first(count), targets, clock_.now_ns());
  for (std::uint32_t i = 0; i < count; ++i)
    __atomic_store_n(&header_at(ring_, taken_ + i)->tp_status,
                     std::uint32_t{TP_STATUS_SEND_REQUEST}, __ATOMIC_RELEASE);
}

std::uint32_t PacketMmapTransmitter::kick(std::uint32_t requested) {
  const int result = static_cast<int>(sendto(socket_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0));
  const int error = result < 0 ? errno : 0;
  counters_.kicks.add(1);
  std::uint32_t taken = 0;
  for (; taken < requested; ++taken) {
    const std::uint32_t status = status_of(header_at(ring_, taken_ + taken));
    if ((status & (TP_STATUS_SEND_REQUEST | TP_STATUS_WRONG_FORMAT)) != 0) break;
  }
  // The kernel has stopped at a frame: refused, or only for lack of buffer space. It looks at that
  // slot first when it is asked again.
  for (std::uint32_t i = taken; i < requested; ++i)
    __atomic_store_n(&header_at(ring_, taken_ + i)->tp_status, std::uint32_t{TP_STATUS_AVAILABLE},
                     __ATOMIC_RELEASE);
  if (taken < requested && error != 0 && error != EAGAIN && error != EINTR) {
    last_error_.store(error, std::memory_order_relaxed);
    counters_.refusals.add(1);
  }
  return taken;
}

void PacketMmapTransmitter::reap() {
  std::uint64_t sent = 0;
  for (; freed_ != taken_; ++freed_, ++sent)
    if ((status_of(header_at(ring_, freed_)) & TP_STATUS_SENDING) != 0) break;
  counters_.sent.add(sent);
}

bool PacketMmapTransmitter::settle() {
  reap();
  return freed_ == taken_;
}

void PacketMmapTransmitter::give_up() {
  for (; freed_ != taken_; ++freed_) lose(target_of_[freed_ % kSlots], counters_.unconfirmed);
}

}  // namespace echoscan
