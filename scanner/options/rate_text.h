// Rates as people write them: 10000, 250k, 1.5M, 1e6, 0.5, 500/s, 10kpps; bandwidths as 10M.
//
// A rate is a limit, so it is read digit by digit and rounded down: 0.29M as a double is a little
// less than it says, and 1.9999 rounds up to what nobody allowed. A bandwidth is what the probes
// take on the wire of an Ethernet, where a frame has a preamble before it and a gap behind it
// (IEEE 802.3, 20 bytes) and a check sequence (4): as zmap counts it for -B.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "bpf/probe.h"
#include "scanner/transmit/probe_rate.h"

namespace echoscan {

inline constexpr std::uint64_t kRateMaxPps = 1'000'000'000;

// What a probe with so much data takes on an Ethernet.
constexpr std::uint64_t wire_bits_per_probe(std::size_t payload_bytes) {
  return (PROBE_FRAME_BYTES - PROBE_PAYLOAD_BYTES + payload_bytes + 4 + 20) * 8;
}
// The shortest, which fills the shortest frame.
inline constexpr std::uint64_t kWireBitsPerProbe = wire_bits_per_probe(PROBE_PAYLOAD_BYTES);

// Probes a second, or Pacer::kUnlimited for "max"; nullopt for what is none, is below a thousandth
// or above kRateMaxPps. What is finer than a thousandth is rounded down.
std::optional<ProbeRate> parse_rate(const std::string& text);

// Bits a second ("10M", "1G", "10Mbit/s") as the rate whose probes take that much; nullopt as
// above.
std::optional<ProbeRate> parse_bandwidth(const std::string& text,
                                         std::uint64_t probe_bits = kWireBitsPerProbe);

}  // namespace echoscan
