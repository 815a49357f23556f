#include "scanner/pipeline/control_group.h"

#include <algorithm>
#include <array>

#include "targets/target_cursor.h"

namespace echoscan {
namespace {

constexpr std::size_t kBatchSize = 256;

std::uint64_t pass_steps(const TargetPlan& plan) {
  return plan.steps.end - plan.steps.begin;
}

}  // namespace

ControlGroup::ControlGroup(const TargetPlan& plan, double percent, ProbeRate rate_pps,
                           std::uint64_t now_ns)
    : plan_(plan),
      steps_(steps_of_first(plan, part_of(plan.target_count, percent))),
      rate_pps_(rate_pps),
      pacer_(rate_pps, now_ns) {}

ControlAnswers ControlGroup::answers(const PassHistories& histories,
                                     const std::vector<StepRange>& left) const {
  constexpr unsigned kSlowly = 1;
  constexpr unsigned kAtFullRate = 2;
  ControlAnswers answers;
  answers.rate_pps = rate_pps_.pps();
  const std::uint64_t second = pass_steps(plan_);
  answers.is_complete = std::ranges::none_of(left, [&](const StepRange& steps) {
    return steps.begin < steps_ || (steps.begin < second + steps_ && steps.end > second);
  });
  TargetCursor cursor(plan_.targets, plan_.permutation);
  cursor.seek(plan_.steps.begin, plan_.steps.begin + steps_);
  std::array<Ipv4, kBatchSize> batch;
  while (!cursor.done()) {
    const std::size_t count = cursor.next(batch);
    answers.targets += count;
    for (std::size_t i = 0; i < count; ++i) {
      const std::optional<std::uint64_t> index = plan_.targets.index_of(batch[i]);
      const unsigned history = index ? histories.history_of(*index) : 0;
      const bool is_slowly = (history & kSlowly) != 0;
      const bool is_at_full_rate = (history & kAtFullRate) != 0;
      answers.both += is_slowly && is_at_full_rate ? 1 : 0;
      answers.only_slowly += is_slowly && !is_at_full_rate ? 1 : 0;
      answers.only_at_full_rate += !is_slowly && is_at_full_rate ? 1 : 0;
    }
  }
  return answers;
}

}  // namespace echoscan
