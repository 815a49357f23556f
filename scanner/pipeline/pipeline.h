// The running scan: senders, receiver and control, from the first probe to the end of the cooldown.
//
// One thread per transmitter, pinned; one receiver, which also writes; the caller's thread runs the
// control (Boost.Asio: signals, timers, status) and touches no packet. Everything that reaches the
// world comes in through a seam, so that this whole pipeline runs in a test without kernel or
// network. Nothing on the data's way allocates once run() has started its threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "output/geo/geo_table.h"
#include "output/result/result_format.h"
#include "output/result/result_writer.h"
#include "output/sink/byte_sink.h"
#include "scanner/account/scan_outcome.h"
#include "scanner/network/link.h"
#include "scanner/options/scan_config.h"
#include "scanner/pipeline/receiver.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/pipeline/sender.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/clock.h"
#include "scanner/receive/reply_source.h"
#include "scanner/transmit/transmitter.h"
#include "targets/shard_blocks.h"

namespace echoscan {

// A transmitter, and what its sender has to know of it.
struct Queue {
  std::unique_ptr<Transmitter> transmitter;
  unsigned number = 0;
  int cpu = 0;
  std::uint64_t rate_pps = Pacer::kUnlimited;  // its share of the scan's
  bool keeps_rate = false;                     // by itself: no pacer is to be asked
  bool has_thread = false;                     // of its own, on `cpu`: the sender may run anywhere
};

class Pipeline {
 public:
  // All must outlive the pipeline.
  Pipeline(const TargetPlan& plan, const ScanConfig& config, const std::vector<Queue>& queues,
           ReplySource& source, const GeoTable& geo, ByteSink& sink, const Link& link,
           Clock& clock);
  ~Pipeline();

  // Runs the scan to its end; call once. SIGINT and SIGTERM are handled meanwhile: the first ends
  // the sending, the second the cooldown and the wait for a reader that takes nothing.
  ScanOutcome run();

  // For the status line at any time, for the summary after run().
  [[nodiscard]] const std::vector<Queue>& queues() const { return queues_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Sender>>& senders() const { return senders_; }
  [[nodiscard]] const Receiver& receiver() const { return receiver_; }
  [[nodiscard]] const ReplySource& source() const { return source_; }
  [[nodiscard]] const ResultWriter& writer() const { return writer_; }
  [[nodiscard]] std::uint64_t started_ns() const { return started_ns_; }
  [[nodiscard]] std::uint64_t sending_ended_ns() const {
    return state_.sending_ended_ns.load(std::memory_order_relaxed);
  }
  // Planned: targets times passes.
  [[nodiscard]] std::uint64_t probe_count() const { return probe_count_; }
  [[nodiscard]] StatusStyle status_style() const { return config_.output.status; }
  // Frames that have left, over all queues, so far: only grows.
  [[nodiscard]] std::uint64_t sent() const;
  // The same, each probe once.
  [[nodiscard]] std::uint64_t probes_sent() const;
  // Of the frames, those whose probe had been sent before, and was sent again behind a lost link.
  [[nodiscard]] std::uint64_t sent_again() const;

 private:
  class Control;

  // The errno of the last refusal over all queues; 0 when there was none.
  [[nodiscard]] int last_error() const;
  [[nodiscard]] OutputFailed output_failure() const;
  // How long senders have waited by intent, summed.
  [[nodiscard]] std::uint64_t paused_ns() const;
  // How long nothing may leave before that is worth a warning: 5 s, or three probes of the rate.
  [[nodiscard]] std::uint64_t silence_ns() const;
  static constexpr std::uint64_t kSilenceNs = 5'000'000'000;

  const ScanConfig& config_;
  const std::vector<Queue>& queues_;
  ReplySource& source_;
  const Link& link_;
  Clock& clock_;
  std::uint64_t started_ns_;
  std::uint64_t probe_count_;
  std::uint64_t seed_;
  ScanState state_;
  ResultFormat format_;
  ResultWriter writer_;
  Receiver receiver_;
  ShardBlocks blocks_;
  Pacer pacer_;
  std::vector<std::unique_ptr<Sender>> senders_;
};

}  // namespace echoscan
