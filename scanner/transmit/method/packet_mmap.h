// Sending by AF_PACKET's memory-mapped ring, PACKET_TX_RING: frames are patched in memory that the
// kernel shares, and one system call sends them all.
//
// TPACKET_V2: V3 has no other semantics for sending. The kernel still makes an skb of every frame,
// so that this saves the copy of vectors and not the work; it is here to be compared. A slot is
// ours, then asked to be sent, then the kernel's until the driver has freed the frame. Where the
// driver refuses one (ENOBUFS), the kernel's walk stops, and we withdraw that slot and those behind
// it before send() returns: nothing is ever accepted that the kernel has not taken. PACKET_LOSS is
// left off: with it the kernel would skip a frame that it cannot send, without a word; so it marks
// the frame TP_STATUS_WRONG_FORMAT, which counts as refused.
#pragma once

#include <vector>

#include "scanner/network/interface.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/process/mapped_memory.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class PacketMmapTransmitter : public Transmitter {
 public:
  static constexpr std::uint32_t kSlots = 1024;
  static constexpr std::uint32_t kBatchSize = 64;

  // Throws std::system_error. The clock must outlive the transmitter.
  PacketMmapTransmitter(const Interface& interface, const FrameTemplate& frame_template,
                        Clock& clock);

  std::size_t send(std::span<const Target> batch) override;
  bool settle() override;
  void give_up() override;
  [[nodiscard]] std::string mode() const override { return "AF_PACKET mmap"; }

 private:
  void make_ring();
  // Makes the slots from place taken_ on the probes of `targets`, kBatchSize at most, and asks for
  // them to be sent.
  void request(std::span<const Target> targets);
  // Makes the kernel walk the ring, where `requested` slots are asked for; returns how many it
  // took.
  std::uint32_t kick(std::uint32_t requested);
  // Sees which frames the driver has done with.
  void reap();

  FrameTemplate template_;
  Clock& clock_;
  FileDescriptor socket_;
  MappedMemory ring_;
  std::vector<Target> target_of_;  // by slot
  // Places only grow; a slot is its place modulo kSlots. freed_ <= taken_.
  std::uint32_t freed_ = 0;  // before it, the driver has done with the frame
  std::uint32_t taken_ = 0;  // before it, the kernel has taken the frame
};

}  // namespace echoscan
