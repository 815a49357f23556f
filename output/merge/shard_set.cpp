#include "output/merge/shard_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "targets/shard.h"

namespace echoscan {
namespace {

constexpr std::size_t kSentencesMax = 20;  // of each kind

auto scan_of(const Summary& summary) {
  const Summary::Order& order = summary.order;
  return std::tuple(summary.targets.digest, order.seed, order.prime, order.generator, order.start,
                    order.n, order.passes, order.retries, order.first, order.shards);
}

// In what it differs from the scan that is meant: a clause.
std::string difference(const Summary& stranger, const Summary& meant) {
  const Summary::Order& its = stranger.order;
  const Summary::Order& order = meant.order;
  if (stranger.targets.digest != meant.targets.digest)
    return fmt::format("its list is another one ({}, not {})", stranger.targets.digest,
                       meant.targets.digest);
  if (its.seed != order.seed) return fmt::format("its --seed is {}, not {}", its.seed, order.seed);
  if (its.shards != order.shards)
    return fmt::format("it is one of {} shards, not of {}", its.shards, order.shards);
  if (its.passes != order.passes || its.retries != order.retries)
    return fmt::format("it has {} passes, {} of them retries, not {} and {}", its.passes,
                       its.retries, order.passes, order.retries);
  if (its.first != order.first)
    return fmt::format("its part of the order is the first {} targets, not {}", its.first,
                       order.first);
  return "its order is another one";
}

bool is_preferred(const Summary& run, const Summary& than) {
  return run.outcome == "finished" && than.outcome != "finished";
}

// The least number of steps of which each run has its shard's part, if there is one. That of the
// last shard is the number itself; without it any that fits leaves to those who are missing what
// nobody has.
std::uint64_t steps_of(const std::vector<const ShardRun*>& chosen) {
  std::uint64_t steps = 0;
  // The least number of which the first `part` shards end there.
  const auto least = [&](std::uint64_t end, std::uint64_t part, std::uint64_t shards) {
    if (part > 0) steps = std::max(steps, (end * shards + part - 1) / part);
  };
  for (const ShardRun* run : chosen) {
    const Summary::Order& order = run->summary.order;
    least(order.step_begin, order.shard, order.shards);
    least(order.step_end, order.shard + std::uint64_t{1}, order.shards);
  }
  return steps;
}

void add_sentences(const std::vector<std::string>& sentences, std::string& text) {
  for (std::size_t i = 0; i < std::min(sentences.size(), kSentencesMax); ++i)
    text += fmt::format("\n  {}", sentences[i]);
  if (sentences.size() > kSentencesMax)
    text += fmt::format("\n  and {} more like these", sentences.size() - kSentencesMax);
}

std::vector<std::string> unfinished_sentences(const ShardSet& set) {
  std::vector<std::string> sentences;
  for (const ShardRun* run : set.chosen)
    if (run->summary.outcome != "finished")
      sentences.push_back(fmt::format("'{}', shard {}, has not finished: {}", run->file,
                                      run->summary.order.shard, run->summary.outcome));
  return sentences;
}

}  // namespace

ShardSet find_shard_set(std::span<const ShardRun> runs) {
  std::map<decltype(scan_of(runs[0].summary)), std::size_t> sizes;
  for (const ShardRun& run : runs) ++sizes[scan_of(run.summary)];
  const ShardRun* meant = &runs[0];
  for (const ShardRun& run : runs)
    if (sizes[scan_of(run.summary)] > sizes[scan_of(meant->summary)]) meant = &run;

  ShardSet set;
  set.shards = meant->summary.order.shards;
  std::map<std::uint32_t, const ShardRun*> by_shard;
  std::map<std::uint32_t, std::vector<std::string>> files;
  for (const ShardRun& run : runs) {
    const std::uint32_t shard = run.summary.order.shard;
    if (scan_of(run.summary) != scan_of(meant->summary) || shard >= set.shards) {
      set.strangers.push_back(fmt::format("'{}' is of another scan than '{}': {}", run.file,
                                          meant->file, difference(run.summary, meant->summary)));
      continue;
    }
    for (const std::string& fault : run.summary.ledger.faults)
      set.damaged.push_back(fmt::format("'{}' does not add up: {}", run.file, fault));
    if (run.summary.output.lines_abandoned > 0)
      set.damaged.push_back(fmt::format("'{}' says that {} of its {} lines were not written",
                                        run.file, run.summary.output.lines_abandoned,
                                        run.summary.output.lines));
    files[shard].push_back(run.file);
    const ShardRun*& place = by_shard[shard];
    if (place == nullptr || is_preferred(run.summary, place->summary)) place = &run;
  }
  for (const auto& [shard, names] : files)
    if (names.size() > 1) {
      std::string text = fmt::format("shard {} is there {} times:", shard, names.size());
      for (const std::string& name : names) text += fmt::format(" '{}'", name);
      set.doubled.push_back(std::move(text));
    }
  for (std::uint32_t shard = 0; shard < set.shards; ++shard) {
    const auto found = by_shard.find(shard);
    if (found == by_shard.end()) {
      set.missing.push_back(shard);
      continue;
    }
    set.chosen.push_back(found->second);
    if (found->second->summary.outcome != "finished") set.unfinished.push_back(shard);
  }

  set.steps = steps_of(set.chosen);
  for (const ShardRun* run : set.chosen) {
    const Summary::Order& order = run->summary.order;
    const StepRange own = shard_steps({order.shard, order.shards}, set.steps);
    if (own != StepRange{order.step_begin, order.step_end})
      set.strangers.push_back(
          fmt::format("'{}' has the steps {} to {} of the order, where its shard and the others "
                      "leave {} to {}",
                      run->file, order.step_begin, order.step_end, own.begin, own.end));
  }
  return set;
}

std::string numbers_text(std::span<const std::uint32_t> ascending) {
  std::string text;
  for (std::size_t i = 0; i < ascending.size();) {
    std::size_t last = i;
    while (last + 1 < ascending.size() && ascending[last + 1] == ascending[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(ascending[i]);
    if (last > i) text += fmt::format("{}{}", last == i + 1 ? ',' : '-', ascending[last]);
    i = last + 1;
  }
  return text;
}

std::string faults_text(const ShardSet& set) {
  std::string text;
  add_sentences(set.strangers, text);
  add_sentences(set.damaged, text);
  add_sentences(set.doubled, text);
  add_sentences(unfinished_sentences(set), text);
  if (!set.missing.empty())
    text +=
        fmt::format("\n  {} of {} shards {} missing: --array={}", set.missing.size(), set.shards,
                    set.missing.size() == 1 ? "is" : "are", numbers_text(set.missing));
  if (!set.unfinished.empty())
    text += fmt::format("\n  to be gone on with: --array={}", numbers_text(set.unfinished));
  return text;
}

}  // namespace echoscan
