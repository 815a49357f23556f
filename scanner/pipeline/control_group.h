// The control group of --control: the first targets of the order, asked slowly in the first pass
// and at the scan's rate in the second.
//
// Who answers slowly and not fast tells a rate that is too high from silence: a network that limits
// its answers, a full table on the way, a line that is too thin. Each target is its own control, so
// that the two passes are compared as pairs (paired_change.h). A prefix of the order is a random
// sample of the targets, and no probe is sent for it alone: the passes are there, and histories
// know the rest, over all legs of a scan. Rejected: probes of its own beside the passes, which no
// sum of the ledger has room for. Between two senders the border is as sharp as a block of the
// order is short, 10 ms of the scan's rate. Any thread may ask for the pacer.
#pragma once

#include <cstdint>

#include "scanner/account/snapshot.h"
#include "scanner/pipeline/pass_histories.h"
#include "scanner/plan/target_plan.h"
#include "scanner/transmit/pacer.h"

namespace echoscan {

class ControlGroup {
 public:
  // So many percent of the shard's targets, one at least. The plan must outlive it.
  ControlGroup(const TargetPlan& plan, double percent, ProbeRate rate_pps, std::uint64_t now_ns);

  // Whether the step, counted over all passes, is one of those that are walked slowly.
  [[nodiscard]] bool has(std::uint64_t step) const { return step < steps_; }
  // How many of those come from the step on; 0 behind them.
  [[nodiscard]] std::uint64_t steps_from(std::uint64_t step) const {
    return has(step) ? steps_ - step : 0;
  }
  // Who those are asked by, over all senders.
  [[nodiscard]] Pacer& pacer() { return pacer_; }

  // What the group has answered. `left` are the steps, over all passes, that were not walked. Walks
  // the group's part of the order: some 100 ns a target.
  [[nodiscard]] ControlAnswers answers(const PassHistories& histories,
                                       const std::vector<StepRange>& left) const;

 private:
  const TargetPlan& plan_;
  std::uint64_t steps_;
  ProbeRate rate_pps_;
  Pacer pacer_;
};

}  // namespace echoscan
