// An aggregate as tables for people, as CSV, or as one JSON object.
//
// One list of rows for all three: the text form shows the first few of each table, the others all.
// A response rate needs to know how many were asked, which lines cannot say: what was probed comes
// from the scan's summary (total) and its target lists (groups), and is absent otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "output/aggregate/aggregate.h"

namespace echoscan {

struct AggregateReport {
  std::uint64_t files = 0;
  std::uint64_t lines = 0;
  std::uint64_t malformed = 0;
  std::optional<std::uint64_t> targets;  // probed
  // Probed, by group; groups beside them have none. Empty when not known.
  std::unordered_map<std::uint32_t, std::uint64_t> targets_by_number[kGroupings];
  std::unordered_map<std::string, std::uint64_t> targets_by_name[kGroupings];
  std::size_t rows_max = 0;  // of each table, those with most replies; 0: all
};

std::string aggregate_text(const Aggregate& aggregate, const AggregateReport& report);
std::string aggregate_csv(const Aggregate& aggregate, const AggregateReport& report);
std::string aggregate_json(const Aggregate& aggregate, const AggregateReport& report);

}  // namespace echoscan
