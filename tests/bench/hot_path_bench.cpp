// Nanoseconds per step of the hot path: next target, patched frame, matched reply, written line.
// Prints figures and asserts none; docs/design.md says what they were, and on what.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bpf/match_reply.h"
#include "output/result/json_line.h"
#include "output/result/result_writer.h"
#include "output/sink/output_file.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/pipeline/sender.h"
#include "scanner/process/clock.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/pacer.h"
#include "targets/label_map.h"
#include "targets/permutation.h"
#include "targets/target_cursor.h"
#include "targets/target_set.h"
#include "tests/bpf/reply_cases.h"

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

// So many labelled segments over all addresses; none for 0.
LabelMap survey_labels(std::uint64_t count) {
  LabelTable table;
  std::vector<LabelledRange> entries;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t size = (std::uint64_t{1} << 32) / count;
    entries.push_back({{Ipv4{static_cast<std::uint32_t>(i * size)},
                        Ipv4{static_cast<std::uint32_t>((i + 1) * size - 1)}},
                       table.id_of(std::to_string(i % 500))});
  }
  return LabelMap(std::move(table), entries);
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

// Frames as far apart as in AF_XDP's memory, and as many.
class FrameArea {
 public:
  explicit FrameArea(const FrameTemplate& frame_template) : bytes_(kFrames * kChunkBytes) {
    for (std::size_t frame = 0; frame < kFrames; ++frame) {
      frames_[frame] = bytes_.data() + frame * kChunkBytes;
      frame_template.fill(FrameBuffer(frames_[frame], PROBE_FRAME_BYTES));
    }
  }
  // `count` (at most kBatchSize) frames that were not used for long.
  std::span<std::uint8_t* const> take(std::size_t count) {
    next_ = next_ + kBatchSize < kFrames ? next_ + kBatchSize : 0;
    return std::span(frames_).subspan(next_, count);
  }

 private:
  static constexpr std::size_t kFrames = 2048;
  static constexpr std::size_t kChunkBytes = 2048;
  std::vector<std::uint8_t> bytes_;
  std::array<std::uint8_t*, kFrames> frames_;
  std::size_t next_ = 0;
};

