// The status line: once a second on standard error, what a person at the terminal wants to know.
//
// Text: "12 s, 45.1 %, 15 s left; sent 120,000 (10.0 kpps); replied 14,512 (1.2 k/s), 12.09 %; lost
// 0". JSON: the same numbers as one object a line, for scripts. Rates are over the last interval.
// Reads counters only; called by the control thread.
#pragma once

#include <cstdint>

#include "scanner/options/scan_config.h"

namespace echoscan {

class Pipeline;

class StatusLine {
 public:
  explicit StatusLine(const Pipeline& pipeline);

  // Prints one line, if the configuration asks for any.
  void print(std::uint64_t now_ns);

 private:
  struct Snapshot;
  // Reads the counters; rates are since the last look.
  Snapshot look(std::uint64_t now_ns);

  const Pipeline& pipeline_;
  std::uint64_t last_ns_;
  std::uint64_t last_sent_ = 0;
  std::uint64_t last_replied_ = 0;
};

}  // namespace echoscan
