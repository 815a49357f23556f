// The ledger: the figures of a finished scan, brought together as the summary and checked against
// each other.
//
// This file says which counter is which key, and output/summary/equations.h checks the sums.
// Different parts keep the counters independently, so that a probe, a frame or a reply that got
// lost between two of them shows as a fault, a sentence with both figures. There should never be
// one; if there is, the summary says so first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "output/summary/summary.h"
#include "scanner/account/earlier_legs.h"
#include "scanner/account/scan_outcome.h"
#include "scanner/account/snapshot.h"
#include "scanner/options/scan_config.h"
#include "scanner/plan/target_plan.h"

namespace echoscan {

// The path that the probes took.
struct PathFigures {
  std::string interface;
  std::string source;                       // of a pool all of its addresses, as blocks and ranges
  std::string gateway;                      // the next hop of all probes, for people
  std::vector<std::string> method_by_way;   // of the plan's; empty: nothing is sent to them
  ProbeRate rate_pps = 0;                   // that the scan kept to; 0: no limit
  std::optional<std::uint64_t> tx_packets;  // what the interface itself counted meanwhile
  // And what it dropped of what came in: rx_dropped, rx_missed_errors, rx_fifo_errors.
  std::optional<std::uint64_t> rx_dropped = {};
  std::optional<std::uint64_t> rx_missed = {};
  std::optional<std::uint64_t> rx_fifo_errors = {};
  std::vector<Summary::DriverCounter> driver_counters = {};  // of a card of its own
  std::uint64_t source_count = 1;
  std::uint64_t payload_bytes = 0;  // of a probe's ICMP message
};

// The summary of a scan whose threads have ended. `earlier` is what it was resumed behind.
Summary make_summary(const TargetPlan& plan, const ScanConfig& config, const PathFigures& path,
                     const Snapshot& snapshot, const Tallies& tallies, const ScanOutcome& outcome,
                     const EarlierLegs& earlier = {});

}  // namespace echoscan
