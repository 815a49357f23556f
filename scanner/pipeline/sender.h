// The sender: the hot loop of one queue. Order -> pacer -> transmitter, a batch at a time.
//
// It draws targets into a small batch, asks the pacer how many may leave, and hands those over;
// what the transmitter does not take stays in the batch, so that nothing is lost and nothing is
// sent twice. It pauses while the receiver or the reader of the results cannot keep up and while
// the link is down, backs off while the kernel takes nothing, and calls the scan stalled when that
// lasts kStallNs. 64 targets a batch: one sendmmsg, two kicks of AF_XDP in copy mode; more would
// only add to the time between a probe's stamp and the wire. Everything outside comes through a
// seam.
#pragma once

#include <array>
#include <cstdint>
#include <span>

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

  // All must outlive the sender; the transmitter is its own.
  Sender(TargetCursor cursor, ShardBlocks& blocks, Pacer& pacer, Transmitter& transmitter,
         Clock& clock, const ReplySource& source, const ResultWriter& writer,
         const ScanState& state, const LabelMap& labels);

  // Sends until the order is walked or the scan is stopped, then waits for what is under way. False
  // when the kernel took nothing for kStallNs.
  bool run();

  [[nodiscard]] const SenderCounters& counters() const { return counters_; }
  // What the transmitter accepted, by label. After run() has returned.
  [[nodiscard]] const LabelTally& handed_over_by_label() const { return handed_over_by_label_; }

 private:
  // Makes sure there is something in the batch; false at the end of the order.
  bool refill();
  // Sends what the pacer allows; returns how long to wait, 0 when it got anything off.
  std::uint64_t send_batch(std::uint64_t now_ns);
  // Whether there is reason to wait, which it then does for a moment.
  bool pause(std::uint64_t now_ns);
  // Whether the link is down, of which the transmitter is told.
  bool is_link_down();
  bool is_receiver_backlogged();
  void settle();

  TargetCursor cursor_;
  ShardBlocks& blocks_;
  Pacer& pacer_;
  Transmitter& transmitter_;
  Clock& clock_;
  const ReplySource& source_;
  const ResultWriter& writer_;
  const ScanState& state_;

  std::array<Target, kBatchSize> batch_{};
  std::size_t batch_begin_ = 0;
  std::size_t batch_end_ = 0;
  std::uint8_t pass_ = 0;
  bool link_was_down_ = false;
  // Looking costs a cache miss for each of the machine's CPUs.
  static constexpr unsigned kBatchesPerLook = 16;
  unsigned batches_to_look_ = 0;
  std::uint64_t back_off_ns_ = 0;  // the next wait while the kernel takes nothing
  std::uint64_t progress_ns_ = 0;  // when the kernel last took something
  SenderCounters counters_;
  LabelTally handed_over_by_label_;
};

}  // namespace echoscan
