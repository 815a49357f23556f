// The options of a bundle: where the scan leaves all that somebody needs to check or repeat it, and
// what is said there of who has scanned, from where, and with whose leave.
//
// A bundle has one place for each thing, so the options that would put one of them elsewhere are
// refused beside it. It has no checkpoint: that holds the probes' keys, which must not be given
// away with the results. Rejected: a checkpoint beside the bundle, with results inside it, which
// would be whole only together.
#pragma once

#include <string>
#include <vector>

#include "scanner/options/option_group.h"

namespace echoscan {

struct OutputConfig;
struct ScanConfig;

// What of the addresses is in a bundle.
enum class Publication {
  full,     // all
  slash24,  // none: counts by /24
};

struct BundleConfig {
  std::string folder;  // empty: none is written
  Publication publication = Publication::full;
  std::string contact;  // these three as a user says them; empty: nothing is said
  std::string vantage;
  std::string ethics;

  [[nodiscard]] bool is_written() const { return !folder.empty(); }
  [[nodiscard]] bool is_coarse() const { return publication == Publication::slash24; }
};

// `config` must outlive the parsing.
void add_bundle_options(CLI::App& app, BundleConfig& config);

// Puts the results of a scan with --bundle where they belong. `given` are the options that were
// given. Throws UserError where some do not go together.
void settle_bundle(ScanConfig& config, const std::vector<std::string>& given);

// The name of a bundle's folder until it is whole.
std::string provisional_folder(const std::string& folder);

// The results' file in a bundle's `data`, before they become counts.
std::string bundle_results_name(const OutputConfig& output);

}  // namespace echoscan
