#include "scanner/pipeline/sender.h"

#include <algorithm>
#include <array>

namespace echoscan {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
// No nap is longer, so that people see a stop take effect at once.
constexpr std::uint64_t kNapMaxNs = 50'000'000;
// Longer than the timer's grain, so that the wait sleeps. A spinning sender under a real-time
// policy kept xdp_live's thread, which has a lower priority, off their CPU for 30 s.
constexpr std::uint64_t kSettleNapNs = 100'000;
constexpr std::uint64_t kPauseNapNs = 1'000'000;
constexpr std::uint64_t kStandByNapNs = 10'000'000;
constexpr std::uint64_t kPublishNs = 100'000'000;

std::uint64_t targets_to_go_back(ProbeRate rate_pps) {
  if (rate_pps == Pacer::kUnlimited) return Sender::kGoBackMax;
  return std::min(Sender::kGoBackMax, rate_pps.whole_pps() * Sender::kGoBackNs / kNsPerSecond + 1);
}

}  // namespace

Sender::Sender(TargetCursor cursor, ShardBlocks& blocks, Pacer& pacer, Transmitter& transmitter,
               Clock& clock, const ReplySource& source, const ResultWriter& writer,
               ScanState& state, const LabelMap& labels, const LabelMap& ways,
               const CurrentNextHops& next_hops, ProbeRate rate_pps)
    : draw_(cursor, blocks),
      pacer_(pacer),
      transmitter_(transmitter),
      clock_(clock),
      source_(source),
      writer_(writer),
      state_(state),
      go_back_(targets_to_go_back(rate_pps)),
      history_(kHistory),
      handed_back_(kBatchSize),
      ways_(next_hops, state),
      handed_over_(labels, ways) {
  given_up_.reserve(kBatchSize);
}

bool Sender::run() {
  progress_ns_ = clock_.now_ns();
  bool is_impatient = false;
  while (!is_done_ && !is_impatient) {
    const std::uint64_t now_ns = clock_.now_ns();
    if (!is_stopped_ && state_.ends_sending(now_ns)) stop(now_ns);
    const std::uint64_t wait_ns = turn(now_ns);
    if (wait_ns > 0) clock_.wait_until(now_ns + std::min(wait_ns, kNapMaxNs));
    is_impatient =
        is_stopped_ ? now_ns - stopped_ns_ > kStoppedSettleNs : now_ns - progress_ns_ > kStallNs;
  }
  const bool is_stalled = is_impatient && !is_stopped_ && batch_begin_ != batch_end_;
  if (!is_done_) end();
  publish_progress(clock_.now_ns(), has_ended_);
  return !is_stalled;
}

void Sender::stand_by() {
  is_standing_by_ = true;
  bool is_busy = false;
  progress_ns_ = clock_.now_ns();
  while (!state_.stop_receiving.load(std::memory_order_relaxed) &&
         !state_.stop_sending.load(std::memory_order_relaxed)) {
    const std::uint64_t now_ns = clock_.now_ns();
    std::uint64_t wait_ns = turn(now_ns);
    if (is_busy == is_done_) {
      is_busy = !is_done_;
      state_.senders_busy.fetch_add(is_busy ? 1U : ~0U, std::memory_order_relaxed);
    }
    if (is_done_) {
      progress_ns_ = now_ns;
      wait_ns = std::max(wait_ns, kStandByNapNs);
    }
    if (wait_ns > 0) clock_.wait_until(now_ns + std::min(wait_ns, kNapMaxNs));
    if (now_ns - progress_ns_ > kStallNs) break;
  }
  if (is_busy) state_.senders_busy.fetch_sub(1, std::memory_order_relaxed);
  end();
}

