// `echoscan targets`: what a scan with the same options would probe, in counts, by label, or range
// by range.
//
// Shares options and lists with the scan, so that the two cannot disagree; sends nothing, and needs
// no privileges. The report goes to standard output; with --list as text that is the ranges alone,
// a list that can be read again, and the report goes to standard error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/options/option_group.h"
#include "scanner/options/target_options.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/user_error.h"

namespace echoscan {

enum class ReportFormat { text, json };

struct TargetReportConfig : TargetConfig {
  ReportFormat format = ReportFormat::text;
  bool list_ranges = false;
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan targets`. nullopt when they asked for help. Throws
// UserError.
std::optional<TargetReportConfig> parse_target_report_config(
    const std::vector<std::string>& arguments);

// The report, newline at the end.
std::string target_report_text(const TargetLists& lists);
std::string target_report_json(const TargetLists& lists, bool with_ranges);

// A line for a range, with its label; without labels the text whose SHA-256 is the digest.
std::string range_lines(const TargetLists& lists);

// Prints the report. Throws UserError when a list is wrong, when nothing is left (after the report
// has said why), or when standard output takes no more.
ExitCode run_target_report(const TargetReportConfig& config);

}  // namespace echoscan
