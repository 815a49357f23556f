// The running scan: senders, receiver and control, from the first probe to the end of the cooldown.
//
// Each queue has a sender thread, pinned unless a thread of its transmitter has the CPU. One
// receiver thread takes the replies and writes the lines. The caller's thread runs the control
// (control.h), which gets the signals and what the other threads post (Boost.Asio), and touches no
// packet. Everything that reaches the world comes in through a seam, time too, so that a test runs
// the whole pipeline without kernel or network, on simulated time. Nothing on the data's way
// allocates once run() has started its threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "output/geo/geo_table.h"
#include "output/result/result_format.h"
#include "output/result/result_writer.h"
#include "output/sink/byte_sink.h"
#include "scanner/account/event_log.h"
#include "scanner/account/scan_outcome.h"
#include "scanner/account/snapshot.h"
#include "scanner/account/status.h"
#include "scanner/network/link.h"
#include "scanner/options/scan_config.h"
#include "scanner/pipeline/checkpointer.h"
#include "scanner/pipeline/earlier_answers.h"
#include "scanner/pipeline/next_hop_watch.h"
#include "scanner/pipeline/order_progress.h"
#include "scanner/pipeline/pass_histories.h"
#include "scanner/pipeline/receiver.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/pipeline/sender.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/clock.h"
#include "scanner/process/stop_signals.h"
#include "scanner/receive/reply_source.h"
#include "scanner/transmit/transmitter.h"
#include "targets/shard_blocks.h"

namespace echoscan {

class Control;

// A transmitter, and what its sender has to know of it.
struct Queue {
  std::unique_ptr<Transmitter> transmitter;
  unsigned number = 0;
  int cpu = 0;
  ProbeRate rate_pps = Pacer::kUnlimited;  // its share of the scan's
  bool keeps_rate = false;                 // keeps its rate by itself: the pacer is not asked
  bool has_thread = false;  // sends from a thread of its own on `cpu`: the sender may run anywhere
};

// Where a resumed scan goes on.
struct Resumption {
  std::vector<StepRange> pending;   // of the shard's steps over all passes
  std::uint64_t reached = 0;        // earlier legs have not been seen behind it
  std::int64_t first_start_ms = 0;  // of the first leg, since 1970
  std::uint64_t sent = 0;           // probes outside of `pending` that have left
  std::uint64_t first_pass = 0;     // of those
};

class Pipeline {
 public:
  // All must outlive the pipeline but `resumption`, which is null for a new scan.
  Pipeline(const TargetPlan& plan, const ScanConfig& config, const std::vector<Queue>& queues,
           const NextHops& next_hops, ReplySource& source, const GeoTable& geo, ByteSink& sink,
           const Link& link, Clock& clock, const Resumption* resumption = nullptr);

  // These before run(). Counts again what an earlier leg has found, in order; how many of them. It
  // ends before one that this scan cannot have found. A batch at a time is faster than one by one.
  std::size_t restore(std::span<const ReadResult> results);
  bool restore(const AnswerMark& mark);
  // The results file has so many bytes, before packing, from before.
  void continue_behind(std::uint64_t bytes);
  // What lines do not say is marked from now on; either kind of marks may be null, and must outlive
  // the pipeline.
  void keep_marks(AnswerMarks* answers, LineMarks* lines);

  // What a checkpoint has to know, and the summary of where the order ended. Any thread.
  [[nodiscard]] CheckpointView checkpoint_view() const;

  // Runs the scan to its end; call once. Of the signals that come meanwhile the first ends the
  // sending, the second the cooldown and the wait for a reader that takes nothing. Throws
  // std::system_error when its threads cannot be started; nothing has been sent then. `status` says
  // how it is doing. `checkpointer`, which may be null, begins before the first probe leaves.
  ScanOutcome run(StopSignals& signals, Status& status, Checkpointer* checkpointer = nullptr);

  // What has been counted so far. Any thread.
  [[nodiscard]] Snapshot snapshot() const;
  // After run().
  [[nodiscard]] Tallies tallies() const;

 private:
  // The threads that carry the data, and what they post to the control.
  struct Threads;
  // The body of sender thread `index`. Returns what its run() returned.
  bool send(std::size_t index);
  // What is left of the order: all, or what earlier legs have left.
  static ShardBlocks make_blocks(const TargetPlan& plan, const ScanConfig& config,
                                 const Resumption* resumption);
  // What the senders, and the receiver, have to know of several passes.
  void set_pass_rules(const TargetPlan& plan, const ScanConfig& config);
  // How the scan ended: lost results are the worst news, whatever else ended it.
  [[nodiscard]] ScanOutcome outcome_of(const Control& control) const;
  [[nodiscard]] OutputFailed output_failure() const;
  // What left, by label of one of the plan's maps, each probe once: what was handed over, less what
  // was given up behind that.
  [[nodiscard]] std::vector<std::uint64_t> sent_by(const LabelMap& labels,
                                                   LabelTally HandedOver::*handed_over) const;
  void tally_passes(Tallies& tallies) const;
  // Calls `use` with the targets that each sender and each transmitter has given up.
  template <typename Use>
  void for_each_given_up(const Use& use) const;

  const PaceConfig& pace_;
  const PathConfig& path_;
  const OutputConfig& output_;
  const std::vector<Queue>& queues_;
  const NextHops& next_hops_;
  ReplySource& source_;
  const Link& link_;
  Clock& clock_;
  std::uint64_t started_ns_;
  std::uint64_t probe_count_;
  std::uint64_t seed_;
  unsigned passes_;
  const LabelMap& labels_;
  const LabelMap& ways_;
  std::uint64_t without_way_;  // probes to targets that no way leads to
  ScanState state_;
  std::atomic<std::size_t> senders_running_ = 0;
  bool wants_first_replies_alone_;
  ResultFormat format_;
  ResultWriter writer_;
  std::optional<PassHistories> histories_;
  std::optional<ControlGroup> control_group_;
  Receiver receiver_;
  AnswerMarks* answer_marks_ = nullptr;
  LineMarks* line_marks_ = nullptr;
  std::uint64_t reached_ = 0;
  std::optional<EarlierAnswers> answers_;
  std::uint64_t lines_restored_ = 0;
  std::uint64_t sent_earlier_ = 0;
  std::uint64_t first_pass_earlier_ = 0;
  std::vector<std::unique_ptr<OrderProgress>> progress_;
  ShardBlocks blocks_;
  std::optional<PassGate> pass_gate_;
  Pacer pacer_;
  std::vector<std::unique_ptr<Sender>> senders_;
  // What the control has noted, once run() has returned.
  EventLog events_;
  std::optional<std::uint64_t> kernel_replies_;
  std::optional<std::uint64_t> unseen_replies_;
};

}  // namespace echoscan
