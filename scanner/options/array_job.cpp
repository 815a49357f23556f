#include "scanner/options/array_job.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <string_view>

#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr const char* kKubernetesIndex = "JOB_COMPLETION_INDEX";
constexpr const char* kSlurmTask = "SLURM_ARRAY_TASK_ID";
constexpr const char* kShards = "ECHOSCAN_SHARDS";
constexpr const char* kJob = "ECHOSCAN_JOB";

// A variable's number; throws UserError.
std::uint64_t number_of(const char* name, std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("{}={}: should be a whole number; correct it, or give --shard", name, text));
  return number;
}

}  // namespace

std::optional<ArrayJobShard> array_job_shard(const Environment& environment) {
  const char* kubernetes = environment(kKubernetesIndex);
  const char* slurm = environment(kSlurmTask);
  const char* shards = environment(kShards);
  if (!kubernetes && !slurm && !shards) return std::nullopt;
  if (kubernetes && slurm)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("{} and {} are both set: give --shard to say which part this is",
                                kKubernetesIndex, kSlurmTask));
  const char* name = slurm ? kSlurmTask : kKubernetesIndex;
  const char* index = slurm ? slurm : kubernetes;
  if (!index)
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("{}={} is set, but neither {} nor {} is: the scheduler sets one, or "
                    "give --shard",
                    kShards, shards, kKubernetesIndex, kSlurmTask));
  if (!shards)
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("{}={} is set, but {} is not: set it to how many shards the whole scan has, "
                    "which does not change when some are run again, or give --shard (0/1 is an "
                    "undivided scan)",
                    name, index, kShards));

  std::string source = fmt::format("{}={}, {}={}", name, index, kShards, shards);
  const std::optional<Shard> shard = make_shard(number_of(name, index), number_of(kShards, shards));
  if (!shard)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("{}: there is no shard {} of {}; shards count from 0, and are at "
                                "most {} (or give --shard)",
                                source, index, shards, Shard::kCountMax));
  return ArrayJobShard{*shard, std::move(source)};
}

Task task_of(const Environment& environment) {
  const auto text = [&environment](const char* name) {
    const char* value = environment(name);
    return std::string(value ? value : "");
  };
  Task task;
  char host[HOST_NAME_MAX + 1] = "";
  if (gethostname(host, sizeof(host) - 1) == 0) task.host = host;
  if (utsname system{}; uname(&system) == 0) {
    task.kernel = system.release;
    task.machine = system.machine;
  }
  if (environment("SLURM_JOB_ID")) {
    task.scheduler = "slurm";
    task.job = text("SLURM_ARRAY_JOB_ID");
    if (task.job.empty()) task.job = text("SLURM_JOB_ID");
    task.id = text(kSlurmTask);
    // Absent the first time.
    const std::string attempt = text("SLURM_RESTART_COUNT");
    task.attempt = attempt.empty() ? 0 : number_of("SLURM_RESTART_COUNT", attempt);
  } else if (environment(kKubernetesIndex)) {
    task.scheduler = "kubernetes";
    task.id = text(kKubernetesIndex);
  }
  if (environment(kJob)) task.job = text(kJob);
  const bool is_name = std::all_of(task.job.begin(), task.job.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("._-").find(c) != std::string_view::npos;
  });
  if (!is_name)
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("the job's name '{}' has other signs than letters, digits, '.', '_' "
                    "and '-': set {} to another",
                    task.job, kJob));
  return task;
}

}  // namespace echoscan
