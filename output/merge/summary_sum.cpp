#include "output/merge/summary_sum.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <span>
#include <tuple>

#include "output/merge/figure_sum.h"
#include "output/summary/equations.h"
#include "output/summary/pass_estimate.h"
#include "targets/shard.h"

namespace echoscan {
namespace {

constexpr std::size_t kListedMax = 10;  // repeaters and responders
constexpr std::size_t kEventsMax = 1000;

using Runs = std::span<const ShardRun* const>;

// Each text once, in the order of the shards.
template <typename Text>
std::string each_once(Runs runs, const Text& text) {
  std::vector<std::string> texts;
  for (const ShardRun* run : runs)
    if (const std::string& its = text(run->summary);
        !its.empty() && std::ranges::find(texts, its) == texts.end())
      texts.push_back(its);
  return fmt::format("{}", fmt::join(texts, ", "));
}

// Where no shard has walked, in steps of the whole order over all passes.
std::vector<Summary::Steps> steps_left(const ShardSet& set) {
  const std::uint64_t passes = set.chosen.front()->summary.order.passes;
  std::vector<Summary::Steps> left;
  for (const std::uint32_t shard : set.missing) {
    const StepRange own = shard_steps({shard, set.shards}, set.steps);
    for (std::uint64_t pass = 0; pass < passes; ++pass)
      left.push_back({pass * set.steps + own.begin, pass * set.steps + own.end});
  }
  for (const ShardRun* run : set.chosen) {
    const Summary::Order& order = run->summary.order;
    const std::uint64_t own_steps = order.step_end - order.step_begin;
    for (Summary::Steps steps : order.left) {
      while (steps.begin < steps.end) {
        const std::uint64_t pass = steps.begin / own_steps;
        const std::uint64_t end = std::min(steps.end, (pass + 1) * own_steps);
        const std::uint64_t base = pass * set.steps + order.step_begin - pass * own_steps;
        left.push_back({base + steps.begin, base + end});
        steps.begin = end;
      }
    }
  }
  std::ranges::sort(left, {}, &Summary::Steps::begin);
  std::vector<Summary::Steps> joined;
  for (const Summary::Steps& steps : left)
    if (!joined.empty() && joined.back().end == steps.begin)
      joined.back().end = steps.end;
    else
      joined.push_back(steps);
  return joined;
}

Summary::Order order_of(const ShardSet& set) {
  Summary::Order order = set.chosen.front()->summary.order;
  order.shard = 0;
  order.shards = 1;
  order.step_begin = 0;
  order.step_end = set.steps;
  order.left = steps_left(set);
  return order;
}

Summary::Merge merge_of(const ShardSet& set) {
  Summary::Merge merge;
  merge.missing = set.missing;
  const Summary::Order order = order_of(set);
  std::uint64_t left = 0;
  for (const Summary::Steps& steps : order.left) left += steps.end - steps.begin;
  const double steps = static_cast<double>(order.step_end) * order.passes;
  merge.covered = 1 - static_cast<double>(left) / steps;
  for (const ShardRun* run : set.chosen) {
    const Summary& summary = run->summary;
    merge.shards.push_back({.shard = summary.order.shard,
                            .scan_id = summary.scan_id,
                            .file = run->file,
                            .origin = summary.origin,
                            .outcome = summary.outcome,
                            .started_ms = summary.started_ms,
                            .ended_ms = summary.ended_ms,
                            .legs = summary.legs.size(),
                            .targets = summary.targets.count,
                            .sent = summary.ledger.sent,
                            .replied = summary.ledger.replied,
                            .lines = summary.output.lines});
  }
  return merge;
}

// Those without a way are no part of the population, and each machine has ways of its own: most
// that any could ask.
Summary::Response response_of_all(Runs runs, const Summary::Ledger& ledger) {
  std::uint64_t probed = 0;
  std::uint64_t population = 0;
  for (const ShardRun* run : runs) {
    probed += run->summary.response.probed;
    population = std::max(population, run->summary.response.population);
  }
  return response_of(ledger.replied, probed, population);
}

Summary::Passes passes_of(const ShardSet& set) {
  Summary::Passes sum;
  for (const ShardRun* run : set.chosen) {
    const Summary::Passes& passes = run->summary.passes;
    if (sum.why_no_estimate.empty()) sum.why_no_estimate = passes.why_no_estimate;
    sum.unknown += passes.unknown;
    sum.each.resize(std::max(sum.each.size(), passes.each.size()));
    for (std::size_t i = 0; i < passes.each.size(); ++i) {
      sum.each[i].sent += passes.each[i].sent;
      add(sum.each[i].answers, passes.each[i].answers);
    }
    add_each(sum.histories, passes.histories);
  }
  const bool is_comparable = sum.why_no_estimate.empty();
  for (Summary::Pass& pass : sum.each) settle_loss(pass.answers, is_comparable);
  if (sum.histories.empty() || !is_comparable) return sum;
  const AnsweringEstimate estimate = estimate_answering(sum.histories);
  sum.estimate = {estimate.targets, estimate.standard_error, estimate.chao_targets};
  return sum;
}

// Where each shard has a group of its own.
std::optional<Summary::Control> control_of(Runs runs) {
  Summary::Control sum;
  for (const ShardRun* run : runs) {
    const std::optional<Summary::Control>& control = run->summary.control;
    if (!control) return std::nullopt;
    sum.targets += control->targets;
    sum.rate_pps += control->rate_pps;
    sum.both += control->both;
    sum.only_slowly += control->only_slowly;
    sum.only_at_full_rate += control->only_at_full_rate;
    sum.neither += control->neither;
    sum.is_complete = sum.is_complete && control->is_complete;
  }
  settle(sum);
  return sum;
}

// Labels and ways: those of one name are one, most targets first.
template <typename Group, typename Name>
std::vector<Group> groups_of(Runs runs, std::vector<Group> Summary::*groups, bool is_comparable,
                             const Name& name) {
  std::map<decltype(name(Group())), Group> by_name;
  for (const ShardRun* run : runs)
    for (const Group& group : run->summary.*groups) {
      const auto [place, is_new] = by_name.try_emplace(name(group), group);
      if (is_new) continue;
      Group& sum = place->second;
      sum.targets += group.targets;
      sum.sent += group.sent;
      sum.replied += group.replied;
      sum.passes.resize(std::max(sum.passes.size(), group.passes.size()));
      for (std::size_t i = 0; i < group.passes.size(); ++i) add(sum.passes[i], group.passes[i]);
    }
  std::vector<Group> sums;
  for (auto& [key, group] : by_name) {
    for (Summary::PassAnswers& answers : group.passes) settle_loss(answers, is_comparable);
    sums.push_back(std::move(group));
  }
  std::ranges::stable_sort(sums, std::greater(), &Group::targets);
  return sums;
}

Summary::Sending sending_of(Runs runs) {
  std::vector<Summary::Sending> sendings;
  for (const ShardRun* run : runs) sendings.push_back(run->summary.sending);
  Summary::Sending sum = sum_sendings(sendings);
  const auto once = [runs](std::string Summary::Sending::*text) {
    return each_once(runs, [text](const Summary& summary) { return summary.sending.*text; });
  };
  sum.interface = once(&Summary::Sending::interface);
  sum.source = once(&Summary::Sending::source);
  sum.gateway = once(&Summary::Sending::gateway);
  sum.ttl = runs.front()->summary.sending.ttl;
  sum.tos = runs.front()->summary.sending.tos;
  sum.payload_bytes = runs.front()->summary.sending.payload_bytes;
  sum.source_addresses = runs.front()->summary.sending.source_addresses;
  return sum;
}

Summary::Receiving receiving_of(Runs runs, std::int64_t started_ms) {
  Summary::Receiving sum = runs.front()->summary.receiving;
  for (const ShardRun* run : runs.subspan(1)) add(sum, run->summary.receiving);
  sum.mode = each_once(runs, [](const Summary& summary) { return summary.receiving.mode; });
  std::vector<ShiftedSeries> by_time;
  std::vector<ShiftedSeries> late;
  for (const ShardRun* run : runs) {
    const auto seconds = static_cast<std::uint64_t>(
                             std::max<std::int64_t>(run->summary.started_ms - started_ms, 0)) /
                         1000;
    by_time.push_back({seconds, run->summary.receiving.replied_by_time});
    late.push_back({0, run->summary.receiving.replied_late});
  }
  sum.replied_by_time = sum_series(by_time);
  sum.replied_late = sum_series(late);
  std::ranges::stable_sort(sum.top_repeaters, std::greater(), &Summary::Repeater::repeats);
  std::ranges::stable_sort(sum.top_responders, std::greater(), &Summary::Responder::replies);
  sum.top_repeaters.resize(std::min(sum.top_repeaters.size(), kListedMax));
  sum.top_responders.resize(std::min(sum.top_responders.size(), kListedMax));
  return sum;
}

void add_events(Runs runs, Summary& sum) {
  for (const ShardRun* run : runs) {
    const double later_s = static_cast<double>(run->summary.started_ms - sum.started_ms) / 1e3;
    for (const Summary::Event& event : run->summary.events)
      sum.events.push_back({later_s + event.seconds,
                            fmt::format("shard {}: {}", run->summary.order.shard, event.what),
                            event.consequence});
    sum.events_left_out += run->summary.events_left_out;
    sum.messages_dropped += run->summary.messages_dropped;
  }
  std::ranges::stable_sort(sum.events, {}, &Summary::Event::seconds);
  if (sum.events.size() <= kEventsMax) return;
  sum.events_left_out += sum.events.size() - kEventsMax;
  sum.events.resize(kEventsMax);
}

}  // namespace

Summary sum_summaries(const ShardSet& set, const MergedLines& lines) {
  const Runs runs(set.chosen);
  const Summary& first = runs.front()->summary;
  Summary sum;
  sum.version = first.version;
  sum.notes = first.notes;
  sum.user_metadata = first.user_metadata;
  sum.outcome = set.missing.empty() && set.unfinished.empty() ? "finished" : "partial";
  sum.started_ms = first.started_ms;
  sum.targets = first.targets;
  sum.lists = first.lists;
  sum.targets.count = 0;
  for (const ShardRun* run : runs) {
    sum.started_ms = std::min(sum.started_ms, run->summary.started_ms);
    sum.ended_ms = std::max(sum.ended_ms, run->summary.ended_ms);
    sum.targets.count += run->summary.targets.count;
    add(sum.ledger, run->summary.ledger);
    add(sum.output, run->summary.output);
  }
  sum.order = order_of(set);
  sum.response = response_of_all(runs, sum.ledger);
  sum.passes = passes_of(set);
  sum.control = control_of(runs);
  const bool is_comparable = sum.passes.why_no_estimate.empty();
  sum.labels = groups_of(runs, &Summary::labels, is_comparable,
                         [](const Summary::Label& label) { return label.name; });
  sum.ways = groups_of(runs, &Summary::ways, is_comparable, [](const Summary::Way& way) {
    return std::tuple(way.kind, way.interface, way.next_hop, way.source, way.method);
  });
  sum.sending = sending_of(runs);
  sum.receiving = receiving_of(runs, sum.started_ms);
  std::vector<Summary::Rtt> rtts;
  for (const ShardRun* run : runs) rtts.push_back(run->summary.rtt);
  sum.rtt = sum_rtts(rtts, lines.rtt);
  sum.output.bytes = lines.bytes;
  sum.legs = {{sum.started_ms, sum.ended_ms, sum.outcome, sum.ledger.sent, 0}};
  for (const ShardRun* run : runs)
    for (const Summary::Leg& leg : run->summary.legs) sum.legs.back().sent_again += leg.sent_again;
  sum.merge = merge_of(set);
  add_events(runs, sum);
  sum.ledger.faults = faults_of(summary_json(sum));
  return sum;
}

}  // namespace echoscan
