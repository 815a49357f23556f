// Sending by AF_XDP: one UMEM and one socket per queue, frames written once and patched in place.
//
// The driver sends without a copy where it can (13-19 Mpps a core), else by copy mode (0.7-1.9), in
// which each kick is a sendto that sends at most 32 descriptors, or 64 from Linux 6.17 on
// (XDP_MAX_TX_SKB_BUDGET). EBUSY says that the driver dropped the last descriptor consumed, though
// it completes like the others; take_back() hands its target back. Frames are stamped and submitted
// a kick at a time, so that a stamp is at most 40 us older than the wire. Two successes prove
// nothing. A completion: drivers complete what they clean out of a ring when the link goes down, so
// the sender goes back for it. A bind: igb without a native program reports zero-copy and sends
// nothing, so opening ends with one harmless frame that must complete. The fill ring is filled
// before the bind although nothing is received here: in zero-copy mode an empty one starves the
// whole queue.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "scanner/network/interface.h"
#include "scanner/process/clock.h"
#include "scanner/process/refusal.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class AfXdpTransmitter : public Transmitter {
 public:
  static constexpr std::size_t kKickFramesMin = 32;
  static constexpr std::size_t kKickFramesMax = 64;

  enum class Mode { zero_copy, copy };

  // Opens queue `queue` of `interface`. The link must be up and the reply filter attached: Intel's
  // drivers have zero-copy rings only then. With `busy_poll` each kick also polls the queue, which
  // pays under BusyPolling. The clock must outlive the transmitter.
  static tl::expected<std::unique_ptr<AfXdpTransmitter>, Refusal> open(
      const Interface& interface, unsigned queue, Mode mode, const FrameTemplate& frame_template,
      bool busy_poll, Clock& clock);
  // Binds as open() does, sends nothing and lets go again.
  static tl::expected<void, Refusal> try_bind(const Interface& interface, unsigned queue, Mode mode,
                                              Clock& clock);
  ~AfXdpTransmitter() override;

  std::size_t send(std::span<const Target> batch) override;
  std::size_t take_back(std::span<Target> room) override;
  bool settle() override;
  void give_up() override;
  [[nodiscard]] std::string mode() const override;

 private:
  enum class FrameState : std::uint8_t { free, in_flight, dropped, path_test };
  struct Rings;

  AfXdpTransmitter(const FrameTemplate& frame_template, bool busy_poll, Clock& clock);

  // Set-up: each returns an errno, 0 when it worked.
  int bind(const Interface& interface, unsigned queue, Mode mode);
  int create_socket(const Interface& interface, unsigned queue, Mode mode);
  int prefer_busy_poll();
  // Whether the test frame completes.
  tl::expected<void, Refusal> prove_path();

  // The hot path. Frames are known by their number in the UMEM.
  // Writes the probes of at most kKickFramesMax frames, and puts the frames into the send ring.
  void submit(std::span<const std::uint32_t> frames);
  void enqueue(std::span<const std::uint32_t> frames);
  // Makes the kernel send; true when it has consumed everything and the driver dropped nothing.
  bool kick();
  // Takes the frames that have completed out of the completion ring.
  void reap();
  [[nodiscard]] bool all_consumed() const;
  [[nodiscard]] std::size_t in_flight() const;

  FrameTemplate template_;
  Clock& clock_;
  std::unique_ptr<Rings> rings_;
  bool busy_poll_;
  bool zero_copy_ = false;
  std::size_t kick_frames_ = kKickFramesMin;  // how many one sendto takes
  std::vector<std::uint32_t> free_;
  std::vector<Target> refused_;       // of frames that the driver dropped; for take_back()
  std::vector<Target> target_of_;     // by frame
  std::vector<FrameState> state_of_;  // by frame
};

}  // namespace echoscan
