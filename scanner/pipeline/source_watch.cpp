#include "scanner/pipeline/source_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scanner/process/clock.h"

namespace echoscan {
SourceWatch::SourceWatch(const Link& link, double link_timeout_s, ScanState& state,
                         EventLog& events, std::function<std::uint64_t()> on_its_way_ns)
    : link_(link),
      link_timeout_s_(link_timeout_s),
      state_(state),
      events_(events),
      on_its_way_ns_(std::move(on_its_way_ns)) {
  state_.source_seen_ns.store(0, std::memory_order_relaxed);
}

void SourceWatch::look(std::uint64_t now_ns, SendingPhase phase) {
  if (failure_) return;
  if (seen_ns_ == 0) seen_ns_ = now_ns;
  if (const std::optional<Ipv4> source = link_.lost_source()) {
    if (lost_since_ns_ == 0) note_lost(now_ns, *source, phase);
    if (phase != SendingPhase::over && to_seconds(now_ns - lost_since_ns_) > link_timeout_s_)
      failure_ = source;
    return;
  }
  if (lost_since_ns_ != 0) {
    events_.add_return(now_ns,
                       fmt::format("the source address is back after {:.1f} s",
                                   to_seconds(now_ns - lost_since_ns_)),
                       consequence_of_return(phase));
    lost_since_ns_ = 0;
    state_.source_is_lost.store(false, std::memory_order_relaxed);
  }
  seen_ns_ = now_ns;
  state_.source_seen_ns.store(now_ns, std::memory_order_relaxed);
}

// A sender that sees the loss sees that it has to pause, too: it goes back for all that it sent.
void SourceWatch::note_lost(std::uint64_t now_ns, Ipv4 source, SendingPhase phase) {
  lost_since_ns_ = now_ns;
  state_.source_is_lost.store(true, std::memory_order_relaxed);
  state_.reply_losses.add(seen_ns_ - std::min(seen_ns_, on_its_way_ns_()));
  events_.add_loss(now_ns,
                   fmt::format("this host has the source address {} no more", to_string(source)),
                   consequence_of_loss(phase, link_timeout_s_));
}

}  // namespace echoscan
