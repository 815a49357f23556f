#include "scanner/legs.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "output/aggregate/result_reader.h"
#include "output/sink/compressed_sink.h"
#include "output/sink/file_place.h"
#include "output/sink/part_file.h"
#include "output/summary/figure_text.h"
#include "scanner/checkpoint/checkpoint_file.h"
#include "scanner/options/resumed_scan.h"
#include "scanner/plan/done_probes.h"
#include "scanner/process/clock.h"
#include "scanner/process/log.h"
#include "scanner/process/system_error.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::int64_t kMillisecondNs = 1'000'000;
constexpr double kSecondNs = 1e9;
constexpr std::size_t kBatchLines = 64;
constexpr std::uint64_t kLinesALook = 65'536;  // a multiple of that
constexpr std::uint64_t kEveryLine = std::numeric_limits<std::uint64_t>::max();

static_assert(sizeof(probe_key) == sizeof(ProbeKeyBytes));

std::int64_t now_ms() {
  return (static_cast<std::int64_t>(MonotonicClock().now_ns()) + realtime_offset_ns()) /
         kMillisecondNs;
}

std::string absolute_results(const std::string& path) {
  const tl::expected<FilePlace, std::string> place = find_place(path);
  return std::filesystem::absolute(place ? place->path() : path).string();
}

Checkpoint new_checkpoint(const TargetPlan& plan, const ScanConfig& config) {
  Checkpoint checkpoint;
  checkpoint.arguments = config.arguments;
  checkpoint.directory = std::filesystem::current_path().string();
  checkpoint.results = absolute_results(config.output.path);
  checkpoint.scan_id = plan.scan_id.text();
  checkpoint.form = form_of(config.output);
  checkpoint.digest = plan.digest;
  checkpoint.seed = plan.seed;
  checkpoint.first = plan.first;
  checkpoint.passes = config.order.passes;
  checkpoint.shard = plan.shard.index;
  checkpoint.shards = plan.shard.count;
  checkpoint.steps = plan.steps;
  checkpoint.without_way = digest_without_way(plan);
  const std::uint64_t steps = (plan.steps.end - plan.steps.begin) * config.order.passes;
  if (steps > 0) checkpoint.after_kill.pending.push_back({0, steps});
  checkpoint.after_power_loss = checkpoint.after_kill;
  return checkpoint;
}

// A path as a shell takes it for one word.
std::string shell_word(const std::string& path) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,=:@%";
  if (path.find_first_not_of(kPlain) == std::string::npos) return path;
  std::string word = "'";
  for (const char c : path) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace

void refuse_another_order(const TargetPlan& plan, const ScanConfig& config) {
  if (!config.resumed) return;
  const Checkpoint& checkpoint = *config.resumed;
  if (plan.digest != checkpoint.digest)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("the lists have changed: their digest is sha256:{}, and "
                                "the scan that goes on has sha256:{}",
                                plan.digest, checkpoint.digest));
  if (plan.first != checkpoint.first || plan.steps != checkpoint.steps)
    throw UserError(ExitCode::bad_usage,
                    "the order is not that of the scan that goes on (--max-targets)");
}

probe_key key_of(const ScanConfig& config) {
  if (config.resumed) return std::bit_cast<probe_key>(config.resumed->key);
  probe_key key{};
  if (getrandom(&key, sizeof(key), 0) != sizeof(key)) throw_system_error("draw a random key");
  return key;
}

Legs::Legs(const TargetPlan& plan, const ScanConfig& config, const probe_key& key)
    : config_(config),
      checkpoint_(config.resumed ? *config.resumed : new_checkpoint(plan, config)),
      needs_line_marks_(!says_all(config.output.syntax, config.output.fields,
                                  config.output.emission.errors, config.output.emission.repeats)) {
  checkpoint_.program = "echoscan " ECHOSCAN_VERSION;
  checkpoint_.key = std::bit_cast<ProbeKeyBytes>(key);
  if (config.resumed) {
    const std::string without_way = digest_without_way(plan);
    if (without_way != checkpoint_.without_way)
      throw UserError(ExitCode::environment,
                      "--resume: routes or gateways have changed, and other targets have no way "
                      "now than when the scan began; those that had none would stay unprobed");
    earlier_.legs = checkpoint_.legs;
    earlier_.in_doubt = checkpoint_.in_doubt;
    // Where nobody knows, it was.
    const std::string boot = boot_id();
    has_lost_power_ = boot.empty() || checkpoint_.boot_id != boot;
    place_ = has_lost_power_ ? checkpoint_.after_power_loss : checkpoint_.after_kill;
    // What only the kernel may have still is not on the disk because a leg begins: until it brings
    // it there, the earlier place holds after a loss of power.
    checkpoint_.after_kill = place_;
    earlier_.done = count_done(plan, config.order.passes, place_.pending);
    resumption_ = Resumption{place_.pending, place_.reached, earlier_.legs.front().start_ms,
                             earlier_.done.sent, earlier_.done.first_pass()};
  }
  checkpoint_.boot_id = boot_id();
  const std::int64_t start_ms = now_ms();
  checkpoint_.legs.push_back(
      {start_ms, start_ms, "", 0, 0, config.task.host, static_cast<std::uint64_t>(getpid())});
}

