// The way out: how each method of sending is opened, and the choice between them.
//
// The only place that names concrete transmitters; `scan` and `bench` open them here and see the
// seam. `auto` goes down a ladder and logs why at each step; a method asked for by name is opened
// or refused, never replaced by another. A new method is one case of open_method().
#pragma once

#include <memory>
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

// Opens every queue by `method`; empty, with the reason as a clause, when any of them does not
// work. Method::automatic always opens something. May throw std::system_error.
Transmitters open_method(Method method, const TransmitSetup& setup, std::string& reason);

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
