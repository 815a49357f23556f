#include "scanner/command/compared_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "output/aggregate/line_source.h"
#include "output/aggregate/result_reader.h"
#include "output/bundle/bundle_files.h"
#include "output/result/result_field.h"
#include "output/summary/figure_text.h"
#include "scanner/command/scan_record.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

namespace fs = std::filesystem;

using Syntax = ResultFormat::Syntax;

constexpr std::uint64_t kReservedMax = std::uint64_t{1} << 28;

[[noreturn]] void refuse_scan(const std::string& sentence) {
  throw UserError(ExitCode::bad_usage, sentence);
}

struct Form {
  Syntax syntax = Syntax::jsonl;
  std::vector<const ResultField*> fields;  // of CSV
};

// What the first line says of all. A file without a line is one without results.
Form form_of_file(const std::string& path) {
  const auto source = LineSource::open(path);
  if (!source) refuse_scan(source.error());
  std::string_view line;
  Form form;
  if (!(*source)->next(line)) return form;
  if (line.starts_with('{')) return form;
  form.syntax = Syntax::ip;
  if (parse_ipv4(line)) return form;
  form.syntax = Syntax::csv;
  while (true) {
    const std::size_t comma = line.find(',');
    const ResultField* const field = find_result_field(std::string(line.substr(0, comma)));
    if (field == nullptr)
      refuse_scan(
          fmt::format("'{}' has no results: its first line is neither an object, nor an "
                      "address, nor the names of fields",
                      path));
    form.fields.push_back(field);
    if (comma == line.npos) return form;
    line.remove_prefix(comma + 1);
  }
}

// Ascending, each once; `expected` have replied.
std::vector<Ipv4> read_replied(const std::string& path, std::uint64_t expected) {
  const Form form = form_of_file(path);
  auto reader = ResultReader::open(path, form.syntax, form.fields);
  if (!reader) refuse_scan(reader.error());
  std::vector<Ipv4> replied;
  // A list that grows takes twice as much; and a file may say anything.
  replied.reserve(std::min(expected, kReservedMax));
  for (ReadResult result; (*reader)->next(result); result = {}) {
    if (!result.has_target)
      refuse_scan(fmt::format("'{}' has results without a target (--fields)", path));
    if (!result.is_error && !result.is_repeat) replied.push_back(result.target);
  }
  if (!(*reader)->error().empty()) refuse_scan((*reader)->error());
  std::ranges::sort(replied);
  replied.erase(std::unique(replied.begin(), replied.end()), replied.end());
  return replied;
}

std::string results_of_bundle(const fs::path& payload) {
  if (fs::exists(payload / bundle_files::kSlash24Results))
    refuse_scan(fmt::format("'{}' was published by /24: nobody knows from it who has replied",
                            payload.parent_path().string()));
  for (const char* name :
       {bundle_files::kJsonResults, bundle_files::kCsvResults, bundle_files::kAddressResults})
    if (fs::exists(payload / name)) return (payload / name).string();
  refuse_scan(fmt::format("'{}' is no bundle: there are no results in its folder data",
                          payload.parent_path().string()));
}

}  // namespace

bool is_bundle(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

ComparedScan read_compared_scan(const std::string& path, const std::string& summary) {
  ComparedScan scan;
  scan.name = path;
  std::string results = path;
  if (is_bundle(path)) {
    const fs::path payload = fs::path(path) / "data";
    results = results_of_bundle(payload);
    scan.list = (payload / bundle_files::kTargets).string();
    scan.summary = read_summary_file((payload / bundle_files::kSummary).string());
  } else {
    scan.summary = read_summary_file(summary);
  }
  scan.replied = read_replied(results, scan.summary.ledger.replied);
  if (scan.replied.size() != scan.summary.ledger.replied)
    refuse_scan(fmt::format(
        "in '{}' {} targets have replied, and its summary says {}: whoever is "
        "missing would look like one who is gone",
        results, with_thousands(scan.replied.size()), with_thousands(scan.summary.ledger.replied)));
  return scan;
}

}  // namespace echoscan
