// The legs of a scan: what an earlier one has left, and what the next one will need.
//
// A scan that writes checkpoints can be killed at any moment and goes on with --resume. Here the
// plan is held against the checkpoint's, what was found is read back, and the present leg gets its
// checkpoint. docs/checkpoint.md says what is promised.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "bpf/probe.h"
#include "output/sink/byte_sink.h"
#include "scanner/account/earlier_legs.h"
#include "scanner/account/scan_outcome.h"
#include "scanner/checkpoint/checkpoint.h"
#include "scanner/options/scan_config.h"
#include "scanner/pipeline/answer_marks.h"
#include "scanner/pipeline/checkpointer.h"
#include "scanner/pipeline/line_marks.h"
#include "scanner/pipeline/pipeline.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/stop_signals.h"

namespace echoscan {

// Throws UserError when lists or options do not give the order that the resumed scan had.
void refuse_another_order(const TargetPlan& plan, const ScanConfig& config);

// The probes' key: a new scan's is drawn at random and has nothing to do with the seed, since a
// published seed must not let anyone forge replies. A resumed scan keeps its key.
probe_key key_of(const ScanConfig& config);

class Legs {
 public:
  // With the plan's ways. Throws UserError when other targets have no way than in earlier legs.
  Legs(const TargetPlan& plan, const ScanConfig& config, const probe_key& key);

  // Null for a new scan.
  [[nodiscard]] const Resumption* resumption() const {
    return resumption_ ? &*resumption_ : nullptr;
  }
  [[nodiscard]] const EarlierLegs& earlier() const { return earlier_; }

  // Before the pipeline runs: reads back what was found, and makes the checkpointer; null when the
  // scan writes no checkpoints. Throws UserError when results are missing.
  Checkpointer* begin(Pipeline& pipeline, ByteSink& results, const StopSignals& signals);
  // After it: what is to be gone on with is written down, or removed with the last leg. Returns the
  // command that goes on, empty when there is none.
  std::string end(const ScanOutcome& outcome);

 private:
  void read_back(Pipeline& pipeline, ByteSink& results, const StopSignals& signals);
  // Whether the checkpoint's name is free, or another checkpoint's.
  [[nodiscard]] bool has_room() const;
  // Says why there is no checkpoint, and is false; throws UserError where there has to be one.
  [[nodiscard]] bool go_without(const std::string& why) const;
  // So many of the lines count, since there is all that they leave unsaid, and no loss of power
  // may have damaged them.
  [[nodiscard]] std::uint64_t lines_to_keep() const;
  // Throws UserError, as does the next.
  void cut(ByteSink& results, std::uint64_t bytes) const;
  // Counts again what these lines say, and what they leave unsaid.
  void restore(Pipeline& pipeline, std::span<ReadResult> results);
  void remove_marks() const;
  // False: there are none, and no checkpoint without them.
  bool open_answer_marks(Pipeline& pipeline);
  bool open_line_marks();

  const ScanConfig& config_;
  Checkpoint checkpoint_;
  OrderPlace place_;
  bool has_lost_power_ = false;
  std::optional<Resumption> resumption_;
  EarlierLegs earlier_;
  std::unique_ptr<AnswerMarks> answer_marks_;
  const bool needs_line_marks_;
  std::unique_ptr<LineMarks> line_marks_;
  std::optional<Checkpointer> checkpointer_;
};

}  // namespace echoscan
