#include "scanner/transmit/af_packet.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace echoscan {

// Frames and the vectors that point to them, laid out once: a batch only patches the frames.
struct AfPacketTransmitter::Messages {
  std::array<std::array<std::uint8_t, PROBE_FRAME_BYTES>, kBatchSize> frames;
  std::array<std::uint8_t*, kBatchSize> bytes;  // where each frame begins
  std::array<iovec, kBatchSize> vectors;
  std::array<mmsghdr, kBatchSize> headers;
};

AfPacketTransmitter::AfPacketTransmitter(const Interface& interface,
                                         const FrameTemplate& frame_template, Clock& clock)
    : template_(frame_template),
      clock_(clock),
      // Protocol 0: this socket receives nothing.
      socket_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)),
      messages_(std::make_unique<Messages>()) {
  if (!socket_) throw std::system_error(errno, std::generic_category(), "open a packet socket");
  const int bypass = 1;
  if (setsockopt(socket_.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof(bypass)) != 0)
    throw std::system_error(errno, std::generic_category(), "bypass the queueing discipline");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = interface.index;
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw std::system_error(errno, std::generic_category(), "bind the packet socket");
  for (std::size_t i = 0; i < kBatchSize; ++i) {
    template_.fill(messages_->frames[i]);
    messages_->bytes[i] = messages_->frames[i].data();
    messages_->vectors[i] = {messages_->bytes[i], PROBE_FRAME_BYTES};
    messages_->headers[i].msg_hdr.msg_iov = &messages_->vectors[i];
    messages_->headers[i].msg_hdr.msg_iovlen = 1;
  }
}

AfPacketTransmitter::~AfPacketTransmitter() = default;

std::size_t AfPacketTransmitter::send(std::span<const Target> batch) {
  const std::size_t count = std::min(batch.size(), kBatchSize);
  const std::uint64_t sent_ns = clock_.now_ns();
  template_.patch_batch(messages_->bytes, batch.first(count), sent_ns);
  const int sent = sendmmsg(socket_.get(), messages_->headers.data(), static_cast<unsigned>(count),
                            MSG_DONTWAIT);
  counters_.kicks.add(1);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      last_error_.store(errno, std::memory_order_relaxed);
      counters_.sent_again.add(1);
    }
    return 0;
  }
  // A short count: the driver refused the frame behind it, and the sender hands that target over
  // again.
  if (static_cast<std::size_t>(sent) < count) counters_.sent_again.add(1);
  counters_.sent.add(static_cast<std::uint64_t>(sent));
  return static_cast<std::size_t>(sent);
}

}  // namespace echoscan
