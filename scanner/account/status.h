// The status of a running scan, as people and programs get it: when, where and in which form.
//
// On a terminal a line with a bar stands below all messages and is drawn anew each second. In a
// file or the journal, where nothing can be drawn anew, a line is enough each 30 s. Where results
// go to a terminal themselves, nothing can stand below them, and it is lines too. JSON is a line a
// second anywhere. It is made from snapshots alone. Only the control's thread calls it.
#pragma once

#include <cstdint>

#include "scanner/account/progress.h"
#include "scanner/account/snapshot.h"
#include "scanner/options/scan_config.h"

namespace echoscan {

class Status {
 public:
  static constexpr std::uint64_t kIntervalNs = 1'000'000'000;
  static constexpr std::uint64_t kLineIntervalNs = 30 * kIntervalNs;

  Status(const OutputConfig& output, std::uint64_t started_ns);

  // Whether show() is due.
  [[nodiscard]] bool is_due(std::uint64_t now_ns) const;
  // Says how the scan is doing. A time that was missed is not made up for.
  void show(const Snapshot& snapshot);
  // Says it once more in a line, since somebody has asked.
  void answer(const Snapshot& snapshot);
  // After the last snapshot: nothing stands below the messages any more.
  void close();

 private:
  StatusStyle style_;
  bool redraws_;
  std::uint64_t interval_ns_;
  std::uint64_t next_ns_;
  ProgressMeter meter_;
};

}  // namespace echoscan
