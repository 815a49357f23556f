// `echoscan merge`: the results and the summary of a scan whose shards ran by themselves.
//
// Everything is checked before anything is written: that the summaries are of one scan and of all
// its shards (output/merge/shard_set.h), then, while lines are copied, that each file has the lines
// that its summary counts. Files get their names when both are whole. docs/merge.md.
#pragma once

#include "scanner/options/merge_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {

// Throws UserError.
ExitCode run_merge(const MergeConfig& config);

}  // namespace echoscan
