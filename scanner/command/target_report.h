// `echoscan targets`: what a scan with the same options would probe, in counts, by label, or range
// by range.
//
// It shares options and lists with the scan, so that the two cannot disagree; it sends nothing and
// needs no privileges. The report goes to standard output. With --list as text, the ranges alone go
// there, as a list that can be read again, and the report goes to standard error.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "scanner/network/way_partition.h"
#include "scanner/options/target_report_config.h"
#include "scanner/plan/target_selection.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// What a scan with these options would come to.
struct ScanOutlook {
  std::uint64_t targets = 0;     // asked
  std::uint64_t population = 0;  // left over by the lists
  unsigned passes = 1;
  std::uint64_t probes = 0;
  bool is_at_most = false;  // --retry asks fewer
  double rate_pps = 0;      // 0: max
  double seconds = 0;       // of sending; 0 with max
};

ScanOutlook outlook_of(const TargetReportConfig& config, std::uint64_t population);

// The report, newline at the end. `ways`: of what is left, as find_ways gives them for this host.
// `outlook` may be null.
std::string target_report_text(const TargetSelection& selection, std::span<const WayShare> ways,
                               const ScanOutlook* outlook = nullptr);
std::string target_report_json(const TargetSelection& selection, std::span<const WayShare> ways,
                               bool with_ranges, const ScanOutlook* outlook = nullptr);

// Writes a line for each range, with its label, in pieces of some 64 KiB. Without labels it is the
// text whose SHA-256 is the digest.
void write_range_lines(std::span<const AddressRange> ranges, const LabelMap& labels,
                       const std::function<void(std::string_view)>& write);

// Prints the report. Throws UserError when a list is wrong, when no target is left (after the
// report has said why), or when standard output cannot be written.
ExitCode run_target_report(const TargetReportConfig& config);

}  // namespace echoscan
