// `echoscan compare`: two scans of the same targets, or the same targets from two vantage points,
// held against each other.
//
// Scans of other targets are refused: what one has not asked would look like a loss. So is a scan
// of which nobody can say whom it has asked. Where a scan asked a part, its order is walked again,
// and only those count whom both have asked.
#pragma once

#include "scanner/command/comparison.h"
#include "scanner/command/comparison_report.h"
#include "scanner/options/compare_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Two scans, as they stand against each other.
struct ComparedScans {
  Comparison comparison;
  ComparisonReport report;
};

// Reads both and counts. Throws UserError where they cannot be compared.
ComparedScans compare_scans(const CompareConfig& config);

// Prints the tables on standard output. Throws UserError.
ExitCode run_compare(const CompareConfig& config);

}  // namespace echoscan
