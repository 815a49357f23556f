// A comparison as tables for people, as CSV, or as one JSON object.
//
// All three have the same rows. How many would answer is Chapman's estimate from the two scans as
// two samples, and always called a lower bound: losses that hit both are invisible, and whoever has
// gone between the scans looks like one who was lost. The standard error speaks of chance alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scanner/command/comparison.h"

namespace echoscan {

// What is said of one of the scans.
struct ComparedSide {
  std::string name;
  std::string outcome;
  std::string version;
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  std::uint64_t seed = 0;
  std::uint64_t asked = 0;
  std::uint64_t replied = 0;  // of these; only those that both have asked are compared
};

struct ComparisonReport {
  ComparedSide first;
  ComparedSide second;
  std::string digest;
  std::uint64_t targets = 0;  // on the lists, asked or not
  std::vector<Grouping> groupings;
  std::size_t rows_max = 0;  // rows of each table, most changed first; 0: all
};

std::string comparison_text(const Comparison& comparison, const ComparisonReport& report);
std::string comparison_csv(const Comparison& comparison, const ComparisonReport& report);
std::string comparison_json(const Comparison& comparison, const ComparisonReport& report);

}  // namespace echoscan
