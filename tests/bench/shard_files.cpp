// Makes the files of a divided scan, to merge them: SHARDS summaries and results of LINES lines
// each, of which every target replied. tests/bench/merge_bench.sh runs it.
//
//   shard_files FOLDER SHARDS LINES ENDING
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "output/sink/byte_sink.h"
#include "output/sink/output_file.h"
#include "output/summary/summary.h"
#include "targets/shard.h"
#include "tests/output/sample_summary.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kRttNs = 12'345'678;

Summary summary_of(std::uint32_t shard, std::uint32_t shards, std::uint64_t lines) {
  Summary summary = sample_summary();
  const std::uint64_t all = lines * shards;
  summary.targets.listed = summary.order.n = summary.order.first = all;
  summary.targets.count = lines;
  summary.order.shard = shard;
  summary.order.shards = shards;
  const StepRange steps = shard_steps({shard, shards}, all);
  summary.order.step_begin = steps.begin;
  summary.order.step_end = steps.end;
  summary.ledger = {};
  summary.ledger.probes = summary.ledger.drawn = summary.ledger.sent = summary.ledger.replied =
      lines;
  summary.response = {lines, all, 1, {}, {}};
  summary.sending.accepted = summary.sending.ended = summary.sending.queues[0].sent = lines;
  summary.receiving.frames[FRAME_REPLY].frames = lines;
  summary.receiving.frames_seen = summary.receiving.records = lines;
  summary.receiving.replied_by_time = {1, {lines}};
  summary.rtt = {lines, kRttNs, kRttNs, kRttNs, kRttNs, kRttNs, {{11'534'336, 12'582'912, lines}}};
  summary.output.lines = summary.output.lines_written = lines;
  summary.legs = {{summary.started_ms, summary.ended_ms, "finished", lines, 0}};
  return summary;
}

// `ending` is ".jsonl", or ".jsonl.zst" for results that are packed.
void write_shard(const std::string& folder, std::uint32_t shard, std::uint32_t shards,
                 std::uint64_t lines, const std::string& ending) {
  const std::string stem = fmt::format("{}/shard-{}", folder, shard);
  std::ofstream(stem + ".json") << summary_json(summary_of(shard, shards, lines));
  std::string text;
  const std::uint64_t first = shard * lines;
  for (std::uint64_t i = first; i < first + lines; ++i)
    fmt::format_to(
        std::back_inserter(text),
        R"({{"type":"reply","ts_us":{0},"target":"{1}.{2}.{3}.{4}","saddr":"{1}.{2}.{3}.{4}",)"
        R"("classification":"echoreply","icmp_type":0,"icmp_code":0,"success":true,)"
        R"("repeat":false,"cooldown":false,"rtt_us":12345.678,"ttl":57,"shard":{5}}})"
        "\n",
        1795367474962093 + i, i >> 24 & 255, i >> 16 & 255, i >> 8 & 255, i & 255, shard);
  const std::unique_ptr<ByteSink> sink = open_output(stem + ending, OutputMode::document).value();
  if (write_and_finish(*sink, text) != 0) std::exit(1);
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto shards = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
  const std::uint64_t lines = std::strtoull(argv[3], nullptr, 10);
  for (std::uint32_t shard = 0; shard < shards; ++shard)
    echoscan::write_shard(argv[1], shard, shards, lines, argv[4]);
}