std::uint64_t Sender::turn(std::uint64_t now_ns) {
  note_link_seen_up();
  marks_.note(now_ns, batch_begin_ - std::min(batch_begin_, under_way()));
  if (progress_ && now_ns - published_ns_ >= kPublishNs) publish_progress(now_ns, false);
  const bool link_is_down = state_.link_is_down.load(std::memory_order_acquire);
  if (link_is_down != link_was_down_) {
    link_was_down_ = link_is_down;
    if (link_is_down) mark_lost(now_ns);
    if (!link_is_down) returned_ = batch_begin_;
  }
  note_reply_losses();
  // The link as it was above: what is sent behind its return is behind returned_.
  if (link_is_down || state_.has_to_wait()) {
    transmitter_.rest();
    pause(now_ns, counters_.paused_link_ns);
    return 0;
  }
  follow_ways();
  if (refill(now_ns)) {
    is_done_ = false;
  } else if (!held_.is_empty() && !is_stopped_) {
    return wait_with_nothing(now_ns, counters_.paused_link_ns);
  } else if (draw_.waits_until_ns() > 0) {
    return wait_with_nothing(now_ns, counters_.paused_pass_ns);
  } else {
    is_done_ = is_all_sent(now_ns);
    if (is_done_) return 0;
    // What is under way in the kernel waits for the receiver, too.
    if (source_.is_backlogged()) pause(now_ns, counters_.paused_receiver_ns);
    return kSettleNapNs;
  }
  // The rest of a batch that was begun waits for no reader when the scan is stopped.
  const bool output_is_limit = writer_.is_limit() && !is_stopped_;
  if (output_is_limit || source_.is_backlogged()) {
    transmitter_.settle();
    pause(now_ns, output_is_limit ? counters_.paused_output_ns : counters_.paused_receiver_ns);
    return 0;
  }
  const std::uint64_t wait_ns = send_batch(now_ns);
  if (wait_ns > 0) transmitter_.settle();
  return wait_ns;
}

// The room behind the batch, up to a batch's size, in one piece.
std::span<Target> Sender::room() {
  const std::size_t at = batch_end_ % kHistory;
  return std::span(history_).subspan(at, std::min<std::size_t>(kBatchSize, kHistory - at));
}

bool Sender::refill(std::uint64_t now_ns) {
  if (batch_begin_ != batch_end_) return true;
  // Not expected: so many targets were handed back meanwhile that the oldest of those to be sent
  // again are overwritten now.
  counters_.in_doubt.add(
      lost_.forget(batch_end_ + kBatchSize - std::min(batch_end_ + kBatchSize, kHistory)));
  kind_ = BatchKind::taken_back;
  std::size_t count = may_hold() ? take_back() : 0;
  // The pacer granted them once, and they did not leave.
  if (count > 0) paced_by_->give_back(count);
  count = keep_with_way(room().first(count));
  if (count == 0) {
    kind_ = BatchKind::gone_back;
    count = go_back(room());
  }
  if (count == 0 && !is_stopped_) count = take_held(room());
  if (count == 0 && !is_stopped_) {
    kind_ = BatchKind::from_order;
    count = draw(room(), now_ns);
    drawn_begin_ = batch_end_;
  }
  batch_end_ += count;
  const bool is_again = kind_ == BatchKind::taken_back || kind_ == BatchKind::gone_back;
  if (count > 0 && is_again) again_end_ = batch_end_;
  return count > 0;
}

// What comes back at once takes its own places again. Otherwise each round with a driver that
// refuses the same targets, as veth does until a lost link is noticed, would leave copies of them:
// they would push out what has left, and a sender that goes back would send to them for each copy.
std::size_t Sender::take_back() {
  const std::span<Target> all(handed_back_);
  const std::size_t count = transmitter_.take_back(all.first(room().size()));
  if (count == 0) return 0;
  const std::span<const Target> taken = all.first(count);
  // Not where they would lie in two pieces, at the ring's end and at its beginning.
  const bool is_one_piece = (batch_begin_ - count) % kHistory + count <= kHistory;
  if (count <= batch_begin_ && is_one_piece && are_the_last(taken)) {
    batch_begin_ -= count;
    batch_end_ = batch_begin_;
    lost_.rewind(batch_begin_);
    for (std::uint64_t* place : {&returned_, &seen_up_safe_end_, &settled_})
      *place = std::min(*place, batch_begin_);
  }
  std::ranges::copy(taken, room().begin());
  return count;
}

bool Sender::are_the_last(std::span<const Target> taken) const {
  for (std::uint64_t place = batch_begin_ - taken.size(); place != batch_begin_; ++place) {
    const Target& last = history_[place % kHistory];
    const auto is_last = [&last](const Target& target) {
      return target.address == last.address && target.pass == last.pass;
    };
    if (std::ranges::count_if(taken, is_last) != 1) return false;
  }
  return true;
}

// The first of them are those that are kept.
std::size_t Sender::keep_with_way(std::span<Target> taken_back) {
  const std::size_t held = held_.size();
  std::size_t kept = 0;
  for (Target target : taken_back) {
    ways_.renew(target);
    if (!is_put_off(target)) taken_back[kept++] = target;
  }
  note_held_since(held);
  return kept;
}

