// The in-kernel sender's program: loaded, its tracepoints attached, its queues mapped, proved.
//
// One program serves all queues: on each CPU it works for that CPU's queue. Two proofs come before
// the first probe. The first sends a frame longer than the interface's MTU, which no kernel hands
// to a driver. EMSGSIZE then says that live frames, redirect and tracepoint work and that the
// driver takes redirected frames (else EOPNOTSUPP), and nothing has left. The second sends, on each
// queue's CPU, the frame that reaches nobody (FrameTemplate::fill_path_test): only the driver can
// say whether it has a ring for that CPU, and whether veth's other end takes frames (ENXIO).
// virtio_net of Linux 6.1 passes both proofs and breaks all the same: it corrupts its queue after
// some seconds and is dead until the next boot (seen twice of two, tests/vm). driver_facts.h knows
// it by name.
#pragma once

#include <csignal>
#include <memory>
#include <span>
#include <string>

#include "bpf/live_queue.h"
#include "scanner/network/interface.h"
#include "scanner/process/refusal.h"
#include "scanner/process/reply_rings.h"
#include "scanner/transmit/frame.h"

namespace echoscan {

// What the program has to know of the scan; fixed when it is loaded.
live_config make_live_config(const FrameTemplate& frame_template);

class LiveProgram {
 public:
  // Ends a call that run() is in; its handler does nothing. By default the signal is ignored, so
  // that one that comes late does no harm.
  static constexpr int kEndSignal = SIGURG;

  // For `interface`, with queue i on CPU cpus[i], each CPU once. Sends nothing while one of
  // `reply_rings`, where there are some, is too full. Proves nothing yet.
  static tl::expected<std::shared_ptr<LiveProgram>, Refusal> load(
      const Interface& interface, const FrameTemplate& frame_template, std::span<const int> cpus,
      const ReplyRings& reply_rings);
  ~LiveProgram();

  [[nodiscard]] live_queue& queue(unsigned number);

  // Sends for the queue of the calling thread's CPU until kEndSignal, or for a minute or more of
  // idle runs. Returns 0 or an errno. The kernel takes some 25 ms to set a call up and tear it
  // down.
  int run();

  // The first proof alone: whether live frames work and the driver takes them. Nothing leaves. Runs
  // on the calling thread's CPU, which must be that of queue `number`.
  tl::expected<void, Refusal> prove_mechanism(const Interface& interface, unsigned number);

  // Both proofs: whether the driver takes a frame of queue `number`. Runs on the calling thread's
  // CPU, which must be that queue's.
  tl::expected<void, Refusal> prove_path(const Interface& interface, unsigned number,
                                         const FrameTemplate& frame_template);

 private:
  struct Kernel;
  explicit LiveProgram(std::unique_ptr<Kernel> kernel);
  std::unique_ptr<Kernel> kernel_;
};

}  // namespace echoscan
