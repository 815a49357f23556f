#include "scanner/options/merge_config.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <string_view>

#include "scanner/options/named_files.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::string_view kSummaryEnding = ".json";
constexpr std::string_view kForms[] = {".jsonl", ".csv", ".txt", ".ndjson"};
constexpr std::string_view kPackings[] = {"", ".zst", ".gz"};

// "shard-0" of "shard-0.jsonl.zst".
std::string stem_of(std::string_view path) {
  for (const std::string_view packing : {".zst", ".gz"})
    if (path.ends_with(packing)) path.remove_suffix(packing.size());
  for (const std::string_view form : kForms)
    if (path.ends_with(form)) return std::string(path.substr(0, path.size() - form.size()));
  return std::string(path);
}

std::string results_beside(const std::string& summary) {
  const std::string stem = summary.substr(0, summary.size() - kSummaryEnding.size());
  std::error_code ignored;
  if (!std::filesystem::exists(summary, ignored))
    throw UserError(ExitCode::bad_usage, fmt::format("there is no summary '{}'", summary));
  std::string found;
  for (const std::string_view form : kForms)
    for (const std::string_view packing : kPackings) {
      const std::string path = fmt::format("{}{}{}", stem, form, packing);
      if (!std::filesystem::exists(path, ignored)) continue;
      if (!found.empty())
        throw UserError(ExitCode::bad_usage,
                        fmt::format("which are the results of '{}', '{}' or '{}'? give them, too",
                                    summary, found, path));
      found = path;
    }
  if (found.empty())
    throw UserError(ExitCode::bad_usage,
                    fmt::format("there are no results of '{}': they are looked for as {}.jsonl, "
                                ".csv or .txt, also with .zst or .gz behind",
                                summary, stem));
  return found;
}

// Each summary with its results.
std::vector<MergeConfig::Shard> pair_files(const std::vector<std::string>& files) {
  std::map<std::string, std::string> results_by_stem;
  std::vector<MergeConfig::Shard> shards;
  for (const std::string& file : files) {
    if (file.ends_with(kSummaryEnding)) {
      shards.push_back({file, ""});
      continue;
    }
    const auto [place, is_new] = results_by_stem.emplace(stem_of(file), file);
    if (!is_new)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("'{}' and '{}' are results of one name", place->second, file));
  }
  for (MergeConfig::Shard& shard : shards) {
    const auto named = results_by_stem.extract(
        shard.summary.substr(0, shard.summary.size() - kSummaryEnding.size()));
    shard.results = named ? named.mapped() : results_beside(shard.summary);
  }
  if (!results_by_stem.empty())
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("'{}' has no summary: '{}{}' is not given", results_by_stem.begin()->second,
                    results_by_stem.begin()->first, kSummaryEnding));
  return shards;
}

}  // namespace

std::optional<MergeConfig> parse_merge_config(const std::vector<std::string>& arguments) {
  MergeConfig config;
  std::vector<std::string> names;
  const Application app = make_application(
      "Makes one file of results and one summary of a scan's shards, if they are all there, each "
      "once.",
      "echoscan merge",
      "Exit status: 0 merged, 2 bad usage or input, 4 the results could not be written, 5 they are "
      "not\nthe shards of one scan, or not all of them: nothing is written.");
  OptionGroup group(*app, "Merge");
  group.arguments("FILE", "",
                  "Summaries, NAME.json; results are NAME.jsonl, .csv or .txt, also with .zst or "
                  ".gz, given or beside them",
                  names);
  group.text("-o,--output", "FILE", "The results of all; .zst and .gz are packed [-]", config.path);
  group.text("--summary", "FILE", "The summary of all", config.summary_path);
  group.flag("--partial",
             "Go on without shards that are missing or unfinished, and with the first of several "
             "runs of one; the summary says what share of the order is covered",
             [&config] { config.is_partial = true; });
  add_verbosity(group, config.verbosity);
  const std::optional<std::string> config_file =
      parse_arguments(*app, arguments, "Merge", ConfigFile::own_options);
  if (!config_file) return std::nullopt;
  config.shards = pair_files(names);
  if (config.shards.empty())
    throw UserError(ExitCode::bad_usage,
                    "no shards: give their summaries (see echoscan merge --help)");
  NamedFiles files;
  for (const MergeConfig::Shard& shard : config.shards)
    files.read("shards", {shard.summary, shard.results});
  files.read("--config", {*config_file});
  files.write("-o", config.path, OutputMode::document);
  files.write("--summary", config.summary_path, OutputMode::document);
  files.refuse_clashes();
  return config;
}

}  // namespace echoscan
