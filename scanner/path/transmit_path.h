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
#include "scanner/network/route_news.h"
#include "scanner/options/method.h"
#include "scanner/path/network_path.h"
#include "scanner/process/clock.h"
#include "scanner/process/refusal.h"
#include "scanner/process/reply_rings.h"
#include "scanner/transmit/current_next_hops.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/probe_rate.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

// All that opening a method may need. Interface and clock must outlive the transmitters.
struct TransmitSetup {
  const Interface& interface;
  FrameTemplate frame_template;
  unsigned queue_count;
  ReplyRings reply_rings;  // those of our XDP program on the interface; none: it is not there
  // The rate of all queues together; Pacer::kUnlimited for max. Each queue is opened with its share
  // (rate_share()), which live frames keep by themselves. `auto` chooses the method by it too.
  ProbeRate rate_pps;
  bool busy_poll;  // AF_XDP's sockets poll the queues they send on
  Clock& clock;
  std::vector<int> cpus;          // the CPUs allowed; queue n uses cpus[n % cpus.size()]
  bool routes_by_source = false;  // where the kernel routes: by the probes' source
  bool has_side_ways = false;     // raw sockets will be beside the queues
  // Of a card that DPDK drives, opened; null: it is the kernel's.
  std::shared_ptr<const DpdkPort> port = nullptr;
  std::optional<std::uint16_t> vlan = {};
  // When routes change, for raw sockets; null: that is not watched.
  std::shared_ptr<RouteChanges> route_changes = nullptr;
};

// The share of `rate_pps` that belongs to `queue` of `queue_count`. Shares differ by a
// thousandth at most, and their sum is the rate, unless that has fewer thousandths than queues.
// Pacer::kUnlimited stays unlimited.
ProbeRate rate_share(ProbeRate rate_pps, unsigned queue, unsigned queue_count);

// The queues that a method was opened with; all are of one kind.
struct OpenedQueues {
  std::vector<std::unique_ptr<Transmitter>> transmitters;  // by queue
  // Each queue keeps its share of the rate by itself: no pacer is to be asked.
  bool keeps_rate = false;
  // Each queue sends from a thread of its own, which is on the queue's CPU: its sender may run
  // anywhere, best on another.
  bool has_threads = false;
};

// Opens every queue by `method`, for targets behind the gateway. Refuses when any queue does not
// work; Method::automatic always opens something. May throw std::system_error.
tl::expected<OpenedQueues, Refusal> open_method(Method method, const TransmitSetup& setup);

// Whether AF_XDP can be bound to the first queue, with or without zero-copy. Sends nothing, and
// leaves the queue as it was.
tl::expected<void, Refusal> try_af_xdp(const Interface& interface, bool zero_copy, Clock& clock);

// Whether live frames work for the queue of the CPU `cpu`, on which it runs a thread meanwhile.
tl::expected<void, Refusal> try_xdp_live(const Interface& interface, int cpu);

// The queues of a scan: as many as are asked for, by the method asked for, and for each side way of
// the path a raw socket beside each. Path and `next_hops` must outlive the transmitters. Throws
// UserError when the interface has fewer queues or the method does not work here, or
// std::system_error.
OpenedQueues open_queues(const PathConfig& config, const NetworkPath& path,
                         const CurrentNextHops& next_hops, const FrameTemplate& frame_template,
                         const ReplyRings& reply_rings, ProbeRate rate_pps, Clock& clock);

}  // namespace echoscan