Checkpointer* Legs::begin(Pipeline& pipeline, ByteSink& results, const StopSignals& signals) {
  if (resumption_) read_back(pipeline, results, signals);
  if (!config_.output.why_no_checkpoint.empty()) {
    log_debug("no checkpoint is written: {}", config_.output.why_no_checkpoint);
    return nullptr;
  }
  if (!resumption_ && !has_room()) return nullptr;
  const std::string path = checkpoint_path(checkpoint_.results);
  const bool can_be_gone_on_with =
      access(path.c_str(), F_OK) == 0 && !is_finished(checkpoint_.results);
  if (!resumption_ && can_be_gone_on_with)
    log_warning(
        "'{}' is of a scan that could have been gone on with (--resume); this one begins anew, and "
        "replaces what that has found",
        path);
  // Those of the scan that is begun anew.
  if (!resumption_) remove_marks();
  const bool marks_answers =
      !config_.output.emission.errors || PassHistories::are_kept_for(config_.order.passes);
  if (marks_answers && !open_answer_marks(pipeline)) return nullptr;
  if (!resumption_ && needs_line_marks_ && !open_line_marks()) return nullptr;
  pipeline.keep_marks(answer_marks_.get(), line_marks_.get());
  // Marks last: of each line that is on the disk its mark is there, too.
  const auto sync = [this, &results] {
    int error = results.sync();
    if (error == 0 && answer_marks_) error = answer_marks_->sync();
    return error != 0 || !line_marks_ ? error : line_marks_->sync();
  };
  const std::uint64_t earlier_in_doubt = earlier_.in_doubt;
  const auto look = [&pipeline, earlier_in_doubt] {
    CheckpointView view = pipeline.checkpoint_view();
    view.in_doubt += earlier_in_doubt;
    return view;
  };
  checkpointer_.emplace(
      checkpoint_, static_cast<std::uint64_t>(config_.pace.cooldown_s * kSecondNs),
      static_cast<std::uint64_t>(config_.output.checkpoint_interval_s * kSecondNs),
      Checkpointer::Seams{look, sync, now_ms, write_checkpoint});
  return &*checkpointer_;
}

bool Legs::go_without(const std::string& why) const {
  if (resumption_ || config_.output.checkpointing == Checkpointing::asked)
    throw UserError(ExitCode::output, why);
  log_warning("no checkpoint is written, and nobody can go on with this scan: {}", why);
  return false;
}

bool Legs::has_room() const {
  if (!is_foreign(checkpoint_.results)) return true;
  return go_without(fmt::format("'{}' is no checkpoint of a scan, and is left as it is",
                                checkpoint_path(checkpoint_.results)));
}

bool Legs::open_answer_marks(Pipeline& pipeline) {
  bool is_good = true;
  std::optional<MarksLeft> left;
  if (resumption_) left = {place_.answers, has_lost_power_};
  auto marks = AnswerMarks::open(
      answer_marks_path(checkpoint_.results), left,
      [&](const AnswerMark& mark) { is_good = pipeline.restore(mark) && is_good; });
  if (!marks) return go_without(marks.error());
  if (!is_good)
    throw UserError(ExitCode::output, fmt::format("'{}' is not of this scan",
                                                  answer_marks_path(checkpoint_.results)));
  answer_marks_ = std::move(*marks);
  return true;
}

bool Legs::open_line_marks() {
  auto marks = LineMarks::open(line_marks_path(checkpoint_.results), resumption_.has_value());
  if (!marks) return go_without(marks.error());
  if ((*marks)->count() < place_.lines)
    throw UserError(ExitCode::output,
                    fmt::format("'{}' has {} of {} marks", line_marks_path(checkpoint_.results),
                                (*marks)->count(), place_.lines));
  line_marks_ = std::move(*marks);
  return true;
}

void Legs::remove_marks() const {
  AnswerMarks::remove(answer_marks_path(checkpoint_.results));
  LineMarks::remove(line_marks_path(checkpoint_.results));
}

