// The options of a scan as it has understood them, as a JSON object: for somebody who wants to
// repeat the scan, or to know what it was asked.
//
// Each has the name that it has on the command line; what is absent there has its default here, and
// what the scan chose by itself (the seed) is chosen. A key of the probes is no option and is not
// here. For a bundle without addresses the options that have some are null, and so is the command
// line.
#pragma once

#include <cstdint>
#include <string>

#include "scanner/options/scan_config.h"

namespace echoscan {

// Of a scan with --bundle; newline at the end.
std::string options_json(const ScanConfig& config, std::uint64_t seed);

}  // namespace echoscan
