// How large the reply filter's rings are, of which each possible CPU has one.
//
// Senders wait for a ring that is half full, so the other half has to hold what is on its way by
// then: by Little's law the rate times the mean round trip, if everybody answers and all comes in
// by one CPU. Round trips on the Internet have a mean of 0.1 to 0.2 s; kRoundTripMs is above that.
// All rings of a scan together take kRingsBytesMax at most, so that a machine of 128 CPUs, which
// spreads replies over them, does not lock gigabytes, and no more than a quarter of what the
// process's control group leaves it beyond the usual size. Rejected: 4 MiB at any rate, whose half
// is full after 0.05 s at a million replies a second; a mark that falls as the rate grows, by which
// a scan at full speed would wait for nothing.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "bpf/match_reply.h"

namespace echoscan {

inline constexpr std::uint64_t kRoundTripMs = 300;
inline constexpr std::size_t kRingRecordBytes =
    sizeof(reply) + 8;  // kernel/bpf/ringbuf.c: a header
inline constexpr std::size_t kRingBytesMin = std::size_t{256} << 10;
inline constexpr std::size_t kRingBytesUsual = std::size_t{4} << 20;
inline constexpr std::size_t kRingBytesMax = std::size_t{32} << 20;
inline constexpr std::size_t kRingsBytesMax = std::size_t{128} << 20;
inline constexpr std::uint64_t kNoMemoryLimit = std::numeric_limits<std::uint64_t>::max();

// What a scan's rings are for.
struct RingDemand {
  std::uint64_t replies_under_way = 0;  // at once
  int filter_count = 1;                 // the scan's reply filters, one for each interface
};

// Of one ring, where each filter has `cpu_count`, a power of two: its half holds what is under way,
// up to 419,430 replies, as long as all rings together stay within their limit. `memory_bytes`:
// what the process may take.
constexpr std::size_t reply_ring_bytes(const RingDemand& demand, int cpu_count,
                                       std::uint64_t memory_bytes = kNoMemoryLimit) {
  const std::uint64_t records = std::min<std::uint64_t>(demand.replies_under_way, kRingBytesMax);
  const std::size_t wanted = std::bit_ceil(2 * records * kRingRecordBytes);
  const auto rings =
      static_cast<std::size_t>(cpu_count) * static_cast<std::size_t>(demand.filter_count);
  const std::size_t spared = std::bit_floor(memory_bytes / 4 / rings);
  const std::size_t most = std::clamp(spared, kRingBytesUsual, kRingBytesMax);
  const std::size_t share = std::bit_floor(kRingsBytesMax / rings);
  return std::min(std::clamp(wanted, kRingBytesUsual, most), std::max(share, kRingBytesMin));
}

}  // namespace echoscan
