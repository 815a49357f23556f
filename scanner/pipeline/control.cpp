#include "scanner/pipeline/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "scanner/pipeline/sender.h"
#include "scanner/process/clock.h"
#include "scanner/process/log.h"
#include "scanner/process/stop_signals.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
// What measuring them may be wrong by, and less than anybody would set a clock by.
constexpr std::int64_t kClockDriftNs = 100'000;

}  // namespace

Control::Control(const Limits& limits, std::size_t sender_count, const Link& link,
                 ReplySource& source, const NextHops& next_hops, ScanState& state, Status& status,
                 std::function<Snapshot()> look)
    : limits_(limits),
      senders_left_(sender_count),
      link_(link),
      source_(source),
      state_(state),
      status_(status),
      look_(std::move(look)),
      filter_watch_(source.attachment(), link, state, events_, [this] { return on_its_way_ns(); }),
      next_hop_watch_(
          next_hops, limits.link_timeout_s, state, events_,
          {[this] { return look_().receiver.proved_ns; }, [this] { return on_its_way_ns(); }}),
      source_watch_(link, limits.link_timeout_s, state, events_,
                    [this] { return on_its_way_ns(); }),
      bond_watch_(link, state, events_, [this] { return on_its_way_ns(); }),
      settings_watch_(link, events_),
      way_watch_(next_hops.survey.get(), *next_hops.current, limits.link_timeout_s, state, events_,
                 {[this](const WayChange& change) { next_hop_watch_.prepare(change); },
                  [this](const WayChange& change) { next_hop_watch_.follow(change); },
                  [this] { return on_its_way_ns(); }}),
      reply_balance_(source, link),
      cooldown_(limits.cooldown_ns, events_),
      hit_rate_watch_(limits.min_hit_rate, limits.cooldown_ns),
      interface_name_(link.name()) {
  if (next_hops.probe && !next_hops.probe->gateways().empty())
    state_.next_hops_proved_ns.store(0, std::memory_order_relaxed);
  // From now on the link is watched.
  state_.link_seen_up_ns.store(0, std::memory_order_relaxed);
}

// Ends the sending. The first reason is the one that is reported.
void Control::stop(const ScanOutcome& outcome) {
  if (std::holds_alternative<Finished>(outcome_)) outcome_ = outcome;
  state_.stop_sending.store(true, std::memory_order_relaxed);
}

void Control::on_signal(int signal) {
  if (signal == SIGUSR1) {
    status_.answer(look_());
    return;
  }
  stop(Signalled{signal});
  if (was_signalled_) {
    state_.abandon_output.store(true, std::memory_order_relaxed);
    is_hurried_ = true;
    return;
  }
  was_signalled_ = true;
  const std::string late = fmt::format(": {} s for late replies, a second signal ends now",
                                       to_seconds(limits_.cooldown_ns));
  log_warning("stopping ({}){}", signal_name(signal), limits_.cooldown_ns > 0 ? late : "");
}

void Control::on_sender_end(bool is_good) {
  if (!is_good) stop(Stalled{Sender::kStallNs / kSecondNs, look_().last_error()});
  if (state_.runtime_is_over.load(std::memory_order_relaxed)) stop(MaxRuntimeReached{});
  --senders_left_;
}

void Control::settle(std::uint64_t now_ns) {
  status_.close(look_());
  reply_balance_.settle(now_ns, events_);
  const std::int64_t drift_ns = source_.clock_drift_ns();
  if (std::abs(drift_ns) < kClockDriftNs) return;
  events_.add_loss(now_ns,
                   fmt::format("the clock of this process and the kernel's have moved apart by "
                               "{:.3f} s",
                               static_cast<double>(drift_ns) / static_cast<double>(kSecondNs)),
                   "round-trip times may be wrong by as much");
}

void Control::on_output_failure(const OutputFailed& failure) {
  stop(failure);
  is_hurried_ = true;
}

void Control::tick(std::uint64_t now_ns) {
  if (started_ns_ == 0) {
    started_ns_ = now_ns;
    state_.send_until_ns.store(now_ns + std::min(limits_.max_runtime_ns, ~now_ns),
                               std::memory_order_relaxed);
    tx_at_start_ = link_.tx_packets();
    next_progress_ns_ = now_ns + kSecondNs;
  }
  look_at_path(now_ns);
  look_at_link(now_ns);
  if (senders_left_ > 0) {
    look_at_limits(now_ns);
  } else {
    look_at_cooldown(now_ns);
    look_at_reader(now_ns);
  }
  if (status_.is_due(now_ns)) status_.show(look_());
  if (now_ns < next_progress_ns_) return;
  // A control that got no CPU for a while does not look as often as it missed.
  next_progress_ns_ += (1 + (now_ns - next_progress_ns_) / kSecondNs) * kSecondNs;
  look_for_progress(look_());
}

