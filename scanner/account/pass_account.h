// The ledger's part about passes: what each has sent and heard, and what that says of losses.
//
// Losses and the estimate of who would answer need passes that asked the same targets. Where a scan
// ended before its order did, or asked only those who had not replied (--retry), they are left out
// and the summary says why: a target that was not asked would pass for a loss.
#pragma once

#include "output/summary/summary.h"
#include "scanner/account/snapshot.h"
#include "scanner/options/order_config.h"
#include "scanner/plan/done_probes.h"

namespace echoscan {

// Of the scan whose ledger that is; empty where no histories are kept.
Summary::Passes passes_of(const OrderConfig& order, const Summary::Ledger& ledger,
                          const Tallies& tallies, const DoneProbes& done);

// What the control group says of the rate; none without one.
std::optional<Summary::Control> control_of(const Tallies& tallies);

// The same of targets with these counts by history, as far as `passes` has it of all.
std::vector<Summary::PassAnswers> pass_answers(const std::vector<std::uint64_t>& histories,
                                               const Summary::Passes& passes);

}  // namespace echoscan
