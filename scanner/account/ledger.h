// The ledger: the counters of a finished scan, brought together and checked against each other.
//
// The sums are taken from counters that different parts keep independently (order, transmitters,
// XDP program, receiver, writer), so that a probe, a frame or a reply that got lost between two of
// them shows. A fault is a sentence with both figures; none is expected, ever, and one makes the
// summary say so first.
#pragma once

#include "output/summary/summary.h"
#include "scanner/account/scan_outcome.h"
#include "scanner/options/scan_config.h"
#include "scanner/pipeline/pipeline.h"
#include "scanner/plan/target_plan.h"

namespace echoscan {

// After pipeline.run().
Summary make_summary(const TargetPlan& plan, const ScanConfig& config, const Pipeline& pipeline,
                     const ScanOutcome& outcome, std::uint64_t now_ns);

}  // namespace echoscan
