// How densely a run goes through a sweep: the release build tries every case, and under a sanitizer
// one in kSweepStep is tried. So it is when ECHOSCAN_SWEEP_STEP says how many, as `test.sh quick`
// does, which answers whoever has just changed a line; what CI runs does not set it.
//
// The values are the same under a sanitizer, which looks for faults of memory and of threads: each
// path through the code shows those in few cases, and a case takes ten to fifty times as long
// there: four programs of the sender's sweeps took 820 of the 1,272 s of AddressSanitizer's tests,
// two at a time. The step has no divisor in common with what a case derives from its number (every
// second one, every fourth). Rejected: other sweeps for the sanitizers, which would be forgotten
// when a sweep changes.
#pragma once

#include <algorithm>
#include <cstdlib>

namespace echoscan {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline const int kSweepStep = 7;
#else
inline const int kSweepStep = [] {
  const char* step = std::getenv("ECHOSCAN_SWEEP_STEP");
  return step == nullptr ? 1 : std::max(1, std::atoi(step));
}();
#endif

}  // namespace echoscan
