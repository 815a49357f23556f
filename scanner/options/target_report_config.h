// What `echoscan targets` is to report: the scan's target options, and the shape of the report.
//
// The file of --config may be a scan's: options that only the scan has are ignored, so that one
// file serves both commands.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/options/option_group.h"
#include "scanner/options/order_config.h"
#include "scanner/options/scan_config.h"
#include "scanner/options/target_options.h"

namespace echoscan {

enum class ReportFormat { text, json };

struct TargetReportConfig {
  TargetConfig target;
  OrderConfig order;
  PaceConfig pace;
  bool has_outlook = false;  // how long a scan would take, and what it would know
  ReportFormat format = ReportFormat::text;
  bool list_ranges = false;
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan targets`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<TargetReportConfig> parse_target_report_config(
    const std::vector<std::string>& arguments);

}  // namespace echoscan
