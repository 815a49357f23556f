// The emission: which results become lines, as --emit and --repeat-cap say.
//
// A target's first reply always does. Errors are for who asks, since a scan of the Internet brings
// millions that are the same few sentences of the same routers; the summary counts them in any
// case. So are repeats, and of those only so many a target: a host that answers one probe five
// million times must not fill the disk. A repeated error takes both wishes.
#pragma once

#include <cstdint>

namespace echoscan {

struct Emission {
  bool errors = false;
  bool repeats = false;
  std::uint64_t repeat_cap = 10;  // lines of a target, beside its first reply and its first error

  // `repeat` says which repeat of its target the result is, 1 for the first; 0 when it is none.
  [[nodiscard]] bool admits(bool is_error, std::uint64_t repeat) const {
    if (is_error && !errors) return false;
    return repeat == 0 || (repeats && repeat <= repeat_cap);
  }
};

}  // namespace echoscan
