// `echoscan aggregate`: lines of results, of any number of shards, into tables.
//
// What lines alone cannot say is asked for: how many were probed in all is in the scan's summary,
// how many in a network, country or system follows from its target lists (and the databases). Lists
// that are not the scan's are refused by the summary's digest, and where a scan did not probe all
// of its list there are no rates of groups, rather than wrong ones.
#pragma once

#include "scanner/options/aggregate_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Prints the tables on standard output, and nothing else; what is wrong with the lines is logged.
// Throws UserError.
ExitCode run_aggregate(const AggregateConfig& config);

}  // namespace echoscan
