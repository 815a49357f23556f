#include "scanner/pipeline/next_hop_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scanner/process/clock.h"

namespace echoscan {
namespace {

bool leads_to(const WayChange& change, std::size_t next_hop) {
  return (change.next_hops >> next_hop & 1) != 0;
}

}  // namespace

NextHopWatch::NextHopWatch(const NextHops& next_hops, double link_timeout_s, ScanState& state,
                           EventLog& events, Replies replies)
    : next_hops_(next_hops),
      link_timeout_s_(link_timeout_s),
      state_(state),
      events_(events),
      replies_(std::move(replies)),
      has_other_ways_(next_hops.has_other_ways) {
  if (!next_hops_.probe) return;
  for (const Gateway& gateway : next_hops_.probe->gateways()) {
    watched_.emplace_back();
    watched_.back().mac = gateway.mac;
  }
}

// Claims first: a control that got no CPU for a while finds them waiting.
void NextHopWatch::look(std::uint64_t now_ns, SendingPhase phase) {
  phase_ = phase;
  if (!std::exchange(has_looked_, true))
    for (const std::string& router : next_hops_.unwatched)
      say_unwatched(now_ns, router, "is not watched");
  if (watched_.empty() || failure_) return;
  for (unsigned i = 0; i < kClaimsMax; ++i) {
    const std::optional<GatewayProbe::Claim> claim = next_hops_.probe->next_claim();
    if (!claim) break;
    note_claim(*claim, now_ns);
  }
  for (std::size_t i = 0; i < watched_.size(); ++i)
    if (!watched_[i].is_given_up && watched_[i].is_used) step(i, now_ns);
  publish(now_ns);
}

void NextHopWatch::note_claim(const GatewayProbe::Claim& claim, std::uint64_t now_ns) {
  Watched& watched = watched_[claim.gateway];
  if (watched.is_given_up || !watched.is_used) return;
  if (claim.mac != watched.mac) {
    watched.other = claim;
    if (watched.is_answered) ask(claim.gateway, now_ns);
    return;
  }
  if (!goes_to(claim.gateway, claim.mac)) return;
  if (watched.is_said_mute && claim.is_answer)
    events_.add_return(now_ns, fmt::format("the gateway {} answers", name(claim.gateway)),
                       "it is watched");
  watched.is_said_mute = watched.is_said_mute && !claim.is_answer;
  watched.has_answered = watched.has_answered || claim.is_answer;
  watched.is_answered = true;
  watched.is_to_prove = false;
  watched.unanswered = 0;
  watched.proved_ns = std::max(watched.proved_ns, watched.asked_ns);
  watched.other.reset();
  if (watched.lost_since_ns != 0) note_back(claim.gateway, now_ns);
}

void NextHopWatch::step(std::size_t number, std::uint64_t now_ns) {
  Watched& watched = watched_[number];
  if (watched.proved_ns == 0) watched.proved_ns = now_ns;
  if (!watched.is_answered && now_ns - watched.asked_ns >= kAnswerNs) {
    if (watched.other && goes_to(number, watched.other->mac)) {
      adopt(number, now_ns);
    } else if (!watched.is_everybody_asked) {
      watched.is_everybody_asked = true;
      next_hops_.probe->ask(number, std::nullopt);
    }
  }
  if (watched.asked_ns == 0 || now_ns - watched.asked_ns >= kAskNs) {
    if (!watched.is_answered) ++watched.unanswered;
    ask(number, now_ns);
  }
  if (!watched.has_answered && watched.unanswered >= kUnansweredMax && !watched.is_said_mute) {
    watched.is_said_mute = true;
    say_unwatched(now_ns, "the gateway " + name(number), "answers no ARP of ours");
  }
  if (watched.has_answered && watched.lost_since_ns == 0 && watched.unanswered >= kUnansweredMax) {
    if (is_proved_by_replies(number)) {
      watched.unanswered = kUnansweredMax - 1;
    } else {
      note_lost(number, now_ns);
    }
  }
  if (phase_ != SendingPhase::over && watched.lost_since_ns != 0 &&
      to_seconds(now_ns - watched.lost_since_ns) > link_timeout_s_)
    give_up(number, now_ns);
}

// Raw sockets leave the neighbour to the kernel, which keeps some 200 packets while it asks and
// drops the oldest of them: what had waited for the link, and nobody would send it again.
void NextHopWatch::note_link_back(std::uint64_t now_ns) {
  // Where nobody is watched, nobody will prove anything later.
  if (watched_.empty() || failure_) return;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    Watched& watched = watched_[i];
    if (!watched.has_answered || watched.is_given_up || !watched.is_used) continue;
    watched.is_to_prove = true;
    watched.unanswered = 0;
    ask(i, now_ns);
  }
  publish(now_ns);
}

