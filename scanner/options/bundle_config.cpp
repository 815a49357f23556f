#include "scanner/options/bundle_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>

#include "output/bundle/bag_info.h"
#include "output/bundle/coarse_text.h"
#include "scanner/options/scan_config.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

// What a bundle has a place for, or cannot have.
constexpr std::string_view kNotBeside[] = {"--output",  "--append", "--summary", "--checkpoint",
                                           "--dry-run", "--resume", "--log-file"};
// Their form is the table's.
constexpr std::string_view kNotPublished[] = {"--format", "--fields"};
constexpr std::string_view kOfBundles[] = {"--contact", "--vantage", "--ethics", "--publish"};

void refuse_beside(const std::vector<std::string>& given, const char* option,
                   std::span<const std::string_view> others, const char* why) {
  for (const std::string_view other : others)
    if (std::ranges::find(given, other) != given.end())
      throw UserError(ExitCode::bad_usage,
                      fmt::format("{} and {} do not go together: {}", option, other, why));
}

void add_statement(OptionGroup& group, const char* name, const char* description,
                   std::string& statement) {
  group.value(name, "TEXT", description,
              [&statement](const std::string& option, const std::string& text) {
                if (text.empty() || !is_plain_text(text))
                  refuse(option, text, "a line of text, 2,000 bytes at most");
                statement = text;
              });
}

// Nothing that a user says there is left out without a word.
void refuse_addresses(const BundleConfig& bundle) {
  const std::pair<const char*, const std::string&> statements[] = {
      {"--contact", bundle.contact}, {"--vantage", bundle.vantage}, {"--ethics", bundle.ethics}};
  for (const auto& [option, text] : statements)
    if (has_address(text))
      throw UserError(ExitCode::bad_usage,
                      fmt::format("{}: '{}' has an address, and --publish slash24 leaves all out",
                                  option, text));
}

}  // namespace

void add_bundle_options(CLI::App& app, BundleConfig& config) {
  OptionGroup group(app, "Bundle");
  group.value(
      "--bundle", "DIR",
      "Leave results, summary, options, targets, log and what doctor says in this folder, a "
      "BagIt bag: DIR.part until it is whole",
      [&config](const std::string& option, const std::string& text) {
        if (text.empty()) refuse(option, text, "a folder");
        config.folder = text;
      });
  group.value("--publish", "full|slash24",
              "What of the addresses is in the bundle: all, or counts by /24 alone [full]",
              [&config](const std::string& option, const std::string& text) {
                config.publication = parse_choice<Publication>(
                    option, text, {{"full", Publication::full}, {"slash24", Publication::slash24}});
              });
  add_statement(group, "--contact", "Who answers for the scan: a name, an address for mail",
                config.contact);
  add_statement(group, "--vantage", "From where it was scanned: a place, a network",
                config.vantage);
  add_statement(group, "--ethics", "With whose leave, and how those are heard who object",
                config.ethics);
}

std::string provisional_folder(const std::string& folder) {
  return folder + ".part";
}

std::string bundle_results_name(const OutputConfig& output) {
  switch (output.syntax) {
    case ResultFormat::Syntax::csv:
      return "results.csv.zst";
    case ResultFormat::Syntax::ip:
      return "results.txt.zst";
    case ResultFormat::Syntax::jsonl:
    case ResultFormat::Syntax::text:  // refused beside --bundle
      break;
  }
  return "results.jsonl.zst";
}

void settle_bundle(ScanConfig& config, const std::vector<std::string>& given) {
  BundleConfig& bundle = config.bundle;
  if (!bundle.is_written()) {
    for (const std::string_view option : kOfBundles)
      if (std::ranges::find(given, option) != given.end())
        throw UserError(ExitCode::bad_usage,
                        fmt::format("{} says something in a bundle, and needs --bundle", option));
    return;
  }
  refuse_beside(given, "--bundle", kNotBeside,
                "a bundle has results and summary in it, of one scan that is not gone on with");
  if (config.output.syntax == ResultFormat::Syntax::text)
    throw UserError(ExitCode::bad_usage,
                    "--bundle and --format text do not go together: nobody could read the results "
                    "back");
  if (bundle.is_coarse()) {
    refuse_beside(given, "--publish slash24", kNotPublished, "results become a table by /24");
    refuse_addresses(bundle);
  }
  // The working directory may be another one day.
  std::filesystem::path folder = std::filesystem::absolute(bundle.folder);
  if (!folder.has_filename()) folder = folder.parent_path();
  if (const std::filesystem::path name = folder.filename();
      name.empty() || name == "." || name == "..")
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--bundle: '{}' is not the name of a new folder", bundle.folder));
  bundle.folder = folder.string();
  config.output.path = (std::filesystem::path(provisional_folder(bundle.folder)) / "data" /
                        bundle_results_name(config.output))
                           .string();
}

}  // namespace echoscan
