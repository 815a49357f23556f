// The status of a running scan, as people and programs get it: when, where and in which form.
//
// On a terminal a line with a bar stands below all messages and is drawn anew at each interval. In
// a file or the journal, where nothing can be drawn anew, a line is enough each 30 s. Where results
// go to a terminal themselves, nothing can stand below them, and it is lines too. JSON is a line at
// each interval anywhere; --status-file and --metrics have the newest. It is made from snapshots
// alone. What it needs is opened when it is made; from begin() on nothing throws or waits. One
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "scanner/account/metric_page.h"
#include "scanner/account/metrics_server.h"
#include "scanner/account/progress.h"
#include "scanner/account/snapshot.h"
#include "scanner/account/status_file.h"
#include "scanner/options/scan_config.h"
#include "scanner/plan/target_plan.h"

namespace echoscan {

class Status {
 public:
  static constexpr std::uint64_t kLineIntervalNs = 30'000'000'000;

  // Throws what StatusFile and MetricsServer do.
  explicit Status(const OutputConfig& output);

  // Before begin(), when the ways are known: which scan it is, and which ways it has.
  void introduce(const TargetPlan& plan);
  // The scan has begun.
  void begin(std::uint64_t started_ns);
  // Whether show() is due.
  [[nodiscard]] bool is_due(std::uint64_t now_ns) const;
  // Says how the scan is doing. A time that was missed is not made up for.
  void show(const Snapshot& snapshot);
  // Says it once more in a line, since somebody has asked.
  void answer(const Snapshot& snapshot);
  // Says how it was, after all threads have ended; nothing stands below the messages any more.
  void close(const Snapshot& snapshot);

 private:
  // Who looks at times of its own.
  struct Reader {
    bool is_there = false;
    std::uint64_t interval_ns = 1;
    std::uint64_t next_ns = 0;
    ProgressMeter meter{0};

    void begin(std::uint64_t started_ns);
    [[nodiscard]] bool is_due(std::uint64_t now_ns) const { return is_there && now_ns >= next_ns; }
    void set_next(std::uint64_t now_ns);
  };

  [[nodiscard]] Progress look(Reader& reader, const Snapshot& snapshot) const;
  void say(const Progress& progress) const;
  void publish(const Snapshot& snapshot);

  StatusStyle style_;
  bool redraws_;
  std::unique_ptr<StatusFile> file_;        // null: none is asked for
  std::unique_ptr<MetricsServer> metrics_;  // the same
  MetricPage page_;
  std::string scan_id_;
  std::vector<WayProgress> ways_;  // with no counts yet
  Reader line_;                    // of standard error
  Reader published_;               // the file and the metrics
  bool has_ended_ = false;
};

}  // namespace echoscan
