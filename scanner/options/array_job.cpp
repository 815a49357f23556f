#include "scanner/options/array_job.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr const char* kRemedy = "set both, or give --shard (0/1 is an undivided scan)";

struct Variable {
  const char* name;
  const char* text;  // null: not set

  // Its number; throws UserError.
  [[nodiscard]] std::uint64_t number() const {
    const std::string_view value = text;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size())
      throw UserError(
          ExitCode::bad_usage,
          fmt::format("{}={}: should be a whole number; correct it, or give --shard", name, value));
    return number;
  }
};

ArrayJobShard checked(std::uint64_t index, std::uint64_t count, std::string source) {
  const std::optional<Shard> shard = make_shard(index, count);
  if (!shard)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("{}: there is no shard {} of {}; shards count from 0, and are at "
                                "most {} (or give --shard)",
                                source, index, count, Shard::kCountMax));
  return {*shard, std::move(source)};
}

ArrayJobShard kubernetes_shard(const Variable& index, const Variable& count) {
  if (!index.text || !count.text)
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("{} is set, but {} is not: {}", index.text ? index.name : count.name,
                    index.text ? count.name : index.name, kRemedy));
  return checked(index.number(), count.number(),
                 fmt::format("{}={}, {}={}", index.name, index.text, count.name, count.text));
}

// Slurm's task ids start anywhere and may have steps between them: --array=10-50:10 is five tasks.
ArrayJobShard slurm_shard(const Variable& id, const Variable& first, const Variable& count,
                          const Variable& step) {
  for (const Variable& variable : {first, count})
    if (!variable.text)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("{} is set, but {} is not: {}", id.name, variable.name, kRemedy));
  std::string source = fmt::format("{}={}, {}={}, {}={}", id.name, id.text, first.name, first.text,
                                   count.name, count.text);
  const std::uint64_t step_ids = step.text ? step.number() : 1;
  if (step.text) source += fmt::format(", {}={}", step.name, step.text);
  if (id.number() < first.number() || step_ids == 0 ||
      (id.number() - first.number()) % step_ids != 0)
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("{}: the task's place in the array cannot be told; give --shard", source));
  return checked((id.number() - first.number()) / step_ids, count.number(), std::move(source));
}

}  // namespace

std::optional<ArrayJobShard> array_job_shard(const Environment& environment) {
  const auto variable = [&environment](const char* name) {
    return Variable{name, environment(name)};
  };
  const Variable index = variable("JOB_COMPLETION_INDEX");
  const Variable count = variable("ECHOSCAN_SHARDS");
  const Variable task = variable("SLURM_ARRAY_TASK_ID");
  const bool is_kubernetes = index.text || count.text;
  if (is_kubernetes && task.text)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("{} and {} are both set: give --shard to say which part this is",
                                index.text ? index.name : count.name, task.name));
  if (is_kubernetes) return kubernetes_shard(index, count);
  if (task.text)
    return slurm_shard(task, variable("SLURM_ARRAY_TASK_MIN"), variable("SLURM_ARRAY_TASK_COUNT"),
                       variable("SLURM_ARRAY_TASK_STEP"));
  return std::nullopt;
}

}  // namespace echoscan
