// An aggregate as tables for people, as CSV, or as one JSON object.
//
// All three forms print the same rows, of which text shows the first few of each table. A response
// rate needs the number of targets that were probed, which lines cannot say: the scan's summary has
// it for the total, its target lists for the groups. Without them rates are absent. Where not all
// targets of a group were probed, those that were are a sample, and the rate has an interval.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "output/summary/share_interval.h"

namespace echoscan {

// Of a group, or of all.
struct TargetCount {
  std::uint64_t probed = 0;
  std::optional<std::uint64_t> population;  // that could have been; none: nobody knows
};

struct AggregateReport {
  std::uint64_t files = 0;
  std::uint64_t lines = 0;
  std::uint64_t malformed = 0;
  std::optional<TargetCount> targets;
  // The targets of each group; a group that is missing had none. Empty when not known.
  std::unordered_map<std::uint32_t, TargetCount> targets_by_number[kGroupings];
  std::unordered_map<std::string, TargetCount> targets_by_name[kGroupings];
  std::size_t rows_max = 0;  // rows of each table, most replies first; 0: all
};

// A group, ready to be printed.
struct AggregateRow {
  std::string name;
  std::string_view organisation;  // of an AS number
  const Aggregate::Group* group = nullptr;
  std::optional<TargetCount> targets;
  const RttHistogram* rtt = nullptr;  // of the total, instead of the group's sketch

  // The round-trip time that this share of the replies does not exceed.
  [[nodiscard]] std::uint64_t rtt_ns(double share) const;
  [[nodiscard]] double rtt_us(double share) const;
  // Of those that were probed.
  [[nodiscard]] std::optional<double> rate() const;
  // Of the rate, at 95 %; none where too few were probed.
  [[nodiscard]] std::optional<ShareInterval> interval() const;
  [[nodiscard]] bool is_sampled() const;
};

// The groups that have a result, most replies first; equal ones by name.
std::vector<AggregateRow> aggregate_rows(const Aggregate& aggregate, const AggregateReport& report,
                                         Grouping grouping);

std::string aggregate_text(const Aggregate& aggregate, const AggregateReport& report);
std::string aggregate_csv(const Aggregate& aggregate, const AggregateReport& report);
// The same, of some of the groupings.
std::string aggregate_csv(const Aggregate& aggregate, const AggregateReport& report,
                          const std::vector<Grouping>& groupings);
std::string aggregate_json(const Aggregate& aggregate, const AggregateReport& report);

}  // namespace echoscan