void Control::look_at_limits(std::uint64_t now_ns) {
  if (now_ns - started_ns_ >= limits_.max_runtime_ns) stop(MaxRuntimeReached{});
  if (limits_.max_results > 0 && look_().receiver.replied >= limits_.max_results)
    stop(MaxResultsReached{});
  if (!hit_rate_watch_.is_due(now_ns)) return;
  HitRateWatch::Figures figures = hit_rate_figures(look_());
  figures.is_held_up |= state_.has_to_wait() || next_hop_watch_.is_lost();
  const std::optional<HitRateTooLow> too_low = hit_rate_watch_.look(now_ns, figures);
  if (!too_low || state_.stop_sending.load(std::memory_order_relaxed)) return;
  events_.add_loss(now_ns, hit_rate_text(*too_low), "the sending ends");
  stop(*too_low);
}

void Control::look_at_cooldown(std::uint64_t now_ns) {
  if (state_.stop_receiving.load(std::memory_order_relaxed)) return;
  if (!said_cooldown_) {
    said_cooldown_ = true;
    const std::uint64_t ended_ns = state_.sending_ended_ns.load(std::memory_order_relaxed);
    cooldown_.begin(ended_ns);
    state_.cooldown_began_ns.store(ended_ns, std::memory_order_relaxed);
    // When nothing has left, no answer will come.
    if (look_().sent() == 0) is_hurried_ = true;
    if (!is_hurried_ && limits_.cooldown_ns > 0 && !have_all_replied())
      log_info("{}; receiving for {} s more",
               is_sent_again() ? "all probes have left" : "sending has ended",
               to_seconds(limits_.cooldown_ns));
  }
  const bool is_held_up = is_cooldown_held_up(now_ns);
  if (is_held_up && !cooldown_is_held_up_) ++cooldown_delays_;
  cooldown_is_held_up_ = is_held_up;
  if (is_held_up) state_.cooldown_began_ns.store(now_ns, std::memory_order_relaxed);
  if (is_held_up && cooldown_delays_ <= kCooldownDelaysMax) cooldown_.begin(now_ns);
  if (cooldown_.is_due(now_ns)) cooldown_.look(now_ns, look_().receiver.replied);
  // Where something was lost, senders have to see to it first.
  const bool is_needless = cooldown_delays_ == 0 && have_all_replied();
  if (!is_hurried_ && !is_needless && !cooldown_.is_over(now_ns)) return;
  if (!is_hurried_ && !is_needless) close_cooldown(now_ns);
  stop_receiving();
}

// Probes that nobody confirms may have left: their targets are waited for, too.
bool Control::have_all_replied() const {
  if (!limits_.wants_first_replies_alone) return false;
  const Snapshot snapshot = look_();
  return snapshot.receiver.replied > 0 &&
         snapshot.receiver.replied == snapshot.sum(&SenderFigures::first_pass);
}

void Control::close_cooldown(std::uint64_t now_ns) {
  const Snapshot snapshot = look_();
  const std::uint64_t ended_ns = state_.sending_ended_ns.load(std::memory_order_relaxed);
  const double sending_s = std::max(to_seconds(ended_ns - started_ns_), 1e-9);
  const std::uint64_t replied = snapshot.receiver.replied;
  cooldown_.close(now_ns, replied, static_cast<double>(replied) / std::max(1.0, sending_s));
}

bool Control::is_sent_again() const {
  return !state_.stop_sending.load(std::memory_order_relaxed);
}

SendingPhase Control::phase() const {
  if (senders_left_ > 0) return SendingPhase::sending;
  return is_sent_again() ? SendingPhase::standing_by : SendingPhase::over;
}

bool Control::is_cooldown_held_up(std::uint64_t now_ns) const {
  return is_sent_again() && now_ns - started_ns_ < limits_.max_runtime_ns &&
         (link_is_down_ || filter_watch_.is_off() || next_hop_watch_.is_lost() ||
          source_watch_.is_lost() || state_.senders_busy.load(std::memory_order_relaxed) > 0);
}

// A reader that is only slow is waited for, and so is one that holds a scan which was not told to
// end: it may be a pager.
void Control::look_at_reader(std::uint64_t now_ns) {
  if (!state_.stop_receiving.load(std::memory_order_relaxed) ||
      std::holds_alternative<Finished>(outcome_))
    return;
  const std::uint64_t bytes = look_().output.bytes;
  if (reader_took_ns_ == 0 || bytes != reader_took_bytes_) {
    reader_took_ns_ = now_ns;
    reader_took_bytes_ = bytes;
  }
  if (now_ns - reader_took_ns_ >= kReaderPatienceNs)
    state_.abandon_output.store(true, std::memory_order_relaxed);
}

