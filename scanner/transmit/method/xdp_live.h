// Sending by live XDP frames: user space fills a ring with targets, the kernel makes the frames.
//
// For each queue a thread, pinned to the queue's CPU, stays in one long BPF_PROG_TEST_RUN call
// (LiveProgram): a call costs some 25 ms to set up and tear down, and drivers choose the send queue
// by the CPU. The sender's thread writes targets into the ring (bpf/live_queue.h) and learns from
// its counters what was sent. Refused frames are sent again inside the kernel, which 3.6 Mpps need:
// through user space each would wait for the sender's next batch. A call spins while it has nothing
// to send, so a signal ends it after kIdleRuns without progress, and the next target starts it
// again. From kPaceMinPps a queue on the program paces, to the nanosecond; below that the sender's
// pacer does, and the ring stays nearly empty. Rejected: many short calls (0.17 Mpps at 4,096
// frames a call), and an idle program that sleeps (XDP cannot).
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "scanner/network/interface.h"
#include "scanner/process/clock.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/method/live_program.h"
#include "scanner/transmit/probe_rate.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class XdpLiveTransmitter : public Transmitter {
 public:
  static constexpr std::uint64_t kPaceMinPps = 200'000;
  static constexpr std::uint64_t kIdleRuns = 1 << 20;  // some 50 ms of a CPU
  static constexpr std::uint64_t kRestNs = 400'000'000;
  // How much time's worth of targets is accepted ahead of the wire, and still sent after a stop.
  static constexpr std::uint64_t kBacklogNs = 50'000'000;

  // A queue's CPU, its share of the rate (Pacer::kUnlimited for max), and whether the program keeps
  // that rate by itself.
  struct QueueSetup {
    int cpu;
    ProbeRate rate_pps;
    bool keeps_rate;
  };

  // All queues of `interface`, each on a CPU of its own; refused when any of them does not work.
  // They rest while one of `reply_rings` is too full. The clock must outlive them.
  static tl::expected<std::vector<std::unique_ptr<Transmitter>>, Refusal> open(
      const Interface& interface, const FrameTemplate& frame_template,
      std::span<const QueueSetup> queues, const ReplyRings& reply_rings, Clock& clock);
  ~XdpLiveTransmitter() override;

  std::size_t send(std::span<const Target> batch) override;
  bool settle() override;
  void rest() override;
  void give_up() override;
  [[nodiscard]] std::string mode() const override { return "XDP live frames"; }

 private:
  // Room for the targets that are in line again inside the kernel, besides those in the ring.
  static constexpr std::uint64_t kBacklogMax = kUnderWayMax - std::uint64_t{2} * LIVE_BULK_MAX;
  static_assert(kUnderWayMax <= LIVE_RING_TARGETS);

  enum class Order : int { rest, run, quit };

  XdpLiveTransmitter(std::shared_ptr<LiveProgram> program, unsigned number,
                     const FrameTemplate& frame_template, Clock& clock);

  // What the thread runs: it proves the path, answers in proof_, and then makes calls as ordered.
  void run_calls(const Interface& interface, const FrameTemplate& frame_template, int cpu);
  void give_order(Order order);
  void set_rate(const QueueSetup& setup);
  // Notes that the program got something off.
  void note_progress();
  // Ends a call that has made no progress for kIdleRuns.
  void rest_when_idle();
  // Ends the call and the thread.
  void quit();
  void read_counters();
  // Tells the program MACs that have changed.
  void copy_next_hops();

  std::shared_ptr<LiveProgram> program_;
  live_queue& queue_;
  unsigned number_;
  FrameTemplate template_;
  Clock& clock_;
  std::uint32_t next_hop_changes_ = 0;  // as many as the program knows

  std::uint64_t tail_ = 0;  // targets put into the ring
  std::uint64_t backlog_ = kBacklogMax;
  bool is_full_ = false;
  std::uint64_t progress_run_ = 0;      // the run at which a frame was last seen to have left
  std::uint64_t held_at_progress_ = 0;  // and how many runs had waited for the receiver by then
  bool rests_for_receiver_ = false;
  std::uint64_t rested_ns_ = 0;  // when the order last changed

  std::atomic<Order> order_ = Order::rest;
  std::atomic<bool> is_in_call_ = false;
  std::atomic<bool> has_proof_ = false;
  tl::expected<void, Refusal> proof_;  // the thread's until has_proof_
  std::thread thread_;
};

}  // namespace echoscan
