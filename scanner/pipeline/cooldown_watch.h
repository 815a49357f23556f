// The cooldown of a scan: how long replies are waited for when the last probe has left, and whether
// that was long enough.
//
// It begins anew when probes are sent again. Whoever answers behind its end is called silent, so
// when replies still came near the end, that is a warning: how many a second, beside the mean of
// the scan, and about how many a cooldown of twice the length would have kept, if they go on to
// become fewer as they did. The end is the last second, or the last quarter of a cooldown below 4
// s, since the first replies to the last probes say nothing. Rejected: to wait until no more
// replies come; a host may answer for ever. One thread.
#pragma once

#include <cstdint>

#include "scanner/account/event_log.h"

namespace echoscan {

class CooldownWatch {
 public:
  // A rate below this share of the mean is no warning.
  static constexpr double kRateShareMin = 0.001;

  CooldownWatch(std::uint64_t length_ns, EventLog& events)
      : length_ns_(length_ns), events_(events) {}

  // The last probe has left then.
  void begin(std::uint64_t now_ns);
  [[nodiscard]] bool is_over(std::uint64_t now_ns) const {
    return now_ns - began_ns_ >= length_ns_;
  }
  // Whether look() is due: so often replies have to be counted.
  [[nodiscard]] bool is_due(std::uint64_t now_ns) const;
  // `replied`: how many targets have replied so far.
  void look(std::uint64_t now_ns, std::uint64_t replied);
  // At its end. `mean_per_s`: at what rate targets replied while the scan was sending.
  void close(std::uint64_t now_ns, std::uint64_t replied, double mean_per_s);

 private:
  struct Look {
    std::uint64_t at_ns = 0;
    std::uint64_t replied = 0;
  };
  [[nodiscard]] std::uint64_t window_ns() const;

  std::uint64_t length_ns_;
  EventLog& events_;
  std::uint64_t began_ns_ = 0;
  // Two windows before the end, and one.
  Look looks_[2];
  unsigned look_count_ = 0;
};

}  // namespace echoscan
