// `echoscan targets`: what a scan with the same options would probe, in counts, by label, or range
// by range.
//
// Shares options and lists with the scan, so that the two cannot disagree; sends nothing, and needs
// no privileges. The report goes to standard output; with --list as text that is the ranges alone,
// a list that can be read again, and the report goes to standard error.
#pragma once

#include <string>

#include "scanner/options/target_report_config.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// The report, newline at the end.
std::string target_report_text(const TargetSelection& selection);
std::string target_report_json(const TargetSelection& selection, bool with_ranges);

// A line for a range, with its label; without labels the text whose SHA-256 is the digest.
std::string range_lines(const TargetSelection& selection);

// Prints the report. Throws UserError when a list is wrong, when nothing is left (after the report
// has said why), or when standard output takes no more.
ExitCode run_target_report(const TargetReportConfig& config);

}  // namespace echoscan
