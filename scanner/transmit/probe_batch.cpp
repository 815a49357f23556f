#include "scanner/transmit/probe_batch.h"

#include "bpf/wire.h"

#if defined(__GNUC__) && !defined(__clang__)
#define ECHOSCAN_NO_VECTORS __attribute__((optimize("no-tree-vectorize")))
#else
#define ECHOSCAN_NO_VECTORS
#endif

namespace echoscan {
namespace {

constexpr std::size_t kLanes = 8;
static_assert(ProbeBatch::kSize % kLanes == 0);

constexpr std::uint64_t kEchoRequest = WIRE_ICMP_ECHO_REQUEST << 8;  // and code 0

WIRE_INLINE std::uint64_t checksum(std::uint64_t sum) {
  return ~std::uint64_t{wire_fold(sum)} & 0xffff;
}

// Inlined into each copy below, so that it is compiled for that copy's instruction set. A scan from
// one source has no lanes of sources to read.
template <bool kHasPool>
WIRE_INLINE void compute_lanes(const ProbeConstants& constants, std::uint64_t sent_ns,
                               std::size_t count, ProbeBatch& batch) {
  for (; count % kLanes != 0; ++count)
    batch.address[count] = batch.pass[count] = batch.source[count] = 0;
  for (std::size_t i = 0; i < count; ++i)
    batch.cookie[i] = probe_cookie(&constants.key, static_cast<std::uint32_t>(batch.address[i]));
  const half_tag half = probe_tag_begin(&constants.key, sent_ns);
  for (std::size_t i = 0; i < count; ++i)
    batch.tag[i] = probe_tag_end(&half, static_cast<std::uint32_t>(batch.address[i]),
                                 static_cast<std::uint8_t>(batch.pass[i]));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t address = batch.address[i];
    const std::uint64_t pass = batch.pass[i];
    const std::uint64_t source = kHasPool ? batch.source[i] : constants.source;
    const std::uint64_t cookie = kHasPool ? batch.cookie[i] ^ source : batch.cookie[i];
    const std::uint64_t tag = batch.tag[i];
    const std::uint64_t ip_checksum =
        checksum(constants.sums.ip + address + (kHasPool ? source : 0));
    const std::uint64_t icmp_checksum =
        checksum(probe_icmp_sum(cookie, sent_ns, address, tag, pass, constants.sums.padding));
    batch.words[0][i] = wire_order64(ip_checksum << 48 | source << 16 | address >> 16);
    batch.words[1][i] =
        wire_order64(address << 48 | kEchoRequest << 32 | icmp_checksum << 16 | cookie >> 16);
    batch.words[2][i] = wire_order64(cookie << 48 | sent_ns >> 16);
    batch.words[3][i] = wire_order64(sent_ns << 48 | address << 16 | tag >> 16);
    batch.words[4][i] = wire_order64(tag << 48 | pass << 40 | std::uint64_t{PROBE_VERSION} << 32);
  }
}

WIRE_INLINE void compute(const ProbeConstants& constants, std::uint64_t sent_ns, std::size_t count,
                         ProbeBatch& batch) {
  if (constants.has_pool) {
    compute_lanes<true>(constants, sent_ns, count, batch);
  } else {
    compute_lanes<false>(constants, sent_ns, count, batch);
  }
}

#ifdef __x86_64__
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void compute_avx512(
    const ProbeConstants& constants, std::uint64_t sent_ns, std::size_t count, ProbeBatch& batch) {
  compute(constants, sent_ns, count, batch);
}

__attribute__((target("avx2"))) void compute_avx2(const ProbeConstants& constants,
                                                  std::uint64_t sent_ns, std::size_t count,
                                                  ProbeBatch& batch) {
  compute(constants, sent_ns, count, batch);
}

ECHOSCAN_NO_VECTORS
#endif
void compute_portable(const ProbeConstants& constants, std::uint64_t sent_ns, std::size_t count,
                      ProbeBatch& batch) {
  compute(constants, sent_ns, count, batch);
}

}  // namespace

std::span<const ProbeBatchVersion> probe_batch_versions() {
#ifdef __x86_64__
  static constexpr std::array<ProbeBatchVersion, 3> kVersions{
      {{"AVX-512", compute_avx512}, {"AVX2", compute_avx2}, {"portable", compute_portable}}};
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const std::span all(kVersions);
  return all.subspan(has_avx512 ? 0 : __builtin_cpu_supports("avx2") ? 1 : 2);
#else
  static constexpr std::array<ProbeBatchVersion, 1> kVersions{{{"portable", compute_portable}}};
  return kVersions;
#endif
}

}  // namespace echoscan
