// What the earlier legs of a resumed scan have done, counted by the plan: everything outside the
// steps that are left.
//
// A step that is done had a target without a way, or its probe has left: what did not leave for
// another reason stays among the steps that are left. So no leg has to write down who it sent to;
// the order says it. The walk takes some 30 ns a target where labels or ways are counted, and
// nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "scanner/plan/target_plan.h"
#include "targets/step_ranges.h"

namespace echoscan {

struct DoneProbes {
  [[nodiscard]] std::uint64_t first_pass() const {
    return sent_by_pass.empty() ? 0 : sent_by_pass.front();
  }

  std::uint64_t drawn = 0;
  std::uint64_t sent = 0;
  std::uint64_t passed_over = 0;             // drawn, and without a way
  std::vector<std::uint64_t> sent_by_pass;   // one for each; empty without earlier legs
  std::vector<std::uint64_t> sent_by_label;  // empty without labels
  std::vector<std::uint64_t> sent_by_way;    // empty with one way for all
};

// Counts what is done of the shard's steps over all passes, less the set `pending`.
DoneProbes count_done(const TargetPlan& plan, unsigned passes,
                      const std::vector<StepRange>& pending);

// Calls `use` with the targets that the first pass over the shard's steps has asked, a batch at a
// time: all less those of `pending`, a set of steps over all passes. Some 3 ns a target.
void for_each_asked(const TargetSet& targets, const Permutation& permutation, StepRange steps,
                    const std::vector<StepRange>& pending,
                    const std::function<void(std::span<const Ipv4>)>& use);

// Names the targets that no way leads to: the digest of their ranges; empty when there are none.
std::string digest_without_way(const TargetPlan& plan);

}  // namespace echoscan
