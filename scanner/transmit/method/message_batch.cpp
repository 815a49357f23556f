#include "scanner/transmit/method/message_batch.h"

#include <cassert>

namespace echoscan {

MessageBatch::MessageBatch(const FrameTemplate& frame_template, std::size_t skipped_bytes)
    : template_(frame_template) {
  for (std::size_t i = 0; i < kSize; ++i) {
    bytes_[i] = frames_[i].data();
    template_.fill(frames_[i]);
    vectors_[i] = {frames_[i].data() + skipped_bytes, template_.frame_bytes() - skipped_bytes};
    headers_[i].msg_hdr.msg_iov = &vectors_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
}

void MessageBatch::patch(std::span<const Target> targets, std::uint64_t sent_ns) {
  template_.patch_batch(bytes_, targets, sent_ns);
}

void MessageBatch::set_address(std::size_t number, void* address, socklen_t bytes) {
  headers_[number].msg_hdr.msg_name = address;
  headers_[number].msg_hdr.msg_namelen = bytes;
}

void MessageBatch::set_control(std::span<std::uint8_t> control) {
  for (mmsghdr& header : headers_) {
    header.msg_hdr.msg_control = control.empty() ? nullptr : control.data();
    header.msg_hdr.msg_controllen = control.size();
  }
}

int MessageBatch::send(int socket, std::size_t first, std::size_t count) {
  const int sent =
      sendmmsg(socket, headers_.data() + first, static_cast<unsigned>(count), MSG_DONTWAIT);
  assert(sent <= static_cast<int>(count));
  return sent;
}

}  // namespace echoscan
