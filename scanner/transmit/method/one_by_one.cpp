#include "scanner/transmit/method/one_by_one.h"

#include <cerrno>

namespace echoscan {

OneByOneTransmitter::OneByOneTransmitter(const FrameTemplate& frame_template, Clock& clock)
    : template_(frame_template), clock_(clock) {
  template_.fill(frame_);
}

std::size_t OneByOneTransmitter::send(std::span<const Target> batch) {
  const std::span<const std::uint8_t> frame(frame_.data(), template_.frame_bytes());
  const std::uint64_t sent_ns = clock_.now_ns();
  std::size_t sent = 0;
  for (const Target& target : batch) {
    template_.patch(FrameBuffer(frame_.data(), PROBE_FRAME_BYTES), target, sent_ns);
    const int error = send_frame(frame, target.address);
    counters_.kicks.add(1);
    if (error != 0) {
      if (error != EAGAIN && error != EINTR) {
        last_error_.store(error, std::memory_order_relaxed);
        counters_.refusals.add(1);
      }
      break;
    }
    ++sent;
  }
  counters_.sent.add(sent);
  return sent;
}

}  // namespace echoscan
