// Sending by AF_PACKET's memory-mapped ring, PACKET_TX_RING: frames are patched in memory that the
// kernel shares, and one system call sends them all.
//
// It uses TPACKET_V2, since V3 does nothing else for sending. The kernel still makes an skb of
// every frame, so that the ring saves the copy of vectors and not the work; the method is here to
// be compared. A slot is ours, then asked to be sent, then the kernel's until the driver has freed
// the frame. When the driver refuses a frame (ENOBUFS), the kernel's walk stops, and we withdraw
// that slot and those behind it before send() returns: nothing counts as accepted that the kernel
// has not taken. PACKET_LOSS stays off, since with it the kernel would silently skip a frame that
// it cannot send; without it, it marks the frame TP_STATUS_WRONG_FORMAT, and we count it as
// refused.
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
  // Writes the probes of `targets`, kBatchSize at most, into the slots from place taken_ on, and
  // asks for them to be sent.
  void request(std::span<const Target> targets);
  // Makes the kernel walk the ring, in which `requested` slots ask to be sent; returns how many it
  // took.
  std::uint32_t kick(std::uint32_t requested);
  // Frees the slots of the frames that the driver has finished with.
  void reap();

  FrameTemplate template_;
  Clock& clock_;
  FileDescriptor socket_;
  MappedMemory ring_;
  std::vector<Target> target_of_;  // by slot
  // Places only grow; a slot is its place modulo kSlots. freed_ <= taken_.
  std::uint32_t freed_ = 0;  // the driver has freed the frames before it
  std::uint32_t taken_ = 0;  // the kernel has taken the frames before it
};

}  // namespace echoscan