std::size_t Sender::go_back(std::span<Target> room) {
  const std::size_t held = held_.size();
  std::size_t count = 0;
  for (; count < room.size() && !lost_.is_empty() && may_hold(); lost_.remove_first()) {
    Target target = history_[lost_.begin() % kHistory];
    if (!lost_.is_meant(target)) continue;
    ways_.renew(target);
    target.is_again = true;
    if (!is_put_off(target)) room[count++] = target;
  }
  note_held_since(held);
  return count;
}

std::size_t Sender::take_held(std::span<Target> room) {
  if (!held_.has_next()) return 0;
  std::size_t count = 0;
  while (count < room.size() && held_.has_next()) {
    auto [target, kind] = held_.next();
    if (kind == BatchKind::from_order) kind = BatchKind::from_line;
    if (count > 0 && (kind != kind_ || target.pass != pass_)) break;
    ways_.renew(target);
    if (ways_.is_awaited(target)) {
      held_.keep_next();
      continue;
    }
    held_.remove_next();
    kind_ = kind;
    pass_ = target.pass;
    if (ways_.is_lost(target)) {
      drop(target);
    } else {
      room[count++] = target;
    }
  }
  if (count > 0) paced_by_ = &pacer_;
  // A stop sends the rest of it: its draws were begun long ago.
  drawn_begin_ = ~std::uint64_t{0};
  if (progress_ && held_.is_empty()) progress_->release_held(batch_end_ + count);
  return count;
}

void Sender::follow_ways() {
  const TargetWays::News news = ways_.follow();
  if (news == TargetWays::News::none) return;
  held_.look_again();
  const std::size_t held = held_.size();
  std::uint64_t kept_end = batch_begin_;
  for (std::uint64_t place = batch_begin_; place != batch_end_; ++place) {
    Target target = history_[place % kHistory];
    if (news == TargetWays::News::routes) ways_.set(target);
    if (!is_put_off(target)) history_[kept_end++ % kHistory] = target;
  }
  batch_end_ = kept_end;
  note_held_since(held);
}

bool Sender::is_put_off(const Target& target) {
  if (ways_.is_lost(target)) {
    drop(target);
    return true;
  }
  if (!ways_.is_awaited(target)) return false;
  held_.push(target, kind_ == BatchKind::from_line ? BatchKind::from_order : kind_);
  return true;
}

// Their draws are not done when those places are, and nobody knows which of them they are.
void Sender::note_held_since(std::size_t held) {
  if (progress_ && held_.size() > held) progress_->note_held_behind(settled_);
}

void Sender::drop(const Target& target) {
  // What is handed back stood behind the settled place, and nobody knows of which draw it was.
  const bool is_of_order = kind_ == BatchKind::from_order || kind_ == BatchKind::from_line;
  if (progress_ && !target.is_again)
    progress_->note_unsent_behind(is_of_order ? batch_begin_ : settled_);
  if (is_of_order) {
    counters_.way_lost.add(1);
  } else if (give_up(target, kind_)) {
    counters_.in_doubt.add(1);
  }
}

bool Sender::give_up(const Target& target, BatchKind kind) {
  if (kind == BatchKind::taken_back)
    (target.is_again ? counters_.lost_again : counters_.refused).add(1);
  if (kind == BatchKind::taken_back && !target.is_again) given_up_.push_back(target);
  return target.is_again;
}

std::size_t Sender::draw(std::span<Target> room, std::uint64_t now_ns) {
  std::array<Ipv4, kBatchSize> addresses;
  while (may_hold()) {
    // A pass begins when the one before is done, and so is the order.
    if (!held_.is_empty() && draw_.is_at_end_of_pass()) return 0;
    const auto drawn =
        draw_.next(std::span(addresses).first(room.size()), now_ns, counters_, handed_over_);
    if (!drawn) return 0;
    pass_ = drawn->pass;
    paced_by_ = drawn->pacer != nullptr ? drawn->pacer : &pacer_;
    const std::size_t count = ways_.give(drawn->addresses, pass_, room, held_, counters_);
    // What no way of the plan leads to is done. That a way was lost, or that routes have changed,
    // need not hold for who resumes the scan.
    const bool is_partial = count < drawn->addresses.size() && ways_.is_any_lost();
    if (progress_) {
      progress_->note_draw(drawn->steps, batch_end_, count, is_partial);
      if (count < drawn->addresses.size() && ways_.is_any_awaited())
        progress_->note_held(drawn->steps);
    }
    if (count > 0) return count;
    // There may be millions without a way in a row, or that have replied.
    if (state_.stop_sending.load(std::memory_order_relaxed)) return 0;
  }
  return 0;
}

