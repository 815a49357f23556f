#include "scanner/options/resumed_scan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "output/sink/file_place.h"
#include "scanner/checkpoint/checkpoint_file.h"
#include "scanner/options/scan_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

// What a leg may have of its own: how it sends, how long, and what it tells people.
constexpr std::string_view kOfEachLeg =
    " --resume --rate --per-slash24 --max-runtime --max-results --min-hit-rate --cooldown --method "
    "--interface --source-ip --gateway-mac --queues --link-timeout --busy-poll --summary --status "
    "--status-file --status-interval --metrics --verbose --quiet --checkpoint "
    "--checkpoint-interval --user --no-sandbox --help ";

std::string working_directory() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::current_path(error);
  if (error)
    throw UserError(ExitCode::environment,
                    fmt::format("the working directory is not there: {}", error.message()));
  return path.string();
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
  const tl::expected<FilePlace, std::string> place =
      find_place(absolute_path(resumed.from, results));
  if (!place)
    throw UserError(ExitCode::bad_usage, fmt::format("--resume '{}': {}", results, place.error()));
  tl::expected<Checkpoint, std::string> checkpoint = load_checkpoint(place->path(), owner);
  if (!checkpoint) throw UserError(ExitCode::bad_usage, "--resume: " + checkpoint.error());
  resumed.checkpoint = std::move(*checkpoint);
  // The results may have been moved, with their checkpoint beside them.
  resumed.checkpoint.results = place->path();
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

void take_place(Checkpoint checkpoint, ScanConfig& config) {
  config.arguments = checkpoint.arguments;
  config.output.path = checkpoint.results;
  config.output.mode = OutputMode::resume;
  config.order.seed = checkpoint.seed;
  config.order.passes = checkpoint.passes;
  config.order.shard = Shard{checkpoint.shard, checkpoint.shards};
  config.order.shard_source = "the checkpoint";
  config.resumed = std::move(checkpoint);
}

}  // namespace echoscan
