// A scan's counters as a page for Prometheus, in its text format (0.0.4).
//
// Names are those of the conventions: the program in front, base units, `_total` behind what only
// grows. The figures are read a moment apart from each other while threads count, and one that is
// made of two may seem to fall by a few; a reader would take that for a restart and count all of it
// again. So the page remembers what it has said, and no counter of it ever falls. docs/metrics.md
// has each metric and the summary's key that it equals at the end. Rejected: prometheus-cpp, which
// is no Debian 12 package for more than the server that it brings. One thread.
#pragma once

#include <map>
#include <string>

#include "scanner/account/progress.h"
#include "scanner/account/snapshot.h"

namespace echoscan {

class MetricPage {
 public:
  // The page for this snapshot, of which `progress` was made.
  std::string make(const Snapshot& snapshot, const Progress& progress);

 private:
  struct Writer;

  std::map<std::string, double> said_;  // by name and labels: counters alone
};

}  // namespace echoscan
