// The emission: which results are emitted, that is, become lines, as --emit and --repeat-cap say.
//
// A target's first reply is always written. Errors are written only if asked for, since a scan of
// the Internet brings millions of them from the same few routers; the summary counts them in any
// case. Repeats too are written only if asked for, and at most repeat_cap of each target: a host
// that answers one probe five million times must not fill the disk. A repeated error is written
// only if both are asked for.
#pragma once

#include <cstdint>

namespace echoscan {

struct Emission {
  bool errors = false;
  bool repeats = false;
  std::uint64_t repeat_cap = 10;  // lines of a target, beside its first reply and its first error

  // Whether a result is written. `repeat` numbers the repeats of a target from 1; 0 is no repeat.
  [[nodiscard]] bool admits(bool is_error, std::uint64_t repeat) const {
    if (is_error && !errors) return false;
    return repeat == 0 || (repeats && repeat <= repeat_cap);
  }
};

}  // namespace echoscan
