// Sending by AF_PACKET's memory-mapped ring, PACKET_TX_RING: frames are patched in memory that the
// kernel shares, and one system call sends them all.
//
// TPACKET_V2: V3 has no other semantics for sending. The kernel still makes an skb of every frame,
// so that this saves the copy of vectors and not the work; it is here to be compared. A slot is
// ours, then asked to be sent, then the kernel's until the driver has freed the frame. What the
// driver refuses (ENOBUFS) stays asked for, at the head of the kernel's walk, and is stamped anew
// before the next call. PACKET_LOSS is left off: with it the kernel would skip a frame that it
// cannot send, without a word; so it is marked TP_STATUS_WRONG_FORMAT, and counts as refused.
#pragma once

#include <vector>

#include "scanner/network/interface.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
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
  PacketMmapTransmitter(const PacketMmapTransmitter&) = delete;
  PacketMmapTransmitter& operator=(const PacketMmapTransmitter&) = delete;
  ~PacketMmapTransmitter() override;

  std::size_t send(std::span<const Target> batch) override;
  bool settle() override;
  void give_up() override;
  [[nodiscard]] std::string mode() const override { return "AF_PACKET mmap"; }

 private:
  void make_ring();
  // Makes the slots from place `begin` to requested_ the probes of their targets, and asks for them
  // to be sent.
  void request(std::uint32_t begin, std::uint64_t sent_ns);
  // Makes the kernel walk the ring; true when it has taken everything that was asked for.
  bool kick();
  // Sends again what was refused; true when nothing is left of it.
  bool send_refused();
  void reap();

  FrameTemplate template_;
  Clock& clock_;
  FileDescriptor socket_;
  std::uint8_t* ring_ = nullptr;
  std::vector<Target> target_of_;  // by slot
  // Places only grow; a slot is its place modulo kSlots. freed_ <= taken_ <= requested_.
  std::uint32_t freed_ = 0;      // before it, the driver has done with the frame
  std::uint32_t taken_ = 0;      // before it, the kernel has taken the frame
  std::uint32_t requested_ = 0;  // before it, we have asked for the frame to be sent
};

}  // namespace echoscan
