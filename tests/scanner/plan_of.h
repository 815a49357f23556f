// The plan of a scan, made from its arguments as `echoscan scan` makes it.
//
// Tests that need targets, order and labels take them from here, so that they run on what a command
// line gives, and not on a plan put together by hand.
#pragma once

#include <string>
#include <vector>

#include "scanner/options/scan_config.h"
#include "scanner/plan/target_plan.h"

namespace echoscan {

// Of this machine's own list of exclusions no test depends.
inline TargetPlan plan_of(ScanConfig config) {
  config.target.system_exclude_file.clear();
  return plan_targets(config.target, config.order);
}

// Throws UserError as parse_scan_config() and plan_targets() do.
inline TargetPlan plan_of(const std::vector<std::string>& arguments) {
  return plan_of(parse_scan_config(arguments).value());
}

}  // namespace echoscan
