// What differs from probe to probe, computed for up to 64 of them side by side.
//
// Two SipHashes and two checksums take 22 ns a probe one after the other; laid out as arrays, they
// are loops that the compiler turns into vector instructions: 9 ns. The hashes are bpf/probe.h's,
// the same text. One copy for each instruction set, chosen once at start by what the CPU has.
// Rejected: target_clones, whose resolver runs before the sanitizers are ready and leaves all but
// the machine's own copy untested; -march=native, which dies elsewhere; SSE2 vectors, slower than
// none. The results are the frame's bytes 24 to 59 as five words in network order, since those lie
// in one piece and cost five stores.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bpf/probe.h"

namespace echoscan {

// What all probes of a scan have in common.
struct ProbeConstants {
  probe_key key{};
  std::uint32_t source = 0;  // host order
  std::uint32_t ip_sum = 0;  // of the IPv4 header without destination and checksum
};

// Everything in 64 bits: lanes of one width need no shuffling.
struct ProbeBatch {
  static constexpr std::size_t kSize = 64;
  static constexpr std::size_t kPatchOffset = 24;  // of `words` in the frame
  static constexpr std::size_t kPatchWords = 5;    // of the last, the first half
  using Lane = std::array<std::uint64_t, kSize>;

  // In: host order.
  alignas(64) Lane address;
  alignas(64) Lane pass;
  // Between.
  alignas(64) Lane cookie;
  alignas(64) Lane tag;
  // Out: as they lie in memory.
  alignas(64) std::array<Lane, kPatchWords> words;
};

struct ProbeBatchVersion {
  const char* instruction_set;
  // Fills `words` of the first `count` (at most kSize) probes, sent at `sent_ns`; up to seven lanes
  // behind them are overwritten.
  void (*compute)(const ProbeConstants& constants, std::uint64_t sent_ns, std::size_t count,
                  ProbeBatch& batch);
};

// The copies that this CPU can run, fastest first; never empty.
std::span<const ProbeBatchVersion> probe_batch_versions();

}  // namespace echoscan