// From now on the source belongs to the receiver alone, which stops it.
void Control::stop_receiving() {
  reply_balance_.close();
  state_.is_cut_short.store(exit_code(outcome_) != ExitCode::finished, std::memory_order_relaxed);
  state_.stop_receiving.store(true, std::memory_order_release);
}

void Control::stop_without(const std::string& what, const std::string& reason) {
  const Snapshot snapshot = look_();
  stop(PathLost{what, reason, snapshot.probes_sent(), snapshot.probes, limits_.seed});
}

// Also in the cooldown, in which what link and filter may have cost is sent again. With the
// interface everything else is gone, too.
void Control::look_at_path(std::uint64_t now_ns) {
  if (state_.stop_receiving.load(std::memory_order_relaxed) || is_interface_gone(now_ns)) return;
  look_at_filter(now_ns);
  look_at_source(now_ns);
  bond_watch_.look(now_ns, phase());
  settings_watch_.look(now_ns);
  // A gateway cannot answer through a link that is down.
  if (!link_is_down_) look_at_next_hops(now_ns);
  look_at_ways(now_ns);
}

void Control::look_at_filter(std::uint64_t now_ns) {
  if (filter_watch_.failure()) return;
  filter_watch_.look(now_ns, is_sent_again());
  if (!filter_watch_.failure()) return;
  stop_without("reply filter lost", fmt::format("the reply filter of {} is lost ({})", link_.name(),
                                                *filter_watch_.failure()));
  is_hurried_ = true;
}

void Control::look_at_source(std::uint64_t now_ns) {
  if (source_watch_.failure()) return;
  source_watch_.look(now_ns, phase());
  if (source_watch_.failure())
    stop_without("source lost",
                 fmt::format("this host has not had the address {} for {} s (--link-timeout)",
                             to_string(*source_watch_.failure()), limits_.link_timeout_s));
}

void Control::look_at_next_hops(std::uint64_t now_ns) {
  if (next_hop_watch_.failure()) return;
  next_hop_watch_.look(now_ns, phase());
  if (next_hop_watch_.failure())
    stop_without("gateway lost", *next_hop_watch_.failure() + " (--link-timeout)");
}

// Replies need no routes of this host's. A link that goes takes routes along, and an address does.
void Control::look_at_ways(std::uint64_t now_ns) {
  if (senders_left_ == 0 || way_watch_.failure()) return;
  way_watch_.look(now_ns, link_is_down_ || source_watch_.is_lost());
  if (way_watch_.failure()) stop_without("routes changed", *way_watch_.failure());
}

// One that is renamed goes on sending: what is bound to it is bound to its number.
bool Control::is_interface_gone(std::uint64_t now_ns) {
  if (is_gone_) return true;
  std::string name = link_.current_name();
  if (name == interface_name_) return false;
  if (!name.empty()) {
    events_.add_return(now_ns, fmt::format("{} is called {} now", interface_name_, name),
                       "sending goes on");
    interface_name_ = std::move(name);
    return false;
  }
  is_gone_ = true;
  events_.add_loss(now_ns, fmt::format("the interface {} is gone", link_.name()), "the scan ends");
  stop_without("interface gone",
               fmt::format("the interface {} is gone: it was removed", link_.name()));
  return true;
}

// While the link is down senders pause: a probe sent now would be lost, or worse, counted as sent.
void Control::look_at_link(std::uint64_t now_ns) {
  if (is_gone_ || state_.stop_receiving.load(std::memory_order_relaxed)) return;
  if (!link_.is_up()) {
    note_link_down(now_ns);
    return;
  }
  if (!link_is_down_) {
    if (returned_ns_ != 0) prove_link(now_ns);
    // A return that is not proved is not what the end of the scan may rely on.
    if (unproved_ns_ == 0) state_.link_seen_up_ns.store(now_ns, std::memory_order_relaxed);
  } else if (now_ns - last_down_ns_ > kLinkSettleNs) {
    note_link_up(now_ns);
  }
}

void Control::note_link_up(std::uint64_t now_ns) {
  link_is_down_ = false;
  const std::optional<std::uint64_t> tx_packets = link_.tx_packets();
  unproved_ns_ = 0;
  returned_ns_ = is_telling_ && tx_packets ? now_ns : 0;
  tx_at_return_ = tx_packets.value_or(0);
  sent_at_return_ = look_().sent();
  next_hop_watch_.note_link_back(now_ns);
  state_.link_is_down.store(false, std::memory_order_release);
  events_.add_return(now_ns,
                     fmt::format("the link of {} is up again after {:.1f} s", link_.name(),
                                 to_seconds(now_ns - down_since_ns_)),
                     consequence_of_return(phase()));
}

