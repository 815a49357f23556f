// Frames for sendmmsg: written once, patched per batch, with the vectors and headers that point to
// them.
//
// The methods share it that hand the kernel a batch in one call, as Ethernet frames or as IPv4
// packets. With 64 a batch the call itself costs under 2 % of what the packets cost, and a stamp is
// at most some 60 us older than the wire. One thread.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>

#include "scanner/transmit/frame.h"

namespace echoscan {

class MessageBatch {
 public:
  static constexpr std::size_t kSize = 64;

  // Messages begin `skipped_bytes` into the frame: 0 for frames, PROBE_ETHERNET_BYTES for packets.
  MessageBatch(const FrameTemplate& frame_template, std::size_t skipped_bytes);
  MessageBatch(const MessageBatch&) = delete;
  MessageBatch& operator=(const MessageBatch&) = delete;

  // Makes the first messages the probes of `targets`, at most kSize.
  void patch(std::span<const Target> targets, std::uint64_t sent_ns);
  [[nodiscard]] FrameBuffer frame(std::size_t number) {
    return FrameBuffer(frames_[number].data(), PROBE_FRAME_BYTES);
  }
  // Sets where message `number` goes, instead of where the socket is bound. `address` must outlive
  // the batch.
  void set_address(std::size_t number, void* address, socklen_t bytes);
  // Sends `control` beside each message. It must outlive the batch; empty for none.
  void set_control(std::span<std::uint8_t> control);

  // Sends `count` messages from `first` on without waiting. Returns as sendmmsg does: how many it
  // sent, or -1 with errno.
  int send(int socket, std::size_t first, std::size_t count);

 private:
  FrameTemplate template_;
  std::array<std::array<std::uint8_t, FrameTemplate::kFrameBytesMax>, kSize> frames_{};
  std::array<std::uint8_t*, kSize> bytes_{};  // where each frame begins
  std::array<iovec, kSize> vectors_{};
  std::array<mmsghdr, kSize> headers_{};
};

}  // namespace echoscan