std::uint64_t Sender::wait_with_nothing(std::uint64_t now_ns, Counter& paused_ns) {
  is_done_ = false;
  transmitter_.settle();
  pause(now_ns, source_.is_backlogged() ? counters_.paused_receiver_ns : paused_ns);
  return 0;
}

std::uint64_t Sender::send_batch(std::uint64_t now_ns) {
  const Pacer::Grant grant = paced_by_->take(batch_end_ - batch_begin_, now_ns);
  if (grant.count == 0) {
    // It is the pacer that waits, and not the kernel, unless that refused the last that was tried.
    if (!is_refused_) progress_ns_ = now_ns;
    return grant.ready_ns > now_ns ? grant.ready_ns - now_ns : 1;
  }
  const std::span<const Target> granted =
      std::span<const Target>(history_).subspan(batch_begin_ % kHistory, grant.count);
  const std::size_t taken = transmitter_.send(granted);
  count_accepted(granted.first(taken));
  batch_begin_ += taken;
  if (taken < grant.count) paced_by_->give_back(grant.count - taken);
  if (taken > 0) {
    progress_ns_ = now_ns;
    settled_ns_ = 0;
    is_refused_ = false;
    back_off_ns_ = Transmitter::kBackOffMinNs;
    return 0;
  }
  is_refused_ = true;
  back_off_ns_ =
      std::clamp(back_off_ns_ * 2, Transmitter::kBackOffMinNs, Transmitter::kBackOffMaxNs);
  return back_off_ns_;
}

void Sender::count_accepted(std::span<const Target> accepted) {
  if (kind_ == BatchKind::taken_back || kind_ == BatchKind::gone_back) {
    (kind_ == BatchKind::taken_back ? counters_.retried : counters_.gone_back).add(accepted.size());
    return;
  }
  counters_.handed_over.add(accepted.size());
  if (pass_ == 0) counters_.first_pass.add(accepted.size());
  handed_over_.add(accepted, ways_.is_first());
}

void Sender::pause(std::uint64_t now_ns, Counter& paused_ns) {
  clock_.wait_until(now_ns + kPauseNapNs);
  // Counts the time that it took: on a busy machine a nap is longer than asked for.
  paused_ns.add(clock_.now_ns() - now_ns);
  progress_ns_ = now_ns;
}

std::uint64_t Sender::safe_end() const {
  return batch_begin_ - std::min(batch_begin_, under_way() + go_back_);
}

void Sender::note_link_seen_up() {
  const std::uint64_t seen_up_ns = state_.link_seen_up_ns.load(std::memory_order_relaxed);
  if (seen_up_ns == seen_up_ns_) return;
  seen_up_ns_ = seen_up_ns;
  seen_up_safe_end_ = safe_end();
}

void Sender::mark_lost(std::uint64_t now_ns) {
  if (is_done_) {
    // All has left, and the link was up after that: only replies can be lost.
    const std::uint64_t seen_up_ns = state_.link_seen_up_ns.load(std::memory_order_relaxed);
    mark_from(marks_.place_at(seen_up_ns - std::min(seen_up_ns, kGoBackNs)),
              ReplyLosses::kEveryHop);
    return;
  }
  std::uint64_t begin = safe_end();
  // A control or a sender that got no CPU looks late: all that has left since the link was last
  // seen up may have met a dead one.
  if (seen_up_ns_ < now_ns && now_ns - seen_up_ns_ > kLookNs)
    begin = std::min(begin, seen_up_safe_end_);
  if (state_.link_was_silent.load(std::memory_order_relaxed)) begin = std::min(begin, returned_);
  mark_from(begin, ReplyLosses::kEveryHop);
  // All before is safe, or in doubt already.
  seen_up_safe_end_ = lost_.begin();
}

void Sender::note_reply_losses() {
  const std::uint64_t count = state_.reply_losses.count();
  if (count == reply_losses_) return;
  mark_from(marks_.place_at(state_.reply_losses.earliest_since_ns(reply_losses_)),
            state_.reply_losses.next_hops(reply_losses_));
  reply_losses_ = count;
}

