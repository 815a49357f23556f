#include "scanner/transmit/method/dpdk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "bpf/wire.h"

namespace echoscan {
namespace {

// The bytes that a next hop decides: its MAC, and two of the source's.
constexpr std::size_t kHeadBytes = 8;
constexpr std::size_t kMacsBytes = 12;

}  // namespace

DpdkTransmitter::DpdkTransmitter(std::shared_ptr<const DpdkPort> port, unsigned queue,
                                 const FrameTemplate& frame_template,
                                 std::optional<std::uint16_t> vlan, Clock& clock)
    : port_(std::move(port)),
      api_(port_->api()),
      queue_(static_cast<std::uint16_t>(queue)),
      template_(frame_template),
      vlan_(vlan),
      clock_(clock) {
  api_.write_frames(
      port_->number(), queue_,
      [](void* self, std::uint8_t* buffer) {
        static_cast<const DpdkTransmitter*>(self)->write_frame(buffer);
      },
      this);
  std::array<std::uint8_t, PROBE_FRAME_BYTES> frame;
  template_.fill(frame);
  std::copy_n(frame.begin() + kHeadBytes, source_end_.size(), source_end_.begin());
}

void DpdkTransmitter::write_frame(std::uint8_t* buffer) const {
  std::memset(buffer, 0, offset() + template_.frame_bytes());
  template_.fill({buffer + offset(), template_.frame_bytes()});
  if (!vlan_) return;
  std::memmove(buffer, buffer + kTagBytes, kMacsBytes);
  wire_store16(buffer + kMacsBytes, WIRE_ETHERTYPE_VLAN);
  wire_store16(buffer + kMacsBytes + 2, *vlan_);
}

std::size_t DpdkTransmitter::send(std::span<const Target> batch) {
  static_assert(kBatchSize <= DPDK_BATCH_MAX);
  port_->enter_thread();
  std::array<std::uint8_t*, kBatchSize> frames;
  const std::size_t wanted = std::min(batch.size(), kBatchSize);
  const std::size_t count = api_.take_frames(port_->number(), queue_, frames.data(), wanted);
  if (count == 0) return 0;
  if (vlan_)
    for (std::size_t i = 0; i < count; ++i) frames[i] += kTagBytes;
  template_.patch_batch(std::span(frames).first(count), batch.first(count), clock_.now_ns());
  // The patch has written the head over the end of the MACs, where it is without a tag.
  if (vlan_)
    for (std::size_t i = 0; i < count; ++i) {
      std::uint8_t* const begin = frames[i] - kTagBytes;
      std::memmove(begin, frames[i], kHeadBytes);
      std::copy(source_end_.begin(), source_end_.end(), begin + kHeadBytes);
    }
  const std::size_t sent = api_.send_frames(port_->number(), queue_, count);
  counters_.kicks.add(1);
  counters_.sent.add(sent);
  port_->add_sent(sent);
  return sent;
}

}  // namespace echoscan
