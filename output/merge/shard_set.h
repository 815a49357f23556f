// Whether summaries are the shards of one scan, each once.
//
// Two shards with different seeds overlap and leave gaps, and their figures add up all the same; a
// shard given twice counts its targets twice. So what is added up is checked first: one list, one
// order, one number of shards, steps that tile the order. Who is a stranger is said by the others:
// the scan that most summaries are of is the one that is meant. Rejected: comparing with the first,
// which names all the others when it is the stranger. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "output/summary/summary.h"

namespace echoscan {

// One turn of a shard.
struct ShardRun {
  std::string file;  // of its summary
  Summary summary;
};

struct ShardSet {
  // Of the scan that most are of, ascending by shard. Of several runs of a shard the first that has
  // finished, else the first.
  std::vector<const ShardRun*> chosen;
  std::uint32_t shards = 0;            // of that scan
  std::uint64_t steps = 0;             // of its order, one that all chosen ones agree with
  std::vector<std::uint32_t> missing;  // ascending
  std::vector<std::uint32_t> unfinished;
  // A sentence without a full stop for each run that is of another scan, for each further run of a
  // shard, for each of which the figures do not agree or lines were lost.
  std::vector<std::string> strangers;
  std::vector<std::string> doubled;
  std::vector<std::string> damaged;

  [[nodiscard]] bool is_whole() const {
    return missing.empty() && unfinished.empty() && strangers.empty() && doubled.empty() &&
           damaged.empty();
  }
};

// `runs` must outlive the result, and is not empty.
ShardSet find_shard_set(std::span<const ShardRun> runs);

// What is wrong with the set, for people: a line each, with a newline in front.
std::string faults_text(const ShardSet& set);

// "1,3-5", as sbatch --array= has it.
std::string numbers_text(std::span<const std::uint32_t> ascending);

}  // namespace echoscan
