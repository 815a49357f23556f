// The ledger: the figures of a finished scan, brought together as the summary and checked against
// each other.
//
// The sums (output/summary/equations.h) are taken from counters that different parts keep
// independently, so that a probe, a frame or a reply that got lost between two of them shows. A
// fault is a sentence with both figures; none is expected, ever, and one makes the summary say so
// first. Here nothing is checked: this file says which counter is which key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "output/summary/summary.h"
#include "scanner/account/scan_outcome.h"
#include "scanner/account/snapshot.h"
#include "scanner/options/scan_config.h"
#include "scanner/plan/target_plan.h"

namespace echoscan {

// The way that the probes took.
struct PathFigures {
  std::string interface;
  std::string source;
  std::string gateway;                      // where all probes went first, for people
  std::optional<std::uint64_t> tx_packets;  // counted by the interface itself meanwhile
};

// The summary of a scan whose threads have ended.
Summary make_summary(const TargetPlan& plan, const ScanConfig& config, const PathFigures& path,
                     const Snapshot& snapshot, const Tallies& tallies, const ScanOutcome& outcome);

}  // namespace echoscan
