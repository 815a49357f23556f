// The watch of --min-hit-rate: whether so few targets reply that the scan is of no use, as by a
// wrong interface or an uplink that blocks pings.
//
// A sequential test. It looks when the number of targets probed has grown to where no reply at all
// would settle it, and then each time that it has doubled. Look i refutes the rate asked for when
// the upper bound of Clopper and Pearson, at an error of kFalseStops / 2^i, is below it. These
// errors add up to kFalseStops, so that a scan whose targets reply at that rate or above is stopped
// with no greater probability, however long it runs; one that gets no reply is stopped after ln(2 /
// kFalseStops) / rate targets. Only targets count whose reply had time to come, as long as the
// cooldown, while every reply counts, and what was lost on this side counts as a reply. Rejected: a
// bound at one confidence at every look, which is wrong once in ten scans; Wilson's bound, which is
// an approximation where it matters here, near no reply. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "scanner/account/scan_outcome.h"
#include "scanner/account/snapshot.h"

namespace echoscan {

class HitRateWatch {
 public:
  // The probability that a scan is stopped whose rate is good.
  static constexpr double kFalseStops = 0.001;
  static constexpr std::uint64_t kReplyTimeMinNs = 1'000'000'000;

  struct Figures {
    std::uint64_t probed = 0;   // targets, at least once
    std::uint64_t replied = 0;  // of those
    // Of those, whose reply may have been lost when they were first probed.
    std::uint64_t lost = 0;
    bool is_held_up = false;  // replies may be waiting, or be lost now
  };

  // `min_rate`: replies by targets; none: the watch never stops a scan.
  HitRateWatch(std::optional<double> min_rate, std::uint64_t cooldown_ns);

  // Whether look() is due: so often figures are needed.
  [[nodiscard]] bool is_due(std::uint64_t now_ns) const;
  // Why the scan is to stop; none while it may go on.
  std::optional<HitRateTooLow> look(std::uint64_t now_ns, const Figures& figures);

 private:
  struct Sample {
    std::uint64_t at_ns = 0;
    std::uint64_t probed = 0;
  };

  std::optional<double> min_rate_;
  std::uint64_t reply_time_ns_;
  std::deque<Sample> samples_;  // the first is as old as a reply may take, where one is
  std::uint64_t last_look_ns_ = 0;
  std::uint64_t held_up_ns_ = 0;  // when replies were last held up
  double error_ = kFalseStops;    // of the last look
  std::uint64_t next_probed_ = 0;
};

// The figures of --min-hit-rate in a snapshot.
HitRateWatch::Figures hit_rate_figures(const Snapshot& snapshot);

// The upper bound of Clopper and Pearson: the rate at which `successes` or fewer of `trials` (1 or
// more) have the probability `error`.
double rate_at_most(std::uint64_t trials, std::uint64_t successes, double error);

}  // namespace echoscan
