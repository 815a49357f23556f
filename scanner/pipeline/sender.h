// The sender: the hot loop of one queue. Order -> pacer -> transmitter, a batch at a time.
//
// Targets are written once, into a ring of the last kHistory: the batch is the ring's newest part,
// and what was accepted stays behind it. From this one place everything is sent again, for every
// method: what the transmitter hands back because the kernel refused it, and, when the link is
// lost, what was accepted last, since a card's ring vanishes with the link, completed or not. That
// is all that is under way, and kGoBackNs' worth of the queue's rate before it. Rejected: each
// method keeping its own last targets (four ways of it, and zero-copy had none); a copy of each
// target on the hot path. 64 targets a batch: one sendmmsg, two kicks of AF_XDP in copy mode; more
// would only add to the time between a probe's stamp and the wire. Everything outside comes through
// a seam.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "output/result/result_writer.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/process/clock.h"
#include "scanner/process/counter.h"
#include "scanner/receive/reply_source.h"
#include "scanner/transmit/pacer.h"
#include "scanner/transmit/transmitter.h"
#include "targets/label_tally.h"
#include "targets/shard_blocks.h"
#include "targets/target_cursor.h"

namespace echoscan {

class Sender {
 public:
  static constexpr std::size_t kBatchSize = 64;
  static constexpr std::uint64_t kStallNs = 30'000'000'000;
  // Patience for what is under way at the end is kStallNs too, but after a stop only this.
  static constexpr std::uint64_t kStoppedSettleNs = 1'000'000'000;
  // The link is looked at every 10 ms; what left in five times that may have met a dead one.
  static constexpr std::uint64_t kGoBackNs = 50'000'000;
  // More than a card's ring holds, and few enough to be probed twice without harm.
  static constexpr std::uint64_t kGoBackMax = 4096;
  // Targets remembered: all that the sender ever goes back by, and room for those that are handed
  // back meanwhile. 256 KiB.
  static constexpr std::uint64_t kHistory = 32'768;
  static_assert(kHistory >= Transmitter::kUnderWayMax + kGoBackMax + 4096);
  static_assert(kHistory % kBatchSize == 0);

  // All must outlive the sender; the transmitter is its own. `rate_pps` is the queue's share of the
  // scan's rate, by which the sender knows how far to go back; the pacer keeps the rate.
  Sender(TargetCursor cursor, ShardBlocks& blocks, Pacer& pacer, Transmitter& transmitter,
         Clock& clock, const ReplySource& source, const ResultWriter& writer,
         const ScanState& state, const LabelMap& labels,
         std::uint64_t rate_pps = Pacer::kUnlimited);

  // Sends until the order is walked and all of it has left, or the scan is stopped. Pauses while
  // the receiver or the reader of the results cannot keep up and while the link is down; backs off
  // while the kernel takes nothing. False when that lasts kStallNs.
  bool run();

  [[nodiscard]] const SenderCounters& counters() const { return counters_; }
  // What the transmitter accepted, each probe once, by label. After run() has returned.
  [[nodiscard]] const LabelTally& handed_over_by_label() const { return handed_over_by_label_; }
  // The probes that counters().refused counts. After run() has returned.
  [[nodiscard]] std::span<const Target> given_up() const { return given_up_; }

 private:
  // Where the targets of a batch come from; a batch has them of one kind.
  enum class Kind { from_order, taken_back, gone_back };

  // Makes sure there is something to hand over; false when there is nothing.
  bool refill();
  std::size_t draw(std::span<Target> room);
  std::size_t go_back(std::span<Target> room);
  // One turn of run(): hands a batch over, pauses, or sees to what is under way. Returns how long
  // to wait before the next.
  std::uint64_t turn(std::uint64_t now_ns);
  // Sends what the pacer allows; returns how long to wait, 0 when it got anything off.
  std::uint64_t send_batch(std::uint64_t now_ns);
  void count_accepted(std::span<const Target> accepted);
  // Naps, and counts the time that it took.
  void pause(std::uint64_t now_ns, Counter& paused_ns);
  bool is_receiver_backlogged();
  // Marks what may have been lost with the link: it is handed over again when the link is back.
  void mark_lost();
  [[nodiscard]] std::uint64_t under_way() const;
  // True once nothing is under way, and the link has been seen to be up after that.
  bool is_all_sent(std::uint64_t now_ns);
  void stop(std::uint64_t now_ns);
  void give_up();
  [[nodiscard]] std::span<Target> room();

  TargetCursor cursor_;
  ShardBlocks& blocks_;
  Pacer& pacer_;
  Transmitter& transmitter_;
  Clock& clock_;
  const ReplySource& source_;
  const ResultWriter& writer_;
  const ScanState& state_;
  std::uint64_t go_back_;  // how far before what is under way

  // Places only grow; a place's target is at place % kHistory. What is before batch_begin_ was
  // accepted.
  std::vector<Target> history_;
  std::uint64_t batch_begin_ = 0;
  std::uint64_t batch_end_ = 0;
  Kind kind_ = Kind::from_order;
  // What is still to be sent again, behind a lost link.
  std::uint64_t lost_begin_ = 0;
  std::uint64_t lost_end_ = 0;

  // Looking costs a cache miss for each of the machine's CPUs.
  static constexpr unsigned kBatchesPerLook = 16;
  unsigned batches_to_look_ = 0;

  std::uint8_t pass_ = 0;
  bool link_was_down_ = false;
  bool is_done_ = false;
  bool is_stopped_ = false;
  std::uint64_t stopped_ns_ = 0;
  std::uint64_t settled_ns_ = 0;   // since when nothing is under way; 0: something may be
  std::uint64_t back_off_ns_ = 0;  // the next wait while the kernel takes nothing
  std::uint64_t progress_ns_ = 0;  // when the kernel last took something
  SenderCounters counters_;
  LabelTally handed_over_by_label_;
  std::vector<Target> given_up_;
};

}  // namespace echoscan
