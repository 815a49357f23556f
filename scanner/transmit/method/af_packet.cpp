#include "scanner/transmit/method/af_packet.h"

#include <algorithm>
#include <cerrno>

#include "scanner/transmit/method/packet_socket.h"

namespace echoscan {

AfPacketTransmitter::AfPacketTransmitter(const Interface& interface,
                                         const FrameTemplate& frame_template, Clock& clock)
    : clock_(clock),
      socket_(open_packet_socket(interface)),
      messages_(std::make_unique<MessageBatch>(frame_template, 0)) {}

std::size_t AfPacketTransmitter::send(std::span<const Target> batch) {
  const std::size_t count = std::min(batch.size(), MessageBatch::kSize);
  messages_->patch(batch.first(count), clock_.now_ns());
  const int sent = messages_->send(socket_.get(), 0, count);
  counters_.kicks.add(1);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      last_error_.store(errno, std::memory_order_relaxed);
      counters_.refusals.add(1);
    }
    return 0;
  }
  // After a short count the driver has refused the next frame; the sender hands its target over
  // again.
  if (static_cast<std::size_t>(sent) < count) counters_.refusals.add(1);
  counters_.sent.add(static_cast<std::uint64_t>(sent));
  return static_cast<std::size_t>(sent);
}

}  // namespace echoscan
