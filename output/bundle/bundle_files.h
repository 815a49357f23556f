// The files of a bundle's payload, by the names that scan, verify and compare know them by.
//
// docs/bundle.md says what is in each. A bundle has one of the files of results: which one says
// their form, and whether addresses are in it.
#pragma once

namespace echoscan::bundle_files {

inline constexpr const char* kJsonResults = "results.jsonl.zst";
inline constexpr const char* kCsvResults = "results.csv.zst";
inline constexpr const char* kAddressResults = "results.txt.zst";
inline constexpr const char* kSlash24Results = "results-slash24.csv";  // counts, no addresses
inline constexpr const char* kSummary = "summary.json";
inline constexpr const char* kOptions = "options.json";
inline constexpr const char* kTargets = "targets.txt";
inline constexpr const char* kDoctor = "doctor.json";
inline constexpr const char* kLog = "log.txt";
inline constexpr const char* kReport = "report.html";  // of results that are JSON lines
inline constexpr const char* kVersion = "version.txt";

}  // namespace echoscan::bundle_files
