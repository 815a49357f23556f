// Sending by DPDK: frames of the card's own buffers, written once and patched, sent by one burst.
//
// The driver runs in this process, so that sending is a few stores to the card and no system call:
// what a burst takes is in the card's queue, and what it does not take goes back into the pool, and
// was never accepted. A tag of a VLAN moves the frame's two MACs four bytes to the front, since the
// rest is written in one piece for all methods; rejected: the card's own insertion of tags, which
// half of the drivers lack. Frames that a lost link leaves in the queue leave it when the link is
// back, or are lost with what the sender goes back for.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "scanner/network/dpdk_port.h"
#include "scanner/process/clock.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class DpdkTransmitter : public Transmitter {
 public:
  static constexpr std::size_t kTagBytes = 4;

  // Sends by a queue of an opened port, whose frames are the template's and a tag's bytes long. The
  // clock must outlive the transmitter.
  DpdkTransmitter(std::shared_ptr<const DpdkPort> port, unsigned queue,
                  const FrameTemplate& frame_template, std::optional<std::uint16_t> vlan,
                  Clock& clock);

  std::size_t send(std::span<const Target> batch) override;
  bool settle() override { return true; }
  void give_up() override {}
  [[nodiscard]] std::string mode() const override { return port_->mode(); }

 private:
  // Where the template's frame begins in a buffer.
  [[nodiscard]] std::size_t offset() const { return vlan_ ? kTagBytes : 0; }
  void write_frame(std::uint8_t* buffer) const;

  std::shared_ptr<const DpdkPort> port_;
  const dpdk_api& api_;
  std::uint16_t queue_;
  FrameTemplate template_;
  std::optional<std::uint16_t> vlan_;
  std::array<std::uint8_t, kTagBytes> source_end_{};  // the last bytes of the source's MAC
  Clock& clock_;
};

}  // namespace echoscan
