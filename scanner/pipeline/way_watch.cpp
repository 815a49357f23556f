#include "scanner/pipeline/way_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "output/summary/figure_text.h"
#include "scanner/process/clock.h"

namespace echoscan {

WayWatch::WayWatch(WaySurvey* survey, CurrentNextHops& next_hops, double link_timeout_s,
                   ScanState& state, EventLog& events, Followers followers)
    : survey_(survey),
      next_hops_(next_hops),
      link_timeout_s_(link_timeout_s),
      state_(state),
      events_(events),
      followers_(std::move(followers)) {
  if (survey_ != nullptr) state_.ways_seen_ns.store(0, std::memory_order_relaxed);
}

void WayWatch::look(std::uint64_t now_ns, bool is_held) {
  if (survey_ == nullptr || failure_) return;
  if (seen_ns_ == 0) seen_ns_ = now_ns;
  has_news_ = survey_->has_news() || has_news_;
  if (is_asking_) {
    if (std::optional<WayChange> change = survey_->answer()) {
      is_asking_ = false;
      take(std::move(*change), now_ns);
      next_ask_ns_ =
          now_ns + std::max(is_lost() ? kLostAskNs : kAskNs, kAskShare * (now_ns - asked_ns_));
    }
  } else if (has_news_ && !is_held && now_ns >= next_ask_ns_) {
    has_news_ = false;
    is_asking_ = true;
    asked_ns_ = now_ns;
    survey_->ask();
  }
  if (is_lost() && to_seconds(now_ns - lost_since_ns_) > link_timeout_s_) give_up(now_ns);
  if (has_news_ || is_asking_ || is_lost()) return;
  seen_ns_ = now_ns;
  state_.ways_seen_ns.store(now_ns, std::memory_order_relaxed);
}

void WayWatch::take(WayChange change, std::uint64_t now_ns) {
  if (!change.error.empty()) return note_error(change.error, now_ns);
  errors_ = 0;
  const bool leads_on = change.is_any_left && change.obstacle.empty() &&
                        change.without <= change.targets / kWaitShare;
  if (!leads_on) {
    if (!is_lost()) note_lost(change, now_ns);
    lost_ = std::move(change);
    return;
  }
  const bool was_lost = is_lost();
  if (was_lost)
    events_.add_return(
        now_ns,
        fmt::format("there are ways again after {:.1f} s", to_seconds(now_ns - lost_since_ns_)),
        "sending goes on");
  if (change.moved > 0) {
    follow(change);
    if (!was_lost) {
      events_.add_loss(
          now_ns,
          fmt::format("routes have changed for {} target{}: {}", with_thousands(change.moved),
                      change.moved == 1 ? "" : "s", change.ways),
          "what may have been lost is sent again");
      state_.reply_losses.add(seen_ns_ - std::min(seen_ns_, followers_.on_its_way_ns()));
    }
  }
  publish_lost(false);
}

// Senders take the new map before they go back for what was lost by the old one.
void WayWatch::follow(const WayChange& change) {
  followers_.prepare(change);
  next_hops_.replace(change.map);
  survey_->accept();
  followers_.follow(change);
}

void WayWatch::note_lost(const WayChange& change, std::uint64_t now_ns) {
  lost_since_ns_ = now_ns;
  publish_lost(true);
  state_.reply_losses.add(seen_ns_ - std::min(seen_ns_, followers_.on_its_way_ns()));
  events_.add_loss(
      now_ns,
      fmt::format("routes have changed for {} target{}: {}", with_thousands(change.moved),
                  change.moved == 1 ? "" : "s", change.ways),
      fmt::format("sending pauses, for {} s at most", link_timeout_s_));
}

// A list of routes that change all the time is cut short now and then.
void WayWatch::note_error(const std::string& error, std::uint64_t now_ns) {
  has_news_ = true;
  if (++errors_ < kErrorsMax) return;
  events_.add_loss(now_ns, fmt::format("the kernel does not tell the ways: {}", error),
                   "changes of routes are not followed");
  survey_ = nullptr;
  state_.ways_seen_ns.store(~std::uint64_t{0}, std::memory_order_relaxed);
}

void WayWatch::give_up(std::uint64_t now_ns) {
  if (!lost_.obstacle.empty()) {
    failure_ = fmt::format("the routes have changed, and {}", lost_.obstacle);
  } else if (!lost_.is_any_left) {
    failure_ = fmt::format("there has been no route to any target for {} s", link_timeout_s_);
  }
  if (failure_) {
    events_.add_loss(now_ns, *failure_, "the scan ends");
    return;
  }
  // An answer that is on its way is against ways that hold no more.
  if (is_asking_) return;
  follow(lost_);
  events_.add_loss(now_ns,
                   fmt::format("there has been no route to {} for {} s",
                               counted(lost_.without, "target"), link_timeout_s_),
                   "they are unroutable from now on");
  publish_lost(false);
}

void WayWatch::publish_lost(bool is_lost) {
  if (!is_lost) lost_since_ns_ = 0;
  state_.ways_are_lost.store(is_lost, std::memory_order_release);
}

}  // namespace echoscan
