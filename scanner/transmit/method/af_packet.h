// Sending by AF_PACKET: a raw socket that bypasses the queueing discipline, and sendmmsg.
//
// It works on every Ethernet interface with CAP_NET_RAW alone, and reaches 0.7 of the rate of
// AF_XDP in copy mode (docs/bench.md). packet_socket.h says why the discipline is bypassed.
// PACKET_TX_RING is another method: packet_mmap.h.
#pragma once

#include <memory>

#include "scanner/network/interface.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/method/message_batch.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class AfPacketTransmitter : public Transmitter {
 public:
  // Throws std::system_error. The template is copied into the socket's frames.
  AfPacketTransmitter(const Interface& interface, const FrameTemplate& frame_template,
                      Clock& clock);

  std::size_t send(std::span<const Target> batch) override;
  // The kernel has finished with a frame when sendmmsg returns: nothing is ever under way.
  bool settle() override { return true; }
  void give_up() override {}
  [[nodiscard]] std::string mode() const override { return "AF_PACKET sendmmsg"; }

 private:
  Clock& clock_;
  FileDescriptor socket_;
  std::unique_ptr<MessageBatch> messages_;
};

}  // namespace echoscan
