// The in-kernel sender's program: loaded, its tracepoints attached, its queues mapped, proved.
//
// One program for all queues: what it does on a CPU is for the queue of that CPU. Two proofs come
// before the first probe. A frame longer than the interface's MTU, which no kernel hands to a
// driver: EMSGSIZE says that live frames, redirect and tracepoint work and that the driver takes
// redirected frames (else EOPNOTSUPP), and nothing has left. Then, on each queue's own CPU, the
// frame that reaches nobody (FrameTemplate::fill_path_test): only the driver can say whether it has
// a ring for that CPU, and whether veth's other end takes frames (ENXIO). One driver is known to
// pass both and to break: virtio_net of Linux 6.1 corrupts its queue after some seconds and is dead
// until the next boot (seen twice of two, tests/vm); 6.12 is sound. It is refused by its name.
#pragma once

#include <csignal>
#include <memory>
#include <span>
#include <string>

#include "bpf/live_queue.h"
#include "scanner/network/interface.h"
#include "scanner/process/refusal.h"
#include "scanner/transmit/frame.h"

namespace echoscan {

// What the program has to know of the scan, before it is loaded.
live_config make_live_config(const Interface& interface, const FrameTemplate& frame_template);

class LiveProgram {
 public:
  // Ends a call that run() is in; the handler does nothing. Its default is to be ignored, so that a
  // late one harms nobody.
  static constexpr int kEndSignal = SIGURG;

  // Empty, or why live frames would break the driver in this kernel, a clause.
  static std::string known_fault(const std::string& driver, const std::string& kernel_release);

  // For `interface`, with queue i on CPU cpus[i], each CPU once. Proves nothing yet.
  static tl::expected<std::shared_ptr<LiveProgram>, Refusal> load(
      const Interface& interface, const FrameTemplate& frame_template, std::span<const int> cpus);
  ~LiveProgram();

  [[nodiscard]] live_queue& queue(unsigned number);

  // Sends for the queue of the calling thread's CPU until kEndSignal, or for a minute or more of
  // idle runs. 0, or an errno. Setting up and tearing down takes the kernel some 25 ms.
  int run();

  // The first proof alone, on the calling thread's CPU, which is that of queue `number`: nothing
  // leaves. Whether live frames work and the driver takes them.
  tl::expected<void, Refusal> prove_mechanism(const Interface& interface, unsigned number);

  // Both proofs for queue `number`, on the calling thread's CPU, which is that queue's. Whether the
  // driver took the frame.
  tl::expected<void, Refusal> prove_path(const Interface& interface, unsigned number,
                                         const FrameTemplate& frame_template);

 private:
  struct Kernel;
  explicit LiveProgram(std::unique_ptr<Kernel> kernel);
  std::unique_ptr<Kernel> kernel_;
};

}  // namespace echoscan
