// What differs from probe to probe, computed for up to 64 of them side by side.
//
// Two SipHashes and two checksums take 22 ns a probe one after the other. Laid out as arrays they
// are loops that the compiler turns into vector instructions, and take 9 ns. The hashes are the
// text of bpf/probe.h. There is a copy of the loops for each instruction set, chosen at start by
// what the CPU has. Rejected: target_clones, whose resolver runs before the sanitizers are ready
// and leaves all copies but the machine's own untested; -march=native, which fails on other
// machines; SSE2 vectors, which are slower than none. The results are five words in network order,
// the frame's bytes 24 to 59, which lie in one piece and cost five stores.
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
  probe_sums sums{};
  bool has_pool = false;  // each probe has a source of its own, in its lane
};

// All lanes are 64 bits wide, since lanes of one width need no shuffling.
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
  // In as well, of a pool alone: behind the others, since a scan from one source was slower with it
  // between them.
  alignas(64) Lane source;
};

struct ProbeBatchVersion {
  const char* instruction_set;
  // Fills `words` for the first `count` (at most kSize) probes, sent at `sent_ns`; overwrites up to
  // seven lanes behind them.
  void (*compute)(const ProbeConstants& constants, std::uint64_t sent_ns, std::size_t count,
                  ProbeBatch& batch);
};

// The copies that this CPU can run, fastest first; never empty.
std::span<const ProbeBatchVersion> probe_batch_versions();

}  // namespace echoscan