// Arguments: frames at once; sources, of which each target has its own.
void BM_patch_batch(benchmark::State& state) {
  FrameAddresses addresses{{}, {}, Ipv4{0xc0000201}};
  if (state.range(1) > 1)
    addresses.sources =
        SourcePool::parse("10.0.0.0-" + to_string(Ipv4{0x0a000000 + static_cast<std::uint32_t>(
                                                                        state.range(1) - 1)}))
            .value();
  const FrameTemplate frame_template(addresses, case_config().key);
  FrameArea area(frame_template);
  std::array<Target, kBatchSize> targets;
  const auto count = static_cast<std::size_t>(state.range(0));
  std::uint32_t address = 0;
  for (auto _ : state) {
    for (Target& target : targets) target.address.value = address++;
    const std::span<std::uint8_t* const> frames = area.take(count);
    frame_template.patch_batch(frames, std::span(targets).first(count), kCaseSentNs + address);
    benchmark::DoNotOptimize(frames.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_patch_batch)->ArgsProduct({{1, 32, 64}, {1}})->Args({64, 16})->Args({64, 65'536});

// The same without the frames, by instruction set: 0 is the best that this CPU has.
void BM_probe_batch(benchmark::State& state) {
  const auto number = static_cast<std::size_t>(state.range(0));
  if (number >= probe_batch_versions().size()) {
    state.SkipWithError("this CPU has fewer instruction sets");
    return;
  }
  const ProbeBatchVersion& version = probe_batch_versions()[number];
  const ProbeConstants constants{case_config().key, 0xc0000201};
  ProbeBatch batch{};
  for (auto _ : state) {
    version.compute(constants, ++batch.address[0], ProbeBatch::kSize, batch);
    benchmark::ClobberMemory();
  }
  state.SetLabel(version.instruction_set);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ProbeBatch::kSize));
}
BENCHMARK(BM_probe_batch)->DenseRange(0, 2);

// Nobody answers.
class SilentSource : public ReplySource {
 public:
  std::size_t receive(std::span<reply>) override { return 0; }
  void stop() override {}
  [[nodiscard]] frame_counters outcomes() const override { return {}; }
  [[nodiscard]] std::uint64_t dropped_unseen() const override { return 0; }
  [[nodiscard]] std::uint64_t passed_on() const override { return 0; }
  [[nodiscard]] bool is_backlogged() const override { return false; }
  [[nodiscard]] std::string mode() const override { return "silent"; }
};

// Makes the frames, and throws them away.
class DiscardingTransmitter : public Transmitter {
 public:
  DiscardingTransmitter(const FrameTemplate& frame_template, Clock& clock, bool in_batches)
      : template_(frame_template), clock_(clock), in_batches_(in_batches), area_(frame_template) {}

  std::size_t send(std::span<const Target> batch) override {
    const std::uint64_t sent_ns = clock_.now_ns();
    const std::span<std::uint8_t* const> frames = area_.take(batch.size());
    if (in_batches_) {
      template_.patch_batch(frames, batch, sent_ns);
    } else {
      for (std::size_t i = 0; i < batch.size(); ++i)
        template_.patch(FrameBuffer(frames[i], PROBE_FRAME_BYTES), batch[i], sent_ns);
    }
    counters_.sent.add(batch.size());
    return batch.size();
  }
  bool settle() override { return true; }
  void give_up() override {}
  [[nodiscard]] std::string mode() const override { return "discard"; }

 private:
  FrameTemplate template_;
  Clock& clock_;
  bool in_batches_;
  FrameArea area_;
};

// So many ways, each with as many addresses and a next hop of its own.
LabelMap equal_ways(std::uint32_t count) {
  LabelTable table;
  std::vector<LabelledRange> entries;
  for (std::uint32_t i = 0; count > 1 && i < count; ++i) {
    const auto first = static_cast<std::uint32_t>((std::uint64_t{i} << 32) / count);
    const auto last = static_cast<std::uint32_t>((std::uint64_t{i + 1} << 32) / count - 1);
    entries.push_back({{Ipv4{first}, Ipv4{last}}, table.id_of(std::to_string(i))});
  }
  return {std::move(table), entries};
}

CurrentNextHops next_hops_of(const LabelMap& ways) {
  std::vector<std::uint8_t> next_hops;
  for (std::size_t label = 0; label < ways.label_count(); ++label)
    next_hops.push_back(static_cast<std::uint8_t>(label));
  std::vector<std::uint8_t> parts(next_hops.size(), 0);
  return CurrentNextHops(NextHopMap(ways, std::move(next_hops), std::move(parts)));
}

// All of user space for a probe, by the product's own sender at --rate max: order, look-up, pacer,
// clock, cookies, frame. Arguments: ranges; frames patched one by one (0) or in batches (1);
// labelled segments; ways.
void BM_probe(benchmark::State& state) {
  constexpr std::uint64_t kSteps = 1 << 20;
  const TargetSet targets = survey_targets(static_cast<std::uint64_t>(state.range(0)));
  const Permutation permutation(targets.size(), 42);
  const FrameTemplate frame_template({{}, {}, Ipv4{0xc0000201}}, case_config().key);
  MonotonicClock clock;
  Pacer pacer(Pacer::kUnlimited, clock.now_ns());
  DiscardingTransmitter transmitter(frame_template, clock, state.range(1) != 0);
  const std::unique_ptr<ByteSink> sink = open_output("/dev/null", OutputMode::replace).value();
  const ResultWriter writer(*sink);
  const SilentSource source;
  ScanState scan_state;
  const LabelMap labels = survey_labels(static_cast<std::uint64_t>(state.range(2)));
  const LabelMap ways = equal_ways(static_cast<std::uint32_t>(state.range(3)));
  const CurrentNextHops next_hops = next_hops_of(ways);
  for (auto _ : state) {
    ShardBlocks blocks(0, kSteps, 1, 4096);
    Sender sender(TargetCursor(targets, permutation), blocks, pacer, transmitter, clock, source,
                  writer, scan_state, labels, ways, next_hops);
    sender.run();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(transmitter.counters().sent.get()));
}
BENCHMARK(BM_probe)
    ->ArgsProduct({{1, 100'000}, {0, 1}, {0}, {1}})
    ->Args({1, 1, 8000, 1})
    ->Args({1, 1, 0, 16});

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
  char line[kLineBytesMax];
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
