// What `echoscan doctor` is to look at: the ways to which targets, narrowed as a scan's are, and
// how deeply.
//
// Nothing is sent to the targets. When none are named, a documentation address (RFC 5737) stands
// for them, to which the route leads as to any other host of the Internet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/options/option_group.h"
#include "scanner/options/path_config.h"
#include "scanner/options/target_options.h"

namespace echoscan {

struct DoctorConfig {
  PathConfig path;
  TargetConfig target;
  bool as_json = false;
  bool read_only = false;  // XDP and AF_XDP are not tried
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan doctor`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<DoctorConfig> parse_doctor_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
