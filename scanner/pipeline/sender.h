// The sender: the hot loop of one queue. Order -> pacer -> transmitter, a batch at a time.
//
// Targets are written once, into a ring of the last kHistory targets. The batch is the ring's
// newest part; accepted targets stay behind it. From this ring probes are sent again, whatever the
// method: those that the transmitter hands back because the kernel refused them, and, when the link
// is lost, those accepted last, since a card's ring vanishes with the link, completed or not. The
// latter are all that are under way, and kGoBackNs' worth of the queue's rate before them. When
// replies were lost on this side, they are all that have left since a time that the control says.
// Targets whose gateway does not answer are set aside, and all others go on.
// Rejected: that each method keeps its own last targets (there were four ways of it, and zero-copy
// had none); a copy of each target on the hot path. 64 targets a batch are one sendmmsg or two
// kicks of AF_XDP in copy mode; more would only delay the wire. Everything outside is a seam.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "output/result/result_writer.h"
#include "scanner/pipeline/held_targets.h"
#include "scanner/pipeline/lost_places.h"
#include "scanner/pipeline/order_draw.h"
#include "scanner/pipeline/order_progress.h"
#include "scanner/pipeline/place_marks.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/pipeline/target_ways.h"
#include "scanner/process/clock.h"
#include "scanner/process/counter.h"
#include "scanner/receive/reply_source.h"
#include "scanner/transmit/pacer.h"
#include "scanner/transmit/transmitter.h"

namespace echoscan {

class Sender {
 public:
  static constexpr std::size_t kBatchSize = Transmitter::kBatchSize;
  static constexpr std::uint64_t kStallNs = 30'000'000'000;
  // How long the sender waits for what is under way after a stop; else it waits kStallNs.
  static constexpr std::uint64_t kStoppedSettleNs = 1'000'000'000;
  // The link is looked at every 10 ms; what left within five times that may have met a dead link.
  static constexpr std::uint64_t kGoBackNs = 50'000'000;
  // The link is seen up no longer ago than this, unless it is looked at late.
  static constexpr std::uint64_t kLookNs = 20'000'000;
  // More than a card's ring holds, and few enough to be probed twice without harm.
  static constexpr std::uint64_t kGoBackMax = 4096;
  // How many targets are remembered: all for which the sender ever goes back, and room for those
  // that are handed back meanwhile. 256 KiB.
  static constexpr std::uint64_t kHistory = 32'768;
  static_assert(kHistory >= Transmitter::kUnderWayMax + kGoBackMax + 4096);
  static_assert(kHistory % kBatchSize == 0);

  // All must outlive the sender. No other thread may use the transmitter. `rate_pps` is the queue's
  // share of the scan's rate, which says how far to go back; the pacer keeps the rate.
  Sender(TargetCursor cursor, ShardBlocks& blocks, Pacer& pacer, Transmitter& transmitter,
         Clock& clock, const ReplySource& source, const ResultWriter& writer, ScanState& state,
         const LabelMap& labels, const LabelMap& ways, const CurrentNextHops& next_hops,
         ProbeRate rate_pps = Pacer::kUnlimited);
  // Before run(). From now on the sender says in `progress` how far it has come. Both may be null
  // and must outlive the sender; targets that have answered an earlier leg are not sent to.
  void keep_progress(OrderProgress* progress, const EarlierAnswers* earlier) {
    progress_ = progress;
    draw_.leave_out(earlier);
  }
  // Before run(). `sender` is the number by which the gate knows this one.
  void follow(const PassRules& rules, std::size_t sender) { draw_.follow(rules, sender); }

  // Sends until all of the order has left, or the scan is stopped. Pauses while the receiver or the
  // reader of the results cannot keep up and while something is lost that probes or replies need;
  // backs off while the kernel takes nothing. False when the kernel takes nothing for kStallNs.
  bool run();
  // After run() has returned true: through the cooldown, until receiving ends or the scan is
  // stopped. Sends again what may have been lost meanwhile, or the replies to it.
  void stand_by();
  // Gives up what is still under way, unless that has been done; nothing is sent after this. run()
  // does so when it returns before all has left, and stand_by() at its end.
  void end();
  // After that: what left so late that nobody was there to go back for it is in doubt.
  void note_late_loss();

  [[nodiscard]] const SenderCounters& counters() const { return counters_; }
  [[nodiscard]] const HandedOver& handed_over() const { return handed_over_; }
  // The probes that counters().refused counts. After run() has returned.
  [[nodiscard]] std::span<const Target> given_up() const { return given_up_; }

