// The status line: once a second on standard error, what a person at the terminal wants to know.
//
// Text: "12 s, 45.1 %, 15 s left; sent 120,000 (10.0 kpps); replied 14,512 (1.2 k/s), 12.09 %; lost
// 0"; the last percentage is that of the targets probed so far. JSON: the same numbers as one
// object a line, for scripts. Rates are over the last interval. It is made from snapshots alone.
// Only the control's thread calls it.
#pragma once

#include <cstdint>

#include "scanner/account/snapshot.h"
#include "scanner/options/scan_config.h"

namespace echoscan {

class StatusLine {
 public:
  StatusLine(StatusStyle style, std::uint64_t started_ns) : style_(style), last_ns_(started_ns) {}

  // Prints one line, unless the style is off.
  void print(const Snapshot& snapshot);
  // Prints one line, since somebody has asked for it.
  void answer(const Snapshot& snapshot);

 private:
  struct Figures;
  // Rates are since the last look.
  Figures look(const Snapshot& snapshot);

  StatusStyle style_;
  std::uint64_t last_ns_;
  std::uint64_t last_sent_ = 0;
  std::uint64_t last_replied_ = 0;
  std::uint64_t last_paused_receiver_ns_ = 0;
};

}  // namespace echoscan