std::uint64_t Legs::lines_to_keep() const {
  const std::uint64_t written = has_lost_power_ ? place_.lines : kEveryLine;
  return line_marks_ ? std::min(written, line_marks_->count()) : written;
}

void Legs::cut(ByteSink& results, std::uint64_t bytes) const {
  if (const int error = results.keep_first(bytes); error != 0)
    throw UserError(
        ExitCode::output,
        fmt::format("cannot cut '{}': {}", part_name(checkpoint_.results), std::strerror(error)));
}

void Legs::restore(Pipeline& pipeline, std::span<ReadResult> results) {
  const auto refuse = [this](const std::string& why) {
    throw UserError(ExitCode::output, fmt::format("'{}' {}", part_name(checkpoint_.results), why));
  };
  if (line_marks_) {
    const tl::expected<std::size_t, int> marked = line_marks_->complete(results);
    const std::string marks_path = line_marks_path(checkpoint_.results);
    if (!marked)
      throw UserError(ExitCode::output, fmt::format("cannot read '{}': {}", marks_path,
                                                    std::strerror(marked.error())));
    if (*marked < results.size())
      refuse(
          fmt::format("has a result that is not the one in '{}', which belongs to it", marks_path));
  }
  if (const std::size_t restored = pipeline.restore(results); restored < results.size())
    refuse(fmt::format("has a result of {} that is not of this scan, or there twice",
                       to_string(results[restored].target)));
}

void Legs::read_back(Pipeline& pipeline, ByteSink& results, const StopSignals& signals) {
  const OutputConfig& output = config_.output;
  const std::string path = part_name(checkpoint_.results);
  const bool is_packed = compression_of(checkpoint_.results) != Compression::none;
  // What came behind the last synchronising may be anything after a loss of power.
  if (is_packed && has_lost_power_) cut(results, place_.bytes);
  if (needs_line_marks_) open_line_marks();
  auto reader = ResultReader::open(path, output.syntax, output.fields);
  if (!reader) throw UserError(ExitCode::output, reader.error());
  const std::uint64_t lines_max = is_packed ? kEveryLine : lines_to_keep();
  std::uint64_t lines = 0;
  std::vector<ReadResult> batch(kBatchLines);
  for (std::size_t read = batch.size(); read == batch.size(); lines += read) {
    read = 0;
    while (read < batch.size() && lines + read < lines_max && (*reader)->next(batch[read])) ++read;
    restore(pipeline, std::span(batch).first(read));
    if (lines % kLinesALook == 0) signals.throw_if_stopped();
  }
  if (!(*reader)->error().empty()) throw UserError(ExitCode::output, (*reader)->error());
  if (lines < place_.lines)
    throw UserError(
        ExitCode::output,
        fmt::format("'{}' has {} results, and its checkpoint knows of {}: whom the others named "
                    "would be called silent; begin anew",
                    path, with_thousands(lines), with_thousands(place_.lines)));
  const std::uint64_t replied = pipeline.snapshot().receiver.replied;
  if (config_.pace.max_results > 0 && replied >= config_.pace.max_results)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--resume: --max-results {} is reached: {} targets have replied to "
                                "earlier legs; give a larger one to go on",
                                with_thousands(config_.pace.max_results), with_thousands(replied)));
  if (!is_packed && lines == lines_max) cut(results, (*reader)->bytes());
  if (const int error = line_marks_ ? line_marks_->keep_first(lines) : 0; error != 0)
    throw UserError(ExitCode::output,
                    fmt::format("cannot cut '{}': {}", line_marks_path(checkpoint_.results),
                                std::strerror(error)));
  pipeline.continue_behind((*reader)->bytes());
  log_info("going on behind leg {}, with {}; done: {} of {}", earlier_.legs.size(),
           counted(lines, "result"), with_thousands(earlier_.done.drawn),
           counted(pipeline.snapshot().probes, "probe"));
}

std::string Legs::end(const ScanOutcome& outcome) {
  if (!checkpointer_) return {};
  if (std::holds_alternative<Finished>(outcome)) {
    // A further turn has to know that there is nothing left to do.
    if (!config_.is_continued || !checkpointer_->close(kFinishedLeg)) {
      checkpointer_->stop();
      remove_checkpoint(checkpoint_.results);
    }
    remove_marks();
    return {};
  }
  if (!checkpointer_->close(outcome_name(outcome))) return {};
  std::string command = fmt::format("echoscan scan --resume {}", shell_word(checkpoint_.results));
  if (!std::holds_alternative<MaxResultsReached>(outcome)) return command;
  // The same number would end the next leg before it has begun.
  return fmt::format("{} --max-results N, with N above {}", command,
                     with_thousands(config_.pace.max_results));
}

}  // namespace echoscan
