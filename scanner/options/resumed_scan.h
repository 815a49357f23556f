// The options of a scan that goes on: those of its first leg, from the checkpoint, and the few that
// may be given anew.
//
// Arguments are kept as they were typed, since only the parser knows what each means; those of this
// leg stand behind them, so that the last one counts as ever. They name files in the folder of the
// first leg, which becomes this process's. Rejected: every option as a member of the checkpoint,
// which would be a second list of options to be kept in step.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "scanner/checkpoint/checkpoint.h"
#include "scanner/network/source_pool.h"

namespace echoscan {

struct OutputConfig;
struct ScanConfig;

struct ResumedScan {
  Checkpoint checkpoint;
  std::vector<std::string> arguments;  // of the first leg, with this one's behind
  std::string from;                    // the folder in which this one was typed
};

// Reads the checkpoint of the results at `results`, this process's user's or `owner`'s, and changes
// to the folder of its first leg.
// Throws UserError when there is none, or when an option is `given` that would change what is
// probed or written.
ResumedScan open_resumed_scan(const std::string& results, const std::vector<std::string>& arguments,
                              const std::vector<std::string>& given, uid_t owner);
// What `path` named in the folder `from`; empty for no path.
std::string absolute_path(const std::string& from, const std::string& path);
// Refuses a leg that would ask targets from other sources than the first, whose arguments gave
// `begun`. An address instead of another is the way that a leg sends, and is its own affair.
void refuse_another_pool(const SourcePool& begun, const SourcePool& now);
// How these options write results.
ResultForm form_of(const OutputConfig& output);
// Gives the scan the checkpoint's order, and lets it go on behind its results. Throws UserError
// when it would write them otherwise than the first leg did: a file of --config may have changed,
// and another version may know more fields.
void take_place(Checkpoint checkpoint, ScanConfig& config);

}  // namespace echoscan
