#include "scanner/command/asked_targets.h"

#include <algorithm>
#include <span>
#include <string>

#include "scanner/plan/done_probes.h"
#include "targets/permutation.h"

namespace echoscan {
namespace {

struct NetworkGrouping {
  Grouping grouping;
  unsigned host_bits;
};
constexpr NetworkGrouping kNetworkGroupings[] = {
    {Grouping::slash8, 24}, {Grouping::slash16, 16}, {Grouping::slash24, 8}};

auto& by_number(AggregateReport& report, Grouping grouping) {
  return report.targets_by_number[static_cast<std::size_t>(grouping)];
}
auto& by_name(AggregateReport& report, Grouping grouping) {
  return report.targets_by_name[static_cast<std::size_t>(grouping)];
}

void count_networks(const Aggregate& aggregate, std::span<const AddressRange> ranges,
                    NetworkGrouping networks, AggregateReport& report) {
  for (const auto& [first, group] : aggregate.by_number(networks.grouping)) {
    const std::uint32_t last = first | ((std::uint32_t{1} << networks.host_bits) - 1);
    auto range = std::partition_point(
        ranges.begin(), ranges.end(),
        [first = first](const AddressRange& each) { return each.last.value < first; });
    std::uint64_t count = 0;
    for (; range != ranges.end() && range->first.value <= last; ++range)
      count += std::uint64_t{std::min(last, range->last.value)} -
               std::max(first, range->first.value) + 1;
    by_number(report, networks.grouping)[first] = {count, count};
  }
}

// Adds to a group; its population as well, since all are asked.
void add_all(TargetCount& group, std::uint64_t count) {
  group.probed += count;
  group.population = group.population.value_or(0) + count;
}

void count_places(std::span<const AddressRange> ranges, const GeoTable& geo,
                  AggregateReport& report) {
  const std::vector<GeoTable::Network>& networks = geo.networks();
  for (const AddressRange& range : ranges) {
    auto network = std::partition_point(
        networks.begin(), networks.end(),
        [&range](const GeoTable::Network& each) { return each.first <= range.first; });
    for (--network; network != networks.end() && network->first <= range.last; ++network) {
      const auto next = network + 1;
      const std::uint64_t end =
          next == networks.end() ? std::uint64_t{1} << 32 : std::uint64_t{next->first.value};
      const std::uint64_t count = std::min(end, std::uint64_t{range.last.value} + 1) -
                                  std::max(network->first.value, range.first.value);
      const GeoRecord record = geo.record(network->record);
      if (record.asn != 0) add_all(by_number(report, Grouping::asn)[record.asn], count);
      if (!record.country.empty())
        add_all(by_name(report, Grouping::country)[std::string(record.country)], count);
    }
  }
}

// Of groups that are known; nothing else is of interest.
template <typename Key>
void count_one(std::unordered_map<Key, TargetCount>& groups, const Key& key) {
  if (const auto group = groups.find(key); group != groups.end()) ++group->second.probed;
}

void count_targets(std::span<const Ipv4> targets, const GeoTable& geo, AggregateReport& report) {
  std::string country;
  for (const Ipv4 target : targets) {
    for (const NetworkGrouping& networks : kNetworkGroupings) {
      const std::uint32_t hosts = (std::uint32_t{1} << networks.host_bits) - 1;
      count_one(by_number(report, networks.grouping), target.value & ~hosts);
    }
    if (geo.is_empty()) continue;
    const GeoRecord place = geo.find(target);
    count_one(by_number(report, Grouping::asn), place.asn);
    country = place.country;
    count_one(by_name(report, Grouping::country), country);
  }
}

}  // namespace

bool has_own_order(const Summary& summary, std::uint64_t targets) {
  const Permutation permutation(targets, summary.order.seed);
  return permutation.prime() == summary.order.prime &&
         permutation.generator() == summary.order.generator &&
         permutation.start() == summary.order.start;
}

void for_each_asked(const Summary& summary, const TargetSet& targets,
                    const std::function<void(std::span<const Ipv4>)>& use) {
  const Summary::Order& order = summary.order;
  std::vector<StepRange> left;
  for (const Summary::Steps& steps : order.left) left.push_back({steps.begin, steps.end});
  for_each_asked(targets, Permutation(targets.size(), order.seed),
                 {order.step_begin, order.step_end}, left, use);
}

void count_groups(const Aggregate& aggregate, const TargetSet& targets, const LabelMap& labels,
                  const GeoTable& geo, AggregateReport& report) {
  for (const NetworkGrouping& networks : kNetworkGroupings)
    count_networks(aggregate, targets.ranges(), networks, report);
  if (!geo.is_empty()) count_places(targets.ranges(), geo, report);
  auto& by_label = by_name(report, Grouping::label);
  by_label.clear();
  const std::vector<std::uint64_t> counts = labels.count(targets.ranges());
  for (LabelId label = 0; label < counts.size(); ++label)
    if (label != kNoLabel)
      by_label[std::string(labels.text(label))] = {counts[label], counts[label]};
}

std::uint64_t count_asked(const std::vector<Summary>& summaries, const TargetSet& targets,
                          const LabelMap& labels, const GeoTable& geo, AggregateReport& report) {
  for (auto& groups : report.targets_by_number)
    for (auto& [key, group] : groups) group.probed = 0;
  for (auto& groups : report.targets_by_name)
    for (auto& [key, group] : groups) group.probed = 0;
  std::uint64_t asked = 0;
  std::vector<std::uint64_t> by_label(labels.empty() ? 0 : labels.label_count());
  for (const Summary& summary : summaries) {
    for_each_asked(summary, targets, [&](std::span<const Ipv4> batch) {
      asked += batch.size();
      count_targets(batch, geo, report);
      if (by_label.empty()) return;
      for (const Ipv4 target : batch) ++by_label[labels.label_of(target)];
    });
  }
  for (LabelId label = 1; label < by_label.size(); ++label)
    by_name(report, Grouping::label)[std::string(labels.text(label))].probed = by_label[label];
  return asked;
}

}  // namespace echoscan