void Sender::note_late_loss() {
  const std::uint64_t count = state_.reply_losses.count();
  if (count == reply_losses_) return;
  const std::uint64_t begin = marks_.place_at(state_.reply_losses.earliest_since_ns(reply_losses_));
  counters_.in_doubt.add(batch_begin_ -
                         std::min(batch_begin_, std::max(begin, lost_.doubted_end())));
  reply_losses_ = count;
  settled_ = std::min(settled_, begin);
  publish_progress(clock_.now_ns(), true);
}

// While targets wait or are under way that stand in the history a second time, nobody knows which
// places they had first, but those lie behind what was settled before.
std::uint64_t Sender::settled_place() {
  if (has_ended_ || batch_begin_ - std::min(batch_begin_, under_way()) < again_end_)
    return settled_;
  settled_ = under_way() == 0 ? batch_begin_ : safe_end();
  if (!lost_.is_empty()) settled_ = std::min(settled_, lost_.begin());
  return settled_;
}

void Sender::publish_progress(std::uint64_t now_ns, bool is_last) {
  if (!progress_) return;
  published_ns_ = now_ns;
  progress_->publish(settled_place(), draw_.rest(),
                     is_last ? OrderProgress::kEveryBlock : draw_.claimed_blocks(), is_last);
}

void Sender::mark_from(std::uint64_t begin, std::uint64_t next_hops) {
  const std::uint64_t oldest = batch_end_ - std::min(batch_end_, kHistory);
  counters_.in_doubt.add(lost_.mark(begin, oldest, batch_begin_, next_hops));
  settled_ = std::min(settled_, lost_.begin());
}

std::uint64_t Sender::under_way() const {
  std::uint64_t ended = 0;
  for (const Transmitter* part : transmitter_.parts()) ended += part->counters().ended();
  const std::uint64_t accepted =
      counters_.handed_over.get() + counters_.retried.get() + counters_.gone_back.get();
  return accepted - std::min(accepted, ended);
}

// Something may have been lost just now without anybody knowing: the last probes are safe only when
// all that they need is seen after they left.
bool Sender::is_all_sent(std::uint64_t now_ns) {
  if (!transmitter_.settle() || refill(now_ns) || (!held_.is_empty() && !is_stopped_)) {
    settled_ns_ = 0;
    return false;
  }
  if (settled_ns_ == 0) settled_ns_ = now_ns;
  // In the cooldown nobody asks for ways any more.
  const std::uint64_t seen_ns = is_standing_by_
                                    ? state_.link_seen_up_ns.load(std::memory_order_relaxed)
                                    : state_.seen_well_ns();
  return is_stopped_ || seen_ns > settled_ns_;
}

// Targets that were drawn and not handed over stay unsent, but for the rest of a batch that was
// begun: so whole draws have been sent or none of them, and the order says exactly who was asked.
void Sender::stop(std::uint64_t now_ns) {
  is_stopped_ = true;
  stopped_ns_ = now_ns;
  draw_.end();
  if (kind_ != BatchKind::from_order || batch_begin_ != drawn_begin_ || batch_end_ == batch_begin_)
    return;
  batch_end_ = batch_begin_;
  if (progress_) progress_->take_back_newest();
}

void Sender::end() {
  if (has_ended_) return;
  const std::uint64_t settled = settled_place();
  has_ended_ = true;
  draw_.end();
  transmitter_.give_up();
  std::uint64_t in_doubt = lost_.give_up();
  const bool has_rest = batch_begin_ != batch_end_ || !held_.is_empty();
  for (; batch_begin_ != batch_end_; ++batch_begin_)
    in_doubt += give_up(history_[batch_begin_ % kHistory], kind_) ? 1 : 0;
  for (const HeldTargets::Held& held : held_.all())
    in_doubt += give_up(held.target, held.kind) ? 1 : 0;
  // given_up() names those that never left; they are not in doubt.
  std::uint64_t named = 0;
  for (const Transmitter* part : transmitter_.parts()) named += part->given_up().size();
  counters_.in_doubt.add(in_doubt - std::min(in_doubt, named));
  // What left is settled, when all is known to have left.
  settled_ = has_rest || in_doubt + named > 0 ? settled : batch_begin_;
  publish_progress(clock_.now_ns(), true);
}

}  // namespace echoscan
