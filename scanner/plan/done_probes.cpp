#include "scanner/plan/done_probes.h"

#include <algorithm>
#include <array>
#include <span>

#include "targets/label_tally.h"
#include "targets/skipped_steps.h"
#include "targets/target_cursor.h"

namespace echoscan {
namespace {

constexpr std::size_t kDoneBatchSize = 1024;

// Steps of one pass that are done, as exponents of the order.
struct DoneSteps {
  std::uint64_t pass = 0;
  StepRange exponents;
};

std::vector<DoneSteps> done_steps(StepRange shard, unsigned passes,
                                  const std::vector<StepRange>& pending) {
  const std::uint64_t pass_steps = shard.end - shard.begin;
  std::vector<DoneSteps> done;
  for (StepRange range : steps_outside(pending, {0, pass_steps * passes})) {
    while (range.begin < range.end) {
      const std::uint64_t pass = range.begin / pass_steps;
      const std::uint64_t end = std::min(range.end, (pass + 1) * pass_steps);
      const std::uint64_t offset = shard.begin - pass * pass_steps;  // modulo 2^64
      done.push_back({pass, {range.begin + offset, end + offset}});
      range.begin = end;
    }
  }
  return done;
}

// By the number of a way's label, whether it leads nowhere.
std::vector<bool> ways_without(const TargetPlan& plan) {
  std::vector<bool> without{false};
  for (const WayShare& share : plan.ways.shares) without.push_back(is_unroutable(share.way));
  return without;
}

}  // namespace

DoneProbes count_done(const TargetPlan& plan, unsigned passes,
                      const std::vector<StepRange>& pending) {
  DoneProbes done;
  done.sent_by_pass.resize(passes);
  const SkippedSteps skipped(plan.permutation);
  LabelTally by_label(plan.labels);
  LabelTally by_way(plan.ways.map);
  const std::vector<bool> is_without = ways_without(plan);
  const bool has_to_walk = !by_label.empty() || !by_way.empty();
  TargetCursor cursor(plan.targets, plan.permutation);
  std::array<Ipv4, kDoneBatchSize> batch;
  for (const DoneSteps& steps : done_steps(plan.steps, passes, pending)) {
    const std::uint64_t drawn =
        skipped.targets_before(steps.exponents.end) - skipped.targets_before(steps.exponents.begin);
    std::uint64_t sent = drawn;
    if (has_to_walk) cursor.seek(steps.exponents.begin, steps.exponents.end);
    while (has_to_walk && !cursor.done()) {
      const std::size_t count = cursor.next(batch);
      for (const Ipv4 address : std::span(batch).first(count)) {
        if (is_without[by_way.label_of(address)]) {
          --sent;
          continue;
        }
        by_label.add(address);
        by_way.add(address);
      }
    }
    done.drawn += drawn;
    done.sent += sent;
    done.sent_by_pass[steps.pass] += sent;
    done.passed_over += drawn - sent;
  }
  done.sent_by_label = by_label.counts();
  done.sent_by_way = by_way.counts();
  return done;
}

void for_each_asked(const TargetSet& targets, const Permutation& permutation, StepRange steps,
                    const std::vector<StepRange>& pending,
                    const std::function<void(std::span<const Ipv4>)>& use) {
  const std::uint64_t pass_steps = steps.end - steps.begin;
  std::vector<StepRange> first_pass;
  for (const StepRange& range : pending)
    if (range.begin < pass_steps)
      first_pass.push_back({range.begin, std::min(range.end, pass_steps)});
  TargetCursor cursor(targets, permutation);
  std::array<Ipv4, kDoneBatchSize> batch;
  for (const DoneSteps& done : done_steps(steps, 1, first_pass)) {
    cursor.seek(done.exponents.begin, done.exponents.end);
    while (!cursor.done()) use(std::span<const Ipv4>(batch).first(cursor.next(batch)));
  }
}

std::string digest_without_way(const TargetPlan& plan) {
  if (plan.unroutable_count == 0 && plan.ways.map.empty()) return {};
  const std::vector<bool> is_without = ways_without(plan);
  std::vector<AddressRange> without;
  for (const LabelledRange& range : plan.ways.map.label_ranges(plan.targets.ranges()))
    if (is_without[range.label]) without.push_back(range.range);
  return without.empty() ? "" : digest_of(merge_ranges(std::move(without)));
}

}  // namespace echoscan
