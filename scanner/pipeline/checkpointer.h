// The thread that writes the checkpoint of a running scan: once a second what holds after a kill,
// once an interval, with all results synchronised, what holds after a loss of power.
//
// A step is done when its probe has left a cooldown ago and everything that came in until now is in
// the files. So the thread looks once a second at what is pending, and keeps what it saw: pending
// is what any look has seen so since the last one that is a cooldown older than the newest line in
// place. That covers links and filters that are lost meanwhile, since what they cost becomes
// pending again. Writing waits for disks, hence a thread of its own; a failure is said once, and
// the scan goes on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "scanner/checkpoint/checkpoint.h"

namespace echoscan {

// What a look at the running scan sees, in an order in which nothing is promised that is not so.
struct CheckpointView {
  std::uint64_t at_ns = 0;         // CLOCK_MONOTONIC
  std::vector<StepRange> pending;  // a set, seen before that
  std::uint64_t left_ns = 0;  // what is not pending had left by then: at_ns, or the sending's end
  std::uint64_t reached = 0;
  bool is_backlogged = false;        // replies wait that have no line yet
  std::uint64_t lines = 0;           // of replies that came until then
  std::uint64_t lines_in_place = 0;  // of all lines, with what they leave unsaid
  std::uint64_t bytes_in_place = 0;  // of a packed file that has these, or more
  std::uint64_t answers = 0;         // the same of answers that are only marked
  std::uint64_t answers_in_place = 0;
  std::uint64_t in_doubt = 0;
  std::uint64_t sent = 0;
  std::uint64_t sent_again = 0;
};

class Checkpointer {
 public:
  struct Seams {
    std::function<CheckpointView()> look;
    std::function<int()> sync;  // results and marks; an errno
    std::function<std::int64_t()> now_ms;
    // Why it could not be written, a sentence without a full stop; empty: it could.
    std::function<std::string(const Checkpoint&, bool is_lasting)> write;
  };

  // The checkpoint is what a leg begins with, its own leg last.
  Checkpointer(Checkpoint checkpoint, std::uint64_t cooldown_ns, std::uint64_t interval_ns,
               Seams seams);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  // Before anything is sent: writes the first one. Throws std::system_error when there can be no
  // thread.
  void start();
  // When nothing is sent or received any more: writes the last one, for a leg that ended because of
  // `why`. False: it could not be written.
  bool close(const std::string& why);
  // The same for a scan that has finished: there is nothing to go on with.
  void stop();

  // One look, and the place that follows from it. The thread does so once it is started.
  void look();

  [[nodiscard]] const Checkpoint& checkpoint() const { return checkpoint_; }

 private:
  static constexpr std::size_t kViewsMax = 4096;

  void run();
  void step();
  // Whatever it throws is told, and nothing more: a scan is worth more than its checkpoint.
  void attempt(const std::function<void()>& what) noexcept;
  void save(bool is_lasting);
  // Says once that there is no new checkpoint, and which is the last good one.
  void tell_failure(const char* reason);

  Checkpoint checkpoint_;
  const std::uint64_t cooldown_ns_;
  const std::uint64_t interval_ns_;
  const Seams seams_;
  std::deque<CheckpointView> views_;
  std::uint64_t synced_ns_ = 0;
  bool has_failed_ = false;
  bool is_written_ = false;  // the last time
  std::int64_t written_ms_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace echoscan
