// The watch on the address that the probes come from: whether this host still has it.
//
// When it is taken away, or its lease ends, nobody answers ARP for it any more, and replies go
// nowhere as soon as the router has forgotten it. Nothing that is sent then fails. So senders
// pause, as for a link that is down, and for as long; what left since the address was last seen is
// sent again. Like the control, whose part it is, it takes time as an argument.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "scanner/account/event_log.h"
#include "scanner/network/link.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/pipeline/sending_phase.h"

namespace echoscan {

class SourceWatch {
 public:
  // `on_its_way_ns` says for how long a reply may be on its way. All must outlive the watch.
  SourceWatch(const Link& link, double link_timeout_s, ScanState& state, EventLog& events,
              std::function<std::uint64_t()> on_its_way_ns);

  // Call it about every 10 ms, until receiving ends. When sending is over, what is lost is in
  // doubt, and no absence is too long.
  void look(std::uint64_t now_ns, SendingPhase phase);

  [[nodiscard]] bool is_lost() const { return lost_since_ns_ != 0; }
  // The address that has been away for --link-timeout.
  [[nodiscard]] const std::optional<Ipv4>& failure() const { return failure_; }

 private:
  void note_lost(std::uint64_t now_ns, Ipv4 source, SendingPhase phase);

  const Link& link_;
  double link_timeout_s_;
  ScanState& state_;
  EventLog& events_;
  std::function<std::uint64_t()> on_its_way_ns_;
  std::uint64_t seen_ns_ = 0;        // 0: nobody has looked
  std::uint64_t lost_since_ns_ = 0;  // 0: it is there
  std::optional<Ipv4> failure_;
};

}  // namespace echoscan
