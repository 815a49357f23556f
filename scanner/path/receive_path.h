// The way in: XDP where it works, else AF_PACKET. The only place that names concrete receivers.
//
// It is opened before anything is sent. A step down is logged with its reason. It is refused where
// the interface has another XDP program, which is never replaced, or where the method of sending
// needs ours.
#pragma once

#include <memory>
#include <string>

#include "bpf/match_reply.h"
#include "scanner/network/interface.h"
#include "scanner/options/method.h"
#include "scanner/path/network_path.h"
#include "scanner/process/clock.h"
#include "scanner/process/refusal.h"
#include "scanner/receive/reply_source.h"
#include "scanner/transmit/probe_rate.h"

namespace echoscan {

struct ReceivePath {
  std::unique_ptr<ReplySource> source;
  bool is_xdp = false;
};

// How long the end of another scan is waited for, whose reply filter is on the interface.
struct Patience {
  double wait_s;
  Clock& clock;
};

// Receives on the path's interface, and on each other one that a side way leaves by: there by a
// reply filter of its own where frames leave it and it can have one, else by AF_PACKET.
// Throws UserError when `method` cannot send without an XDP program and none can be attached; with
// ExitCode::later when another scan's was still there after all patience. `rate_pps`, that of the
// probes, says for how many replies there has to be room; Pacer::kUnlimited for max.
ReceivePath open_receive_path(Method method, const NetworkPath& path, const probe_key& key,
                              ProbeRate rate_pps, const std::optional<Patience>& patience = {});

// Throws as open_receive_path does when someone else's XDP program is in the way of `method`;
// looks, and attaches nothing.
void check_foreign_program(Method method, const Interface& interface);

// What attaching the reply filter gives, for those who ask before a scan. It stays attached as long
// as `source` lives.
struct XdpTrial {
  std::unique_ptr<ReplySource> source;  // null when neither native nor generic XDP works
  tl::expected<void, Refusal> native;
  tl::expected<void, Refusal> generic;  // tried only where native is refused
};
XdpTrial try_xdp(const Interface& interface);

}  // namespace echoscan
