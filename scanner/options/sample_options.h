// The options that say how many targets are asked, how often and how fast: a scan's, and those of
// `echoscan targets`, which says beforehand what they come to.
//
// They are in one place so that the two commands read them alike.
#pragma once

#include "scanner/options/order_config.h"
#include "scanner/options/scan_config.h"

namespace echoscan {

// --max-targets. `config` must outlive the parsing, as in the others.
void add_max_targets(CLI::App& app, OrderConfig& config);
// --probes and --retry.
void add_passes(CLI::App& app, OrderConfig& config);
// --rate and --bandwidth.
void add_rate(CLI::App& app, PaceConfig& config);
// --pass-gap.
void add_pass_gap(CLI::App& app, PaceConfig& config);

// --control.
void add_control(CLI::App& app, OrderConfig& config);

// Of --rate and --bandwidth the lower one is the rate. `given` names the options that were given;
// probes are so many bytes longer than the shortest. Throws UserError.
void settle_rate(PaceConfig& pace, const std::vector<std::string>& given,
                 std::size_t padding_bytes);

// Makes passes of retries, and refuses what does not go together. Throws UserError.
void settle_passes(OrderConfig& order, const PaceConfig& pace);

}  // namespace echoscan
