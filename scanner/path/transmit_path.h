// The way out: every method of sending in one table, and the choice between them.
//
// The only place that names concrete transmitters; `scan` and `bench` open them here and see the
// seam. `auto` goes down a ladder and logs why at each step; a method asked for by name is opened
// or refused, never replaced by another. A new method is one row (transmit_path.cpp).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scanner/network/interface.h"
#include "scanner/options/method.h"
#include "scanner/process/clock.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/transmitter.h"
#include "targets/prefix.h"

namespace echoscan {

// What a method may need to be opened. Interface and clock must outlive the transmitters.
struct TransmitSetup {
  const Interface& interface;
  FrameTemplate frame_template;
  unsigned queue_count;
  bool has_reply_filter;  // an XDP program of ours is on the interface
  // Pacer::kUnlimited for max. No method paces by it; `auto` may choose by it.
  std::uint64_t rate_pps;
  bool busy_poll;  // AF_XDP's sockets poll the queues they send on
  Clock& clock;
  std::vector<int> cpus;  // that this process may use; queue n is sent for on cpus[n % cpus.size()]
};

using Transmitters = std::vector<std::unique_ptr<Transmitter>>;  // by queue

struct TransmitMethod {
  Method method;
  const char* name;  // on the command line
  const char* what;  // for people, a clause
  bool in_scan;
  bool in_bench;
  bool sends_frames;        // Ethernet's; else packets, which the kernel routes
  bool needs_reply_filter;  // does not send without an XDP program on the interface
  // Opens every queue; empty, with the reason as a clause, when any of them does not work. May
  // throw std::system_error.
  Transmitters (*open)(const TransmitSetup& setup, std::string& reason);
};

// All methods but `auto`, fastest first as a rule.
std::span<const TransmitMethod> transmit_methods();
// Not for Method::automatic.
const TransmitMethod& find_method(Method method);
// "auto|af_xdp|...": those of `scan`, for --help.
std::string scan_method_names();

// Whether AF_XDP can be bound to the first queue, with or without zero-copy: empty when it can,
// else why not. Sends nothing, and leaves the queue as it was.
std::string try_af_xdp(const Interface& interface, bool zero_copy, Clock& clock);

// The same of live frames, for the queue of the CPU `cpu`, on which it runs a thread meanwhile.
std::string try_xdp_live(const Interface& interface, int cpu);

// Each of `transmitters` for what is behind the gateway, and a raw socket beside it for targets in
// `networks`, the interface's own. Throws std::system_error.
Transmitters split_neighbours(Transmitters transmitters, const TransmitSetup& setup,
                              const std::vector<AddressRange>& networks);

// The transmitters of a scan, one per queue. Throws UserError when the method does not work here.
Transmitters open_transmitters(Method method, const TransmitSetup& setup);

}  // namespace echoscan
