// Draws the scan_id of a scan that begins (output/result/scan_id.h).
//
// It is drawn by itself and follows from nothing: one made of the seed would be the same for every
// scan of that seed, and one made of the probes' key would say something of the key. A scan that
// goes on takes its checkpoint's instead, and each shard has its own.
#pragma once

#include "output/result/scan_id.h"

namespace echoscan {

// Throws std::system_error when the kernel has no random bytes.
ScanId random_scan_id();

}  // namespace echoscan
