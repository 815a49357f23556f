// Whether a second scan of the same targets heard fewer than the first by more than chance: a test
// of pairs (McNemar 1947).
//
// Each target is its own control, so that what differs between networks drops out, and only those
// count that answered one scan and not the other. Without a cause as many are gained as lost, up to
// the square root of their number. Hosts that come and go and losses that hit both scans alike do
// that too; a rate limit at the far end, or a worse way, loses more than it gains. Three standard
// deviations either way are passed once in 370 times by chance alone. Rejected: comparing the two
// shares as if the scans were independent, which needs a much larger difference. Pure.
#pragma once

#include <cstdint>

namespace echoscan {

struct PairedChange {
  static constexpr double kDeviationsMax = 3;

  double deviations = 0;  // of what was gained less what was lost; below 0: fewer answered later

  [[nodiscard]] bool is_chance() const {
    return deviations >= -kDeviationsMax && deviations <= kDeviationsMax;
  }
};

PairedChange paired_change(std::uint64_t gained, std::uint64_t lost);

}  // namespace echoscan