bool Control::is_counted_by_interface() const {
  const std::optional<std::uint64_t> tx_packets = link_.tx_packets();
  const std::uint64_t sent = look_().sent();
  return tx_packets && tx_at_start_ && sent > 0 && *tx_packets >= *tx_at_start_ + sent / 2;
}

void Control::prove_link(std::uint64_t now_ns) {
  const std::uint64_t sent = look_().sent() - sent_at_return_;
  const std::uint64_t counted = link_.tx_packets().value_or(0) - tx_at_return_;
  if (counted >= (sent + 1) / 2) {
    unproved_ns_ = 0;
    // The host's own packets may be counted before any of ours has left.
    if (sent > 0 || now_ns - returned_ns_ > kProofNs) returned_ns_ = 0;
    return;
  }
  if (unproved_ns_ == 0) unproved_ns_ = now_ns;
  if (now_ns - unproved_ns_ < kUncountedNs) return;
  events_.add_loss(now_ns, fmt::format("{} takes frames and sends none", link_.name()),
                   fmt::format("{} are sent again", sent));
  state_.link_was_silent.store(true, std::memory_order_relaxed);
  note_link_down(now_ns);
}

void Control::note_link_down(std::uint64_t now_ns) {
  last_down_ns_ = now_ns;
  if (!link_is_down_) {
    link_is_down_ = true;
    // A link that came back and proved nothing has been down all the time.
    if (unproved_ns_ == 0) {
      down_since_ns_ = now_ns;
      is_telling_ = is_counted_by_interface();
      state_.link_was_silent.store(false, std::memory_order_relaxed);
      note_replies_lost_with_link();
      events_.add_loss(now_ns, fmt::format("the link of {} is down", link_.name()),
                       consequence_of_loss(phase(), limits_.link_timeout_s));
    }
    state_.link_is_down.store(true, std::memory_order_relaxed);
  }
  if (is_sent_again() && to_seconds(now_ns - down_since_ns_) > limits_.link_timeout_s)
    stop_without("link down", fmt::format("the link of {} was down for {} s (--link-timeout)",
                                          link_.name(), limits_.link_timeout_s));
}

// In the cooldown all replies that it waits for may be lost: where nobody has replied, they may
// take as long as it.
std::uint64_t Control::on_its_way_ns() const {
  const std::uint64_t round_trip_ns = look_().receiver.round_trip_ns;
  const std::uint64_t usual_ns = FilterWatch::on_its_way_ns(round_trip_ns);
  if (senders_left_ > 0 || (round_trip_ns != 0 && 2 * round_trip_ns <= usual_ns)) return usual_ns;
  return std::max(usual_ns, limits_.cooldown_ns);
}

// By kGoBackNs senders go back by themselves, as long as they send.
void Control::note_replies_lost_with_link() {
  const std::uint64_t on_its_way_ns = this->on_its_way_ns();
  const std::uint64_t seen_up_ns = state_.link_seen_up_ns.load(std::memory_order_relaxed);
  if (senders_left_ == 0 || on_its_way_ns > Sender::kGoBackNs)
    state_.reply_losses.add(seen_up_ns - std::min(seen_up_ns, on_its_way_ns));
}

std::uint64_t Control::silence_ns() const {
  return limits_.rate_pps == 0 ? kSilenceNs
                               : std::max(kSilenceNs, 3 * limits_.rate_pps.interval_ns());
}

// Warns when a scan sends nothing and has no reason to wait: a pacer that never granted anything
// once looked like a slow network, until --max-runtime ended the scan.
void Control::look_for_progress(const Snapshot& snapshot) {
  const std::uint64_t sent = snapshot.sent() + snapshot.sum(&SenderFigures::replied_already);
  const std::uint64_t paused_ns = snapshot.paused_ns();
  const bool is_waiting = paused_ns != last_paused_ns_ || link_is_down_ || filter_watch_.is_off() ||
                          next_hop_watch_.is_lost() || source_watch_.is_lost() ||
                          way_watch_.is_lost() || senders_left_ == 0;
  if (sent != last_sent_ || is_waiting || progress_ns_ == 0) {
    progress_ns_ = snapshot.taken_ns;
    said_no_progress_ = false;
  } else if (!said_no_progress_ && snapshot.taken_ns - progress_ns_ > silence_ns()) {
    said_no_progress_ = true;
    const int error = snapshot.last_error();
    log_warning("no probe has left for {} s, though nothing holds the sending up{}",
                (snapshot.taken_ns - progress_ns_) / kSecondNs,
                error == 0 ? "" : fmt::format(" but the kernel: {}", std::strerror(error)));
  }
  last_sent_ = sent;
  last_paused_ns_ = paused_ns;
}

}  // namespace echoscan
