// What `echoscan doctor` is to look at: which interface, the route to whom, and how deeply.
//
// The destination stands for the targets of a scan, of which the doctor has none; nothing is sent
// to it. Its default is a documentation address (RFC 5737), to which the route leads as to any
// other host of the Internet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/options/option_group.h"
#include "targets/address.h"

namespace echoscan {

struct DoctorConfig {
  std::string interface_name;    // empty: the one that the route leaves by
  Ipv4 destination{0xcb007101};  // 203.0.113.1
  bool as_json = false;
  bool read_only = false;  // XDP and AF_XDP are not tried
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan doctor`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<DoctorConfig> parse_doctor_config(const std::vector<std::string>& arguments);

}  // namespace echoscan
