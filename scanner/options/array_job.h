// The shard of an array job: which part of a scan a scheduler has given this process.
//
// The scheduler numbers its tasks: an Indexed Job of Kubernetes in JOB_COMPLETION_INDEX, an array
// job of Slurm in SLURM_ARRAY_TASK_ID. How many parts the scan has the user says in
// ECHOSCAN_SHARDS, and no scheduler is asked: `sbatch --array=1`, which does one task of four
// again, has a count of 1, and would probe everything. One number without the other is an error and
// not an undivided scan. The environment is passed as a function, so that a test can bring its own.
#pragma once

#include <cstdint>
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

// Where this process runs and who has started it, for those who read its summary. Empty where
// nobody says.
struct Task {
  std::string host;
  std::string kernel;                    // its release
  std::string machine;                   // what kind: "x86_64"
  std::string scheduler;                 // "slurm" or "kubernetes"
  std::string job;                       // ECHOSCAN_JOB, else Slurm's number of the job
  std::string id;                        // within the job
  std::optional<std::uint64_t> attempt;  // how often Slurm has begun it again
};

// Throws UserError for a job whose name could be a path, since files are called after it.
Task task_of(const Environment& environment);

}  // namespace echoscan
