#include "scanner/turn.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "output/sink/file_place.h"
#include "scanner/checkpoint/checkpoint_file.h"
#include "scanner/checkpoint/turn_lock.h"
#include "scanner/legs.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/clock.h"
#include "scanner/process/log.h"
#include "scanner/process/stop_signals.h"
#include "scanner/scan.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kTurnSecondNs = 1'000'000'000;
constexpr std::uint64_t kPollNs = kTurnSecondNs / 5;
constexpr std::int64_t kTurnMillisecondNs = 1'000'000;

std::string name_of(const Leg& leg) {
  return fmt::format("process {} on {}", leg.pid, leg.host.empty() ? "?" : leg.host);
}

// The checkpoint of an earlier turn; nullopt where there is none.
std::optional<Checkpoint> earlier_turn(const std::string& results) {
  if (access(checkpoint_path(results).c_str(), F_OK) != 0) return std::nullopt;
  tl::expected<Checkpoint, std::string> checkpoint = load_checkpoint(results, geteuid());
  if (!checkpoint)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--continue: {}; --no-continue begins anew", checkpoint.error()));
  return std::move(*checkpoint);
}

// Throws UserError for what another command has left.
void refuse_another_scan(const Checkpoint& checkpoint, const ScanConfig& config) {
  const Shard shard = config.order.shard.value_or(Shard{});
  if (Shard{checkpoint.shard, checkpoint.shards} != shard)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--continue: '{}' is of shard {}/{}, and this is shard {}/{}: give "
                                "each a file of its own, as in -o 'shard-{{shard}}.jsonl'",
                                checkpoint.results, checkpoint.shard, checkpoint.shards,
                                shard.index, shard.count));
  if (checkpoint.arguments != config.arguments ||
      checkpoint.directory != std::filesystem::current_path())
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("--continue: '{}' was begun by another command, or in another folder; "
                    "--resume goes on with it, --no-continue begins anew",
                    checkpoint.results));
  // They may have come out of a --config file, which has changed.
  if (config.order.seed.value_or(checkpoint.seed) != checkpoint.seed ||
      config.order.passes != checkpoint.passes)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--continue: '{}' was begun with seed {} and {} passes, and now "
                                "they are {} and {}; --no-continue begins anew",
                                checkpoint.results, checkpoint.seed, checkpoint.passes,
                                config.order.seed.value_or(checkpoint.seed), config.order.passes));
}

// Throws UserError where the lists or the options of a --config file are no longer those that the
// scan has finished with: nothing was done for these. One that goes on finds that out itself.
void refuse_another_order_than(const Checkpoint& finished, ScanConfig config) {
  const TargetPlan plan = plan_targets(config.target, config.order);
  config.resumed = finished;
  refuse_another_order(plan, config);
}

// Waits until nobody else is at it; then the lock, and what is left by those before.
struct Turn {
  TurnLock lock;
  std::optional<Checkpoint> earlier;
};
Turn take_turn(const std::string& results, const ScanConfig& config, Clock& clock) {
  const std::uint64_t begin_ns = clock.now_ns();
  bool is_told = false;
  while (true) {
    tl::expected<std::optional<TurnLock>, std::string> lock = TurnLock::try_take(results);
    if (!lock) throw UserError(ExitCode::output, lock.error());
    std::optional<Checkpoint> earlier = earlier_turn(results);
    const std::int64_t now_ms =
        (static_cast<std::int64_t>(clock.now_ns()) + realtime_offset_ns()) / kTurnMillisecondNs;
    const std::int64_t lease_s =
        earlier ? lease_left_s(*earlier, config.task.host, boot_id(), now_ms) : 0;
    if (*lock && lease_s == 0) return {std::move(**lock), std::move(earlier)};
    lock->reset();
    const std::string who = earlier ? name_of(earlier->legs.back()) : "another process";
    if (static_cast<double>(clock.now_ns() - begin_ns) / kTurnSecondNs >= config.path.wait_s)
      throw UserError(ExitCode::later, fmt::format("{} is at '{}', still after {} s (--wait)", who,
                                                   results, config.path.wait_s));
    if (!is_told)
      log_warning("{} is at '{}': waiting for its end, {} s at most (--wait)", who, results,
                  config.path.wait_s);
    is_told = true;
    clock.wait_until(clock.now_ns() + kPollNs);
  }
}

ExitCode go_on(const std::string& results) {
  std::optional<ScanConfig> rest = parse_scan_config({"--resume", results}, std::getenv);
  rest->is_continued = true;
  return run_scan(*rest);
}

}  // namespace

ExitCode run_turn(const ScanConfig& config) {
  if (!config.is_continued) return run_scan(config);
  const tl::expected<FilePlace, std::string> place = find_place(config.output.path);
  if (!place) throw UserError(ExitCode::output, place.error());
  const std::string results = place->path();
  std::optional<Turn> turn;
  {
    MonotonicClock clock;
    StopSignals signals;
    StoppableClock stoppable(clock, signals);
    turn.emplace(take_turn(results, config, stoppable));
    signals.throw_if_stopped();
  }
  if (!turn->earlier) return run_scan(config);
  refuse_another_scan(*turn->earlier, config);
  const Leg& last = turn->earlier->legs.back();
  if (last.why != kFinishedLeg) {
    log_info("going on with what {} has left", name_of(last));
    return go_on(results);
  }
  if (access(results.c_str(), F_OK) != 0)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("the scan of '{}' has finished, and the file is not there; "
                                "--no-continue begins anew",
                                results));
  refuse_another_order_than(*turn->earlier, config);
  log_info("'{}' is finished, by {}: nothing is left to do", results, name_of(last));
  return ExitCode::finished;
}

}  // namespace echoscan
