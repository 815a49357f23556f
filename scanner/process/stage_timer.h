// How long a stage of set-up took, for -v.
//
// A start that is felt has a cause, and the kernel's are not to be seen: verifying a program, or
// waiting for all CPUs to have left something. The stage is the time between construction and
// destruction, also when it ends in an exception. Rejected: marks in run_scan(), which would stand
// between the reader and the data's way.
#pragma once

#include <cstdint>

namespace echoscan {

class StageTimer {
 public:
  // `name` must outlive the timer.
  explicit StageTimer(const char* name);
  ~StageTimer();
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  const char* name_;
  std::uint64_t began_ns_;
};

}  // namespace echoscan
