// Nanoseconds per step of the hot path: next target, patched frame, matched reply, written line.
// Prints figures and asserts none; docs/design.md says what they were, and on what.
#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <vector>

#include "bpf/match_reply.h"
#include "output/json_line.h"
#include "scanner/frame.h"
#include "scanner/pacer.h"
#include "targets/permutation.h"
#include "targets/target_cursor.h"
#include "targets/target_set.h"
#include "tests/reply_cases.h"

namespace echoscan {
namespace {

constexpr std::size_t kBatchSize = 64;

// 79 M addresses, as in the survey of one cloud, in so many ranges.
TargetSet survey_targets(std::uint64_t range_count) {
  constexpr std::uint64_t kTargets = 79'000'000;
  std::vector<AddressRange> ranges;
  const std::uint64_t stride = (std::uint64_t{1} << 32) / range_count;
  const std::uint64_t size = kTargets / range_count;
  for (std::uint64_t i = 0; i < range_count; ++i)
    ranges.push_back({Ipv4{static_cast<std::uint32_t>(i * stride)},
                      Ipv4{static_cast<std::uint32_t>(i * stride + size - 1)}});
  return TargetSet(std::move(ranges));
}

// The order and the look-up of the range, in batches as the sender takes them.
void BM_next_target(benchmark::State& state) {
  const TargetSet targets = survey_targets(static_cast<std::uint64_t>(state.range(0)));
  const Permutation permutation(targets.size(), 42);
  TargetCursor cursor(targets, permutation);
  std::array<Ipv4, kBatchSize> batch;
  std::size_t count = 0;
  for (auto _ : state) {
    if (cursor.done()) cursor.seek(0, permutation.step_count());
    count += cursor.next(batch);
    benchmark::DoNotOptimize(batch);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
}
BENCHMARK(BM_next_target)->Arg(1)->Arg(1000)->Arg(100'000);

void BM_index_of(benchmark::State& state) {
  const TargetSet targets = survey_targets(static_cast<std::uint64_t>(state.range(0)));
  std::mt19937_64 random(1);
  std::vector<Ipv4> addresses;
  for (int i = 0; i < 4096; ++i) addresses.push_back(targets.at(random() % targets.size()));
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(targets.index_of(addresses[i++ % addresses.size()]));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_index_of)->Arg(1)->Arg(1000)->Arg(100'000);

// Both hashes, both checksums.
void BM_patch_frame(benchmark::State& state) {
  const FrameTemplate frame_template({{}, {}, Ipv4{0xc0000201}}, case_config().key);
  std::array<std::uint8_t, PROBE_FRAME_BYTES> frame;
  frame_template.fill(frame);
  std::uint32_t address = 0;
  for (auto _ : state) {
    frame_template.patch(frame, {Ipv4{address}, 0}, kCaseSentNs + address);
    ++address;
    benchmark::DoNotOptimize(frame);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_patch_frame);

void BM_pacer_take(benchmark::State& state) {
  Pacer pacer(100'000'000, 1);
  std::uint64_t now_ns = 1;
  for (auto _ : state) benchmark::DoNotOptimize(pacer.take(kBatchSize, now_ns += 640));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatchSize));
}
BENCHMARK(BM_pacer_take);

// As user space compiles it; the XDP program runs the same text.
void BM_match_reply(benchmark::State& state) {
  const match_config config = case_config();
  std::vector<std::uint8_t> frame;
  for (const ReplyCase& row : reply_cases())
    if (row.what == "reply") frame = row.frame;
  reply found{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        match_reply(frame.data(), frame.data() + frame.size(), &config, &found));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_match_reply);

void BM_json_line(benchmark::State& state) {
  Result result;
  result.received_us = 1795367474962093;
  result.rtt_ns = 12345678;
  result.ttl = 57;
  char line[kJsonLineBytesMax];
  std::int64_t bytes = 0;
  for (auto _ : state) {
    result.target.value += 0x9e3779b9;
    result.responder = result.target;
    bytes += write_json_line(line, result) - line;
    benchmark::DoNotOptimize(line);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(bytes);
}
BENCHMARK(BM_json_line);

}  // namespace
}  // namespace echoscan

BENCHMARK_MAIN();
