// What is written down of a scan beside its results, in the user's own words: notes, metadata, the
// log.
//
// They change nothing of the scan. An archive wants them in the summary, since whoever finds the
// file later has nothing else. Rejected: to take metadata as text, which jq could not look into.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace echoscan {

struct RecordConfig {
  std::string notes;          // empty: none
  std::string user_metadata;  // a JSON object's text; empty: none
  std::string log_file;       // empty: none
};

// Adds --notes, --user-metadata and --log-file. `config` must outlive the parsing.
void add_record_options(CLI::App& app, RecordConfig& config);

}  // namespace echoscan
