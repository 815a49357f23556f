// What a scan writes down while it runs, so that it can go on after any end: what it is, how far it
// has come, and how each of its legs ended.
//
// It is plain data with one text form, JSON of a version of its own (docs/checkpoint.md); another
// version is refused and not guessed at. A place in the order is a set of steps that are not done,
// counted over all passes (targets/step_ranges.h). What was found stands in the results and not
// here. There are two places: what holds after a kill, when the kernel still has all that was
// written, and what holds after a loss of power, when only what was synchronised is there.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "targets/step_ranges.h"

namespace echoscan {

// Of struct probe_key (bpf/wire.h), as in memory.
using ProbeKeyBytes = std::array<std::uint8_t, 32>;

// One run of the scan, from its start to its end.
struct Leg {
  std::int64_t start_ms = 0;     // since 1970
  std::int64_t end_ms = 0;       // of a leg that was killed: when that was last written
  std::string why;               // an outcome's name; empty: running, or killed
  std::uint64_t sent = 0;        // probes, each once
  std::uint64_t sent_again = 0;  // of those, ones that an earlier leg may have sent
  std::string host;              // the machine that it ran on, and the process there
  std::uint64_t pid = 0;
};

// `why` of a leg with which a scan has finished: nothing is left to go on with.
inline constexpr const char* kFinishedLeg = "finished";

// How far a scan has come.
struct OrderPlace {
  std::vector<StepRange> pending;  // a set: steps that are to be walked, or walked again
  std::uint64_t reached = 0;       // when it was written, nothing had been sent behind this step
  std::uint64_t lines = 0;         // of results, at least so many are in their file
  std::uint64_t answers = 0;       // the same of the file of answers (answer_marks.h)
  std::uint64_t bytes = 0;         // of packed results, that have these lines or more; else 0
};

// How results are written: a file of two forms could not be read.
struct ResultForm {
  std::string format;               // "jsonl", "csv" or "ip"
  std::vector<std::string> fields;  // all that are written, in order; of ip none
  std::vector<std::string> emit;    // beside first replies: "errors", "repeats"
  std::uint64_t repeat_cap = 0;
};

struct Checkpoint {
  std::string program;                 // "echoscan 0.1.0", for people
  std::vector<std::string> arguments;  // of the first leg, behind `scan`
  std::string directory;               // in which these name files
  std::string results;                 // path of the results, absolute
  std::string scan_id;                 // of all legs, as results have it
  ResultForm form;
  uid_t owner = 0;  // of the file that it was read from, and not written in it

  // What the order depends on, and what the lists must give again.
  std::string digest;
  std::uint64_t seed = 0;
  std::uint64_t first = 0;
  std::uint32_t passes = 1;
  std::uint32_t shard = 0;
  std::uint32_t shards = 1;
  StepRange steps{};  // the shard's
  // Of the targets that no way led to: none of them is probed later.
  std::string without_way;

  ProbeKeyBytes key{};  // of the probes: late replies are known by it
  std::string boot_id;

  OrderPlace after_kill;
  OrderPlace after_power_loss;
  std::uint64_t in_doubt = 0;  // over all legs
  std::vector<Leg> legs;       // the last is the present one
};

// One line, newline included. Bytes of arguments that are no UTF-8 are kept.
std::string checkpoint_json(const Checkpoint& checkpoint);
// Whether the text says of itself that it is a checkpoint, of whatever version.
bool is_checkpoint(std::string_view json);
// The error is a clause: "it is of version 3, and this program knows version 2".
tl::expected<Checkpoint, std::string> read_checkpoint(std::string_view json);

}  // namespace echoscan
