#include "scanner/command/merge.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "output/merge/line_merge.h"
#include "output/merge/summary_sum.h"
#include "output/sink/output_file.h"
#include "output/summary/figure_text.h"
#include "scanner/command/scan_record.h"
#include "scanner/process/log.h"

namespace echoscan {
namespace {

constexpr std::chrono::milliseconds kSyncInterval{500};
// Throws UserError for a set that is not to be merged.
void refuse_faults(const ShardSet& set, bool is_partial) {
  const bool is_one_scan = set.strangers.empty() && set.damaged.empty();
  if (set.is_whole()) return;
  if (!is_one_scan || !is_partial)
    throw UserError(
        ExitCode::shards,
        fmt::format("these are not all shards of one scan, each once; nothing is written{}{}",
                    faults_text(set),
                    is_one_scan ? "\n  --partial goes on without what is missing" : ""));
  log_warning("--partial:{}", faults_text(set));
}

std::unique_ptr<ByteSink> open_document(const std::string& path) {
  tl::expected<std::unique_ptr<ByteSink>, std::string> sink =
      open_output(path, OutputMode::document);
  if (!sink) throw UserError(ExitCode::output, sink.error());
  return std::move(*sink);
}

[[noreturn]] void refuse_output(const std::string& path, int error) {
  throw UserError(ExitCode::output,
                  fmt::format("'{}' could not be written: {}", path, std::strerror(error)));
}

// Copies the lines of a run, which must be as many as its summary says.
void copy_lines(const ShardRun& run, const std::string& results, const std::string& to,
                LineMerge& lines) {
  const tl::expected<std::uint64_t, LineMerge::Failure> copied =
      lines.add_file(results, run.summary.order.shard);
  if (!copied && copied.error().output_error != 0) refuse_output(to, copied.error().output_error);
  if (!copied) throw UserError(ExitCode::shards, copied.error().sentence);
  if (*copied != run.summary.output.lines_written)
    throw UserError(
        ExitCode::shards,
        fmt::format("'{}' has {}, and its summary '{}' says {}: is it that run's, and whole?",
                    results, counted(*copied, "line"), run.file,
                    with_thousands(run.summary.output.lines_written)));
}

// Brings what is written to the disk while more is read, so that the end need not wait for all of
// it: a plain file of 100 million lines was as long in coming there as in being made.
std::jthread begin_syncing(ByteSink& sink) {
  return std::jthread([&sink](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    while (!woken.wait_for(lock, stop, kSyncInterval, [&stop] { return stop.stop_requested(); }))
      if (sink.sync() != 0) return;  // what ails the disk the end will say
  });
}

std::string merged_text(const Summary& sum, const MergeConfig& config) {
  std::string text = fmt::format(
      "echoscan: merged {}: {} of {} probed replied ({:.2f} %), {} in '{}'\n",
      counted(sum.merge.shards.size(), "shard"), with_thousands(sum.ledger.replied),
      with_thousands(sum.response.probed), percent(sum.ledger.replied, sum.response.probed),
      counted(sum.output.lines_written, "line"), config.path);
  if (sum.outcome != "finished")
    text += fmt::format("echoscan: they cover {:.2f} % of the order\n", *sum.merge.covered * 100);
  return text;
}

}  // namespace

ExitCode run_merge(const MergeConfig& config) {
  // Summaries: of one scan, and of all its shards.
  std::vector<ShardRun> runs;
  std::map<std::string, std::string> results;
  runs.reserve(config.shards.size());
  for (const MergeConfig::Shard& shard : config.shards) {
    runs.push_back({shard.summary, read_summary_file(shard.summary)});
    results.emplace(shard.summary, shard.results);
  }
  const ShardSet set = find_shard_set(runs);
  refuse_faults(set, config.is_partial);

  // Lines: one file behind the other, as many as their summaries say.
  const std::unique_ptr<ByteSink> output = open_document(config.path);
  const std::unique_ptr<ByteSink> summary =
      config.summary_path.empty() ? nullptr : open_document(config.summary_path);
  std::jthread syncing = begin_syncing(*output);
  LineMerge lines(*output);
  for (const ShardRun* run : set.chosen)
    copy_lines(*run, results.at(run->file), config.path, lines);
  if (const int error = lines.flush(); error != 0) refuse_output(config.path, error);

  syncing.request_stop();
  syncing.join();

  // Sums: checked as a scan's own are.
  const Summary sum = sum_summaries(set, {lines.bytes(), lines.rtt()});
  for (const std::string& fault : sum.ledger.faults)
    log_warning("the sums do not add up: {}", fault);
  if (const int error = write_and_finish(*output, ""); error != 0)
    refuse_output(config.path, error);
  if (summary != nullptr)
    if (const int error = write_and_finish(*summary, summary_json(sum)); error != 0)
      refuse_output(config.summary_path, error);
  if (config.verbosity != Verbosity::quiet) write_to_stderr(merged_text(sum, config));
  return ExitCode::finished;
}

}  // namespace echoscan
