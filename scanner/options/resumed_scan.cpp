#include "scanner/options/resumed_scan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "output/result/result_field.h"
#include "output/sink/file_place.h"
#include "scanner/checkpoint/checkpoint_file.h"
#include "scanner/options/scan_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

// What a leg may have of its own: how it sends, how long, and what it tells people.
constexpr std::string_view kOfEachLeg =
    " --resume --rate --bandwidth --per-slash24 --max-runtime --max-results --min-hit-rate "
    "--cooldown "
    "--pass-gap "
    "--method --interface --source-ip --gateway-mac --queues --link-timeout --busy-poll --summary "
    "--gateway --vlan --dpdk-args "
    "--status "
    "--status-file --log-file --notes --user-metadata --fail-if-silent --status-interval --metrics "
    "--verbose --quiet --checkpoint "
    "--checkpoint-interval --wait --user --no-sandbox --help ";

std::string working_directory() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::current_path(error);
  if (error)
    throw UserError(ExitCode::environment,
                    fmt::format("the working directory is not there: {}", error.message()));
  return path.string();
}

// The file that holds results of which a name beside them was given; empty: none was.
std::string results_of(const std::string& path) {
  for (const std::string_view ending : {".scan.answers", ".scan.part", ".scan", ".part"})
    if (path.ends_with(ending))
      if (std::string results = path.substr(0, path.size() - ending.size());
          access(checkpoint_path(results).c_str(), F_OK) == 0)
        return results;
  return {};
}

// Where the results are, or were begun.
FilePlace find_results(const std::string& from, const std::string& results) {
  const auto refuse_results = [&results](std::string_view reason) {
    throw UserError(ExitCode::bad_usage, fmt::format("--resume '{}': {}", results, reason));
  };
  if (results.empty()) throw UserError(ExitCode::bad_usage, "--resume: the name is empty");
  if (results == "-")
    refuse_results("nobody can go on behind standard output; name the file that -o had");
  const tl::expected<FilePlace, std::string> place = find_place(absolute_path(from, results));
  if (!place) refuse_results(place.error());
  if (place->name.empty()) refuse_results("it is a folder; name the results' file in it");
  if (place->is_opened) refuse_results("it is no regular file");
  if (const std::string meant = results_of(place->path()); !meant.empty())
    refuse_results(fmt::format("name the results themselves, '{}'", meant));
  return *place;
}

std::string joined(const std::vector<std::string>& names) {
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ","));
}

void refuse_another_form(const ResultForm& begun, const ResultForm& now) {
  const auto compare = [](std::string_view option, const std::string& before,
                          const std::string& after) {
    if (before != after)
      throw UserError(ExitCode::bad_usage,
                      fmt::format("--resume: the results were begun with {} {}, and it is {} now: "
                                  "nobody could read a file of both",
                                  option, before, after));
  };
  compare("--format", begun.format, now.format);
  compare("--fields", joined(begun.fields), joined(now.fields));
  compare("--emit", joined(begun.emit), joined(now.emit));
  compare("--repeat-cap", std::to_string(begun.repeat_cap), std::to_string(now.repeat_cap));
}

}  // namespace

std::string absolute_path(const std::string& from, const std::string& path) {
  if (path.empty() || path == "-") return path;
  return (std::filesystem::path(from) / path).string();
}

ResumedScan open_resumed_scan(const std::string& results, const std::vector<std::string>& arguments,
                              const std::vector<std::string>& given, uid_t owner) {
  for (const std::string& option : given)
    if (kOfEachLeg.find(fmt::format(" {} ", option)) == std::string_view::npos)
      throw UserError(
          ExitCode::bad_usage,
          fmt::format("--resume: {} cannot be given anew: what is probed, and how it is "
                      "written, is that of the first leg",
                      option));
  ResumedScan resumed;
  resumed.from = working_directory();
  const FilePlace place = find_results(resumed.from, results);
  tl::expected<Checkpoint, std::string> checkpoint = load_checkpoint(place.path(), owner);
  if (!checkpoint) throw UserError(ExitCode::bad_usage, "--resume: " + checkpoint.error());
  if (checkpoint->legs.back().why == kFinishedLeg)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--resume: the scan of '{}' has finished", place.path()));
  resumed.checkpoint = std::move(*checkpoint);
  // The results may have been moved, with their checkpoint beside them.
  resumed.checkpoint.results = place.path();
  resumed.arguments = resumed.checkpoint.arguments;
  resumed.arguments.insert(resumed.arguments.end(), arguments.begin(), arguments.end());
  if (chdir(resumed.checkpoint.directory.c_str()) != 0)
    throw UserError(
        ExitCode::environment,
        fmt::format("--resume: the scan was begun in '{}', and its files are named from "
                    "there: {}",
                    resumed.checkpoint.directory, std::strerror(errno)));
  return resumed;
}

void refuse_another_pool(const SourcePool& begun, const SourcePool& now) {
  if (begun == now) return;
  const auto text = [](const SourcePool& pool) -> std::string {
    if (pool.empty()) return "one source";
    return fmt::format("{} sources, {} to {}", pool.size(), to_string(pool.addresses().front()),
                       to_string(pool.addresses().back()));
  };
  throw UserError(ExitCode::bad_usage,
                  fmt::format("--resume: the scan was begun from {}, and --source-ip names {}: "
                              "targets would be asked from another address than before",
                              text(begun), text(now)));
}

ResultForm form_of(const OutputConfig& output) {
  using Syntax = ResultFormat::Syntax;
  ResultForm form;
  form.format = output.syntax == Syntax::jsonl  ? "jsonl"
                : output.syntax == Syntax::csv  ? "csv"
                : output.syntax == Syntax::text ? "text"
                                                : "ip";
  for (const ResultField* field : output.fields) form.fields.emplace_back(field->name);
  if (output.fields.empty() && output.syntax != Syntax::ip && output.syntax != Syntax::text)
    for (const ResultField& field : kResultFields) form.fields.emplace_back(field.name);
  if (output.emission.errors) form.emit.emplace_back("errors");
  if (output.emission.repeats) form.emit.emplace_back("repeats");
  form.repeat_cap = output.emission.repeat_cap;
  return form;
}

void take_place(Checkpoint checkpoint, ScanConfig& config) {
  refuse_another_form(checkpoint.form, form_of(config.output));
  config.arguments = checkpoint.arguments;
  config.output.path = checkpoint.results;
  config.output.mode = OutputMode::resume;
  config.order.seed = checkpoint.seed;
  config.order.scan_id = ScanId::parse(checkpoint.scan_id);
  config.order.passes = checkpoint.passes;
  config.order.shard = Shard{checkpoint.shard, checkpoint.shards};
  config.order.shard_source = "the checkpoint";
  config.resumed = std::move(checkpoint);
}

}  // namespace echoscan
