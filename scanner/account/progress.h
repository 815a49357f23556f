// How far a running scan has come: totals, rates and the time that is left, made from two
// snapshots.
//
// Rates are those since the last look, and the time left is what the rest takes at the pace of the
// whole scan so far, pauses included: that of the last second jumps. Shares of those that answer
// are of the targets probed so far, and not of the probes, of which --probes 4 sends four each.
// Plain data; each reader that looks at times of its own has a meter of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scanner/account/snapshot.h"

namespace echoscan {

// One of the plan's ways (docs/summary.md).
struct WayProgress {
  std::string kind;
  std::string interface;  // empty where there is none, as the next
  std::string next_hop;
  std::uint64_t targets = 0;
  std::uint64_t sent = 0;  // handed over, each probe once
  std::uint64_t replied = 0;
};

struct Progress {
  std::string scan_id;  // empty while it is not known
  std::int64_t taken_unix_ms = 0;
  double elapsed_s = 0;
  double done_percent = 0;       // of the probes that have a way
  std::optional<double> left_s;  // none before the first probe
  bool is_cooldown = false;
  bool has_begun = false;    // not while the scan is set up
  bool has_ended = false;    // the last there is
  std::uint64_t probes = 0;  // planned, with a way
  std::uint64_t sent = 0;    // frames; it only grows
  std::uint64_t sent_again = 0;
  double sent_pps = 0;
  std::uint64_t replied = 0;
  double replied_pps = 0;
  double hit_percent = 0;
  std::uint64_t errored = 0;  // targets that had an error and have not replied
  std::uint64_t lines = 0;    // of results
  std::uint64_t ring_full = 0;
  std::uint64_t dropped_unseen = 0;
  bool output_is_limit = false;
  bool receiver_is_limit = false;
  std::uint64_t messages_dropped = 0;
  std::vector<WayProgress> ways;
};

class ProgressMeter {
 public:
  // A second look sooner than this has the rates of the first.
  static constexpr std::uint64_t kRateNs = 100'000'000;

  explicit ProgressMeter(std::uint64_t started_ns) : last_ns_(started_ns) {}

  Progress look(const Snapshot& snapshot);

 private:
  std::uint64_t last_ns_;
  std::uint64_t last_sent_ = 0;
  std::uint64_t last_replied_ = 0;
  std::uint64_t last_paused_receiver_ns_ = 0;
  double sent_pps_ = 0;
  double replied_pps_ = 0;
};

}  // namespace echoscan
