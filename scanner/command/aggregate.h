// `echoscan aggregate`: tables of the results of any number of shards.
//
// Lines of results do not say how many targets were probed. The scan's summary says how many in
// all; its target lists, with the databases, say how many in a network, country or system. Lists
// that are not the scan's are refused by the summary's digest. Where a scan did not probe all of
// its lists, the order says whom it did (asked_targets.h), and rates have intervals.
#pragma once

#include "scanner/options/aggregate_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Prints the tables on standard output, and nothing else there; logs what is wrong with the lines.
// Throws UserError.
ExitCode run_aggregate(const AggregateConfig& config);

}  // namespace echoscan