// Replies are asked for before any comes by the new ways.
void NextHopWatch::prepare(const WayChange& change) {
  for (std::size_t i = 0; i < watched_.size(); ++i)
    if (watched_[i].is_used && !leads_to(change, i)) is_proved_by_replies(i);
  for (const Gateway& gateway : change.gateways) add_gateway(gateway);
}

void NextHopWatch::follow(const WayChange& change) {
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    Watched& watched = watched_[i];
    const bool is_used = leads_to(change, i);
    // What it did meanwhile nobody knows: it begins anew, with the MAC that it had.
    if (watched.is_used != is_used && !watched.is_given_up) {
      if (!is_used && watched.has_answered && watched.lost_since_ns == 0) add_loss(i);
      Watched anew;
      anew.mac = watched.mac;
      anew.has_answered = watched.has_answered;
      watched = anew;
    }
    watched.is_used = is_used;
  }
  has_other_ways_ = leads_to(change, NextHopTable::kOther);
}

void NextHopWatch::add_gateway(const Gateway& gateway) {
  next_hops_.table->set(watched_.size(), gateway.mac, gateway.interface_mac);
  next_hops_.probe->add(gateway);
  watched_.emplace_back();
  watched_.back().mac = gateway.mac;
}

void NextHopWatch::say_unwatched(std::uint64_t now_ns, const std::string& router,
                                 const std::string& why) {
  events_.add_loss(now_ns, fmt::format("{} {}", router, why),
                   "should it fail, hosts behind it are called silent");
}

void NextHopWatch::ask(std::size_t number, std::uint64_t now_ns) {
  Watched& watched = watched_[number];
  watched.asked_ns = now_ns;
  watched.is_answered = false;
  watched.is_everybody_asked = false;
  // Of itself the kernel asks when probes leave, and these wait for it.
  if (watched.is_to_prove && next_hops_.probe->gateways()[number].is_of_kernel)
    next_hops_.probe->have_kernel_ask(number);
  next_hops_.probe->ask(number, watched.mac);
}

bool NextHopWatch::goes_to(std::size_t number, const MacAddress& mac) {
  return !next_hops_.probe->gateways()[number].is_of_kernel ||
         next_hops_.probe->kernel_sends_to(number, mac);
}

bool NextHopWatch::is_proved_by_replies(std::size_t number) {
  if (has_other_ways_ || std::ranges::count_if(watched_, &Watched::is_used) != 1) return false;
  Watched& watched = watched_[number];
  const std::uint64_t replied_ns = replies_.proved_ns();
  if (replied_ns <= std::max(watched.proved_ns, watched.replied_ns)) return false;
  watched.replied_ns = replied_ns;
  // The kernel may have followed another machine: then this one was gone in between.
  if (!next_hops_.probe->gateways()[number].is_of_kernel) watched.proved_ns = replied_ns;
  return true;
}

void NextHopWatch::add_loss(std::size_t number) {
  const std::uint64_t proved_ns = watched_[number].proved_ns;
  state_.reply_losses.add(proved_ns - std::min(proved_ns, replies_.on_its_way_ns()),
                          std::uint64_t{1} << number);
}

// Replies are asked for before the table changes, since the new one may bring some at once. The
// table changes before the loss is told: a sender that goes back sends to the new one.
void NextHopWatch::adopt(std::size_t number, std::uint64_t now_ns) {
  Watched& watched = watched_[number];
  const MacAddress mac = watched.other->mac;
  is_proved_by_replies(number);
  next_hops_.table->set(number, mac, next_hops_.probe->gateways()[number].interface_mac);
  const bool was_lost = watched.lost_since_ns != 0;
  if (!was_lost) add_loss(number);
  events_.add_loss(now_ns,
                   fmt::format("the gateway {} has become {}, it was {}", name(number),
                               to_string(mac), to_string(watched.mac)),
                   was_lost
                       ? "sending goes on to it"
                       : "what may have been lost with the old one is " +
                             std::string(phase_ == SendingPhase::over ? "in doubt" : "sent again"));
  watched.mac = mac;
  watched.has_answered = watched.has_answered || watched.other->is_answer;
  watched.other.reset();
  watched.is_answered = true;
  watched.is_to_prove = false;
  watched.unanswered = 0;
  watched.proved_ns = now_ns;
  watched.lost_since_ns = 0;
}

