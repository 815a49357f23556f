// The common part of the methods that send one probe a system call: patch it, hand it over, stop at
// the first refusal.
//
// A call costs 0.2 to 0.5 us, by which they are slower than a batch; `bench` shows it. A virtual
// call a probe does not matter beside that. One thread.
#pragma once

#include <array>

#include "scanner/process/clock.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class OneByOneTransmitter : public Transmitter {
 public:
  std::size_t send(std::span<const Target> batch) override;
  // The kernel has finished with a probe when the call returns: nothing is ever under way.
  bool settle() override { return true; }
  void give_up() override {}

 protected:
  // The clock must outlive the transmitter.
  OneByOneTransmitter(const FrameTemplate& frame_template, Clock& clock);

  // Hands over an Ethernet frame, or the part of it that the method sends. Returns 0 or an errno.
  virtual int send_frame(std::span<const std::uint8_t> frame, Ipv4 target) = 0;

 private:
  FrameTemplate template_;
  Clock& clock_;
  std::array<std::uint8_t, FrameTemplate::kFrameBytesMax> frame_{};
};

}  // namespace echoscan
