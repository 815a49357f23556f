// A scan as `echoscan compare` needs it: its summary, and who has replied, read from a bundle or
// from a file of results.
//
// Results may be JSON lines, CSV or addresses, plain or packed; the first line says which. Errors
// and repeats are passed over. As many must have replied as the summary says, or the scans are not
// compared: a file that is cut, a shard that is missing or lines whose kind --fields has left out
// would look like hosts that are gone. 4 bytes a reply.
#pragma once

#include <string>
#include <vector>

#include "output/summary/summary.h"
#include "targets/address.h"

namespace echoscan {

struct ComparedScan {
  std::string name;  // as it was given
  Summary summary;
  std::vector<Ipv4> replied;  // ascending, each once
  std::string list;           // of its targets, in its bundle; empty: it is none
};

// Whether a path is a bundle's, which has a summary of its own.
bool is_bundle(const std::string& path);

// `summary`: the summary's path; of a bundle it is not looked at. Throws UserError.
ComparedScan read_compared_scan(const std::string& path, const std::string& summary);

}  // namespace echoscan