 private:
  // Makes sure there is something to hand over; false when there is nothing, or not yet.
  bool refill(std::uint64_t now_ns);
  // The next targets of the order; those that were drawn are handed over, unless the scan is
  // stopped.
  std::size_t draw(std::span<Target> room, std::uint64_t now_ns);
  // Takes targets back that the transmitter did not send, into room(), which may be further to the
  // front then; returns how many.
  std::size_t take_back();
  // Whether these are the targets of the last places before the batch.
  [[nodiscard]] bool are_the_last(std::span<const Target> taken) const;
  // Gives targets that were handed back their ways; drops those that have none any more, sets those
  // aside whose gateway is waited for, and returns how many are left.
  std::size_t keep_with_way(std::span<Target> taken_back);
  std::size_t go_back(std::span<Target> room);
  // Those of the line that are waited for no more, as many as are of one kind and pass.
  std::size_t take_held(std::span<Target> room);
  // Takes up ways that have changed, and takes out of the batch what is not to be sent now.
  void follow_ways();
  // True when a target of the batch is not to be sent now: it is set aside or dropped.
  bool is_put_off(const Target& target);
  // Notes the steps of what was set aside since there were so many.
  void note_held_since(std::size_t held);
  // Whether there is room for whatever is to be set aside next.
  [[nodiscard]] bool may_hold() const { return !ways_.is_any_awaited() || held_.has_room(); }
  // Counts and names a target of the batch that does not leave.
  void drop(const Target& target);
  // The same at the end; returns whether it is in doubt.
  bool give_up(const Target& target, BatchKind kind);
  // One turn of run(): hands a batch over, pauses, or sees to what is under way. Returns how long
  // to wait before the next.
  std::uint64_t turn(std::uint64_t now_ns);
  // Sends what the pacer allows; returns how long to wait, 0 when it got anything off.
  std::uint64_t send_batch(std::uint64_t now_ns);
  void count_accepted(std::span<const Target> accepted);
  // Nothing is to be sent yet: sees to what is under way, and counts the time as that which it
  // waits for.
  std::uint64_t wait_with_nothing(std::uint64_t now_ns, Counter& paused_ns);
  // Naps, and counts the time that it took.
  void pause(std::uint64_t now_ns, Counter& paused_ns);
  // Marks what may have been lost with the link: it is handed over again when the link is back.
  void mark_lost(std::uint64_t now_ns);
  // The same for what the control says that replies were lost to.
  void note_reply_losses();
  // Marks all from that place on that went to one of `next_hops` to be handed over again.
  void mark_from(std::uint64_t begin, std::uint64_t next_hops);
  // Notes, each time that the control sees the link up, which targets are safe then.
  void note_link_seen_up();
  // The place before which no target can be lost with a link that goes now, if that is noticed in
  // time.
  [[nodiscard]] std::uint64_t safe_end() const;
  [[nodiscard]] std::uint64_t under_way() const;
  // The place before which all targets have left for good, as far as anybody knows.
  std::uint64_t settled_place();
  void publish_progress(std::uint64_t now_ns, bool is_last);
  // True once nothing is under way, and all that probes and replies need has been seen to be there
  // after that.
  bool is_all_sent(std::uint64_t now_ns);
  void stop(std::uint64_t now_ns);
  [[nodiscard]] std::span<Target> room();

  OrderDraw draw_;
  Pacer& pacer_;
  Pacer* paced_by_ = &pacer_;  // what was drawn last: it, or the control group's
  Transmitter& transmitter_;
  Clock& clock_;
  const ReplySource& source_;
  const ResultWriter& writer_;
  ScanState& state_;
  std::uint64_t go_back_;  // how many targets before those under way
  OrderProgress* progress_ = nullptr;

  // Places only grow; the target of a place is at place % kHistory. Those before batch_begin_ have
  // been accepted.
  std::vector<Target> history_;
  std::vector<Target> handed_back_;  // by the transmitter just now; for its memory
  std::uint64_t batch_begin_ = 0;
  std::uint64_t batch_end_ = 0;
  std::uint64_t drawn_begin_ = 0;  // of the newest targets of the order
  BatchKind kind_ = BatchKind::from_order;
  LostPlaces lost_;
  HeldTargets held_;
  std::uint64_t reply_losses_ = 0;  // how many of the control's are seen to
  std::uint64_t again_end_ = 0;     // behind the last target that was written a second time
  std::uint64_t settled_ = 0;       // what settled_place() was
  std::uint64_t published_ns_ = 0;

  PlaceMarks marks_;

  std::uint8_t pass_ = 0;
  bool link_was_down_ = false;
  std::uint64_t returned_ = 0;  // the place at which a lost link came back
  // When the link was last seen up, and what safe_end() was then.
  std::uint64_t seen_up_ns_ = ~std::uint64_t{0};
  std::uint64_t seen_up_safe_end_ = 0;
  bool is_done_ = false;         // nothing is to be sent, or under way
  bool is_standing_by_ = false;  // the order has left
  bool has_ended_ = false;
  bool is_stopped_ = false;
  std::uint64_t stopped_ns_ = 0;
  std::uint64_t settled_ns_ = 0;   // since when nothing is under way; 0: something may be
  bool is_refused_ = false;        // the kernel took nothing of what was tried last
  std::uint64_t back_off_ns_ = 0;  // the next wait while the kernel takes nothing
  std::uint64_t progress_ns_ = 0;  // when the kernel last took something
  SenderCounters counters_;
  TargetWays ways_;
  HandedOver handed_over_;
  std::vector<Target> given_up_;
};

}  // namespace echoscan