void NextHopWatch::note_lost(std::size_t number, std::uint64_t now_ns) {
  Watched& watched = watched_[number];
  watched.lost_since_ns = now_ns;
  // A sender that sees the loss sees that it has to wait, too.
  publish_awaited();
  add_loss(number);
  const bool others_go_on = phase_ == SendingPhase::sending && goes_on_without(watched);
  events_.add_loss(now_ns, fmt::format("the gateway {} does not answer any more", name(number)),
                   others_go_on ? fmt::format("what goes to it waits, for {} s at most; all else "
                                              "goes on",
                                              link_timeout_s_)
                                : consequence_of_loss(phase_, link_timeout_s_));
}

void NextHopWatch::note_back(std::size_t number, std::uint64_t now_ns) {
  Watched& watched = watched_[number];
  events_.add_return(now_ns,
                     fmt::format("the gateway {} answers again after {:.1f} s", name(number),
                                 to_seconds(now_ns - watched.lost_since_ns)),
                     consequence_of_return(phase_));
  watched.lost_since_ns = 0;
}

void NextHopWatch::give_up(std::size_t number, std::uint64_t now_ns) {
  Watched& watched = watched_[number];
  watched.is_given_up = true;
  watched.is_to_prove = false;
  std::string what =
      fmt::format("the gateway {} did not answer for {} s", name(number), link_timeout_s_);
  const bool is_any_left = std::ranges::any_of(
      watched_, [](const Watched& other) { return other.is_used && !other.is_given_up; });
  if (!is_any_left && !has_other_ways_) {
    // It stays lost, so that nothing is sent to it any more.
    events_.add_loss(now_ns, what, "the scan ends");
    failure_ = std::move(what);
    return;
  }
  watched.lost_since_ns = 0;
  state_.lost_next_hops.fetch_or(std::uint64_t{1} << number, std::memory_order_relaxed);
  events_.add_loss(now_ns, std::move(what), "the targets behind it are unroutable from now on");
}

// Tells the senders whom to wait for, and up to when what has left is known to have met a gateway.
void NextHopWatch::publish(std::uint64_t now_ns) {
  std::uint64_t proved_ns = now_ns;
  for (const Watched& watched : watched_)
    if (watched.has_answered && !watched.is_given_up && watched.is_used)
      proved_ns = std::min(proved_ns, watched.proved_ns);
  state_.next_hops_proved_ns.store(proved_ns, std::memory_order_relaxed);
  publish_awaited();
}

// One that is missed stays named while all senders wait, so that none sees neither.
void NextHopWatch::publish_awaited() {
  std::uint64_t awaited = 0;
  bool is_any_waited_for = false;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    const Watched& watched = watched_[i];
    if (watched.lost_since_ns != 0) awaited |= std::uint64_t{1} << i;
    is_any_waited_for = is_any_waited_for || (watched.lost_since_ns != 0 ? !goes_on_without(watched)
                                                                         : watched.is_to_prove);
  }
  state_.awaited_next_hops.store(awaited, std::memory_order_release);
  state_.next_hop_is_lost.store(is_any_waited_for, std::memory_order_release);
}

bool NextHopWatch::goes_on_without(const Watched& lost) const {
  return has_other_ways_ || std::ranges::any_of(watched_, [&lost](const Watched& other) {
           return &other != &lost && other.is_used && !other.is_given_up &&
                  other.lost_since_ns == 0;
         });
}

bool NextHopWatch::is_lost() const {
  return std::ranges::any_of(watched_, [](const Watched& watched) {
    return watched.lost_since_ns != 0 || watched.is_to_prove;
  });
}

std::string NextHopWatch::name(std::size_t number) const {
  const Gateway& gateway = next_hops_.probe->gateways()[number];
  return fmt::format("{} on {}", to_string(gateway.address), gateway.interface_name);
}

}  // namespace echoscan
