#include "scanner/pipeline/filter_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scanner/process/clock.h"

namespace echoscan {
FilterWatch::FilterWatch(FilterAttachment* attachment, const Link& link, ScanState& state,
                         EventLog& events, std::function<std::uint64_t()> on_its_way_ns)
    : attachment_(attachment),
      link_(link),
      state_(state),
      events_(events),
      on_its_way_ns_(std::move(on_its_way_ns)) {
  if (attachment_ != nullptr) state_.filter_seen_on_ns.store(0, std::memory_order_relaxed);
}

// Twice, since a slower reply may still come. Where nobody has replied anything is possible.
std::uint64_t FilterWatch::on_its_way_ns(std::uint64_t round_trip_ns) {
  return round_trip_ns == 0 ? kRoundTripMaxNs
                            : std::clamp(2 * round_trip_ns, kRoundTripMinNs, kRoundTripMaxNs);
}

void FilterWatch::look(std::uint64_t now_ns, bool is_sending) {
  if (attachment_ == nullptr || failure_) return;
  is_sending_ = is_sending;
  if (attached_ns_ == 0) attached_ns_ = good_ns_ = good_before_ns_ = now_ns;
  if (!attachment_->is_attached()) {
    if (!is_off())
      note_off(now_ns, attached_ns_,
               fmt::format("the reply filter of {} was taken off", interface()));
    attach_again(now_ns);
    return;
  }
  attached_ns_ = now_ns;
  if (!is_off()) {
    compare(now_ns);
  } else if (now_ns - attached_again_ns_ >= kSettleNs) {
    note_on(now_ns);
  }
  if (!is_off()) state_.filter_seen_on_ns.store(now_ns, std::memory_order_relaxed);
}

// The kernel is asked first: whatever it has counted by then, a filter that runs has seen before.
void FilterWatch::compare(std::uint64_t now_ns) {
  if (compared_ns_ != 0 && now_ns - compared_ns_ < kCompareNs) return;
  const bool is_first = compared_ns_ == 0;
  compared_ns_ = now_ns;
  const std::optional<std::uint64_t> replies = link_.echo_replies();
  const std::uint64_t frames = attachment_->frames_seen();
  if (!replies) return;
  if (is_first || frames != frames_ || *replies == replies_) {
    if (frames != frames_) repairs_ = 0;
    good_before_ns_ = good_ns_;
    good_ns_ = now_ns;
    frames_ = frames;
    replies_ = *replies;
    rx_packets_.reset();
    return;
  }
  const std::optional<std::uint64_t> rx_packets = link_.rx_packets();
  // Some drivers begin to count anew when a program is attached.
  if (!rx_packets_ || !rx_packets || *rx_packets < *rx_packets_) {
    rx_packets_ = rx_packets;
  } else if (*replies - replies_ >= kRepliesPast && *rx_packets - *rx_packets_ >= kRepliesPast) {
    note_off(now_ns, good_before_ns_,
             fmt::format("{} does not run its reply filter any more", link_.name()));
    if (++repairs_ > kRepairsMax) {
      failure_ = fmt::format("it was attached {} times in a row and saw no frame", kRepairsMax);
    } else {
      attach_again(now_ns);
    }
  }
}

std::string FilterWatch::interface() const {
  const std::string further = attachment_->further_interface();
  return further.empty() ? link_.name() : further;
}

// `good_ns`: when it was last known to see everything.
void FilterWatch::note_off(std::uint64_t now_ns, std::uint64_t good_ns, const std::string& what) {
  off_since_ns_ = now_ns;
  lost_since_ns_ = good_ns - std::min(good_ns, on_its_way_ns_());
  // A sender that sees the loss sees that it has to pause, too: it goes back for all that it sent.
  state_.filter_is_off.store(true, std::memory_order_relaxed);
  state_.reply_losses.add(lost_since_ns_);
  events_.add_loss(now_ns, what,
                   is_sending_ ? "nothing is sent until it is attached again"
                               : "replies to the last probes may be lost");
}

// Tries to; in vain for kRepairNs, or as long taken off again and again, it is lost.
void FilterWatch::attach_again(std::uint64_t now_ns) {
  const tl::expected<void, Refusal> attached = attachment_->attach_again();
  attached_again_ns_ = now_ns;
  if (now_ns - off_since_ns_ < kRepairNs) return;
  failure_ = attached ? "it is taken off again and again" : attached.error().reason;
}

void FilterWatch::note_on(std::uint64_t now_ns) {
  events_.add_return(now_ns,
                     fmt::format("the reply filter of {} is attached again after {:.2f} s",
                                 interface(), to_seconds(now_ns - off_since_ns_)),
                     fmt::format("the probes of the {:.2f} s before its loss was noticed are {}",
                                 to_seconds(off_since_ns_ - lost_since_ns_),
                                 is_sending_ ? "sent again" : "in doubt"));
  state_.filter_is_off.store(false, std::memory_order_relaxed);
  off_since_ns_ = 0;
  compared_ns_ = 0;
  good_ns_ = good_before_ns_ = now_ns;
}

}  // namespace echoscan
