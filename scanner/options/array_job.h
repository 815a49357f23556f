// The shard of an array job: which part of a scan a scheduler has given this process.
//
// Kubernetes numbers the pods of an Indexed Job in JOB_COMPLETION_INDEX and says nowhere how many
// there are, so the user says it in ECHOSCAN_SHARDS; Slurm says both. One number without the other
// is an error and not an undivided scan, in which every task of the job would probe everything. The
// environment is passed as a function, so that a test can bring its own.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "targets/shard.h"

namespace echoscan {

// Gives a variable's value or null, as std::getenv does.
using Environment = std::function<const char*(const char* name)>;

inline const char* empty_environment(const char*) {
  return nullptr;
}

struct ArrayJobShard {
  Shard shard;
  std::string source;  // the variables that it came from, for people
};

// nullopt outside of an array job. Throws UserError for variables that make no sense.
std::optional<ArrayJobShard> array_job_shard(const Environment& environment);

}  // namespace echoscan
