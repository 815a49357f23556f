#include "scanner/options/report_config.h"

#include <fmt/format.h>

#include <filesystem>

#include "output/bundle/bag_info.h"
#include "output/bundle/bundle_files.h"
#include "output/report/report_page.h"
#include "scanner/options/named_files.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kBudgetBytesMin = 100'000;
constexpr std::uint64_t kBudgetBytesMax = 1'000'000'000;

// "2M": millions of bytes, as "k" is thousands.
std::uint64_t parse_bytes(const std::string& option, const std::string& text) {
  std::string digits = text;
  std::uint64_t unit = 1;
  if (!text.empty() && (text.back() == 'M' || text.back() == 'k')) {
    unit = text.back() == 'M' ? 1'000'000 : 1'000;
    digits.pop_back();
  }
  return unit *
         parse_count(option, digits, (kBudgetBytesMin + unit - 1) / unit, kBudgetBytesMax / unit);
}

std::vector<std::pair<std::string, MapLayer>> layer_choices() {
  std::vector<std::pair<std::string, MapLayer>> choices;
  for (std::size_t i = 0; i < kMapLayers.size(); ++i)
    choices.emplace_back(kMapLayers[i], static_cast<MapLayer>(i));
  return choices;
}

void add_page_options(CLI::App& app, ReportConfig& config) {
  OptionGroup group(app, "Report");
  group.arguments(
      "FILE", "",
      "Results, of the scan's one file or several; '-' is standard input; or a bundle's "
      "folder, which has summary and list as well",
      config.files);
  group.list("--summary", "FILE", "Summary of the scan, or of each of its shards (repeatable)",
             config.summaries);
  group.list("--mmdb", "FILE",
             "Database of the scan: how many were probed in each country and system (repeatable)",
             config.geo_databases);
  group.text("--against", "DIR",
             "Bundle of an earlier scan of the same targets: what has been gained and lost since",
             config.against);
  group.text("-o,--output", "FILE", "The page [report.html]", config.page);
  group.value("--title", "TEXT", "Its title [A ping survey, or the bundle's name]",
              [&config](const std::string& option, const std::string& text) {
                if (text.empty() || !is_plain_text(text))
                  refuse(option, text, "a line of text, 2,000 bytes at most");
                config.title = text;
              });
  group.value("--budget", "BYTES", "Its size at most; the map's cells become coarser for it [20M]",
              [&config](const std::string& option, const std::string& text) {
                config.budget_bytes = parse_bytes(option, text);
              });
  group.flag("--transpose", "255.255.255.255 at the bottom left of the map, not at the top right",
             [&config] { config.is_transposed = true; });
  group.text("--png", "FILE", "Also the map as a picture, one pixel or more for each /24",
             config.picture);
  group.value("--layer", "rate|rtt|loss|label|change", "What the picture's colours say [rate]",
              [&config](const std::string& option, const std::string& text) {
                config.layer = parse_choice<MapLayer>(option, text, layer_choices());
              });
  add_verbosity(group, config.verbosity);
}

// A bundle has what the options would name.
void take_bundle(ReportConfig& config) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (config.files.size() != 1 || !fs::is_directory(config.files.front(), ignored)) return;
  const TargetConfig nothing;
  if (!config.summaries.empty() || config.target != nothing)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("'{}' is a folder: a bundle has its own summary and list, so that "
                                "--summary and options of targets do not go with it",
                                config.files.front()));
  config.bundle = config.files.front();
  const fs::path data = fs::path(config.bundle) / "data";
  const fs::path results = data / bundle_files::kJsonResults;
  if (!fs::exists(results, ignored))
    throw UserError(ExitCode::bad_usage,
                    fmt::format("'{}' has no {}: it is no bundle, or one without results as JSON "
                                "lines (--format, --publish slash24)",
                                config.bundle, results.lexically_relative(config.bundle).string()));
  config.files = {results.string()};
  config.summaries = {(data / bundle_files::kSummary).string()};
  config.target.target_files = {(data / bundle_files::kTargets).string()};
  config.target.allow_reserved = true;
  if (!config.title.empty()) return;
  const fs::path folder = fs::absolute(config.bundle).lexically_normal();
  const std::string name =
      (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  if (is_plain_text(name)) config.title = name;
}

void check_combinations(const ReportConfig& config) {
  if (config.files.empty())
    throw UserError(ExitCode::bad_usage,
                    "no results: give files, or - for standard input (see echoscan report --help)");
  if (config.summaries.empty())
    throw UserError(ExitCode::bad_usage,
                    "a report needs the scan's summary, for results do not say who was asked: "
                    "--summary FILE, or the folder of a bundle in place of results");
  if (!config.against.empty() && (config.files.size() != 1 || config.summaries.size() != 1))
    throw UserError(ExitCode::bad_usage,
                    "--against compares two scans: name one file of results, or a bundle; "
                    "`echoscan merge` makes one of shards");
  if (!config.target.target_files.empty()) return;
  if (!config.against.empty())
    throw UserError(ExitCode::bad_usage,
                    "--against says what changed in each network, and needs the scan's list: -t "
                    "FILE, or a bundle");
  refuse_without_lists(config.target, config.geo_databases);
}

}  // namespace

std::optional<ReportConfig> parse_report_config(const std::vector<std::string>& arguments) {
  ReportConfig config;
  const Application app = make_application(
      "Makes one HTML file of a scan: how many answered, how sure that is, where, how fast, what "
      "was lost,\nand how it is repeated. It opens from a disk and asks for nothing from any "
      "network.",
      "echoscan report",
      "Exit status: 0 the report is complete, 2 bad usage or input, 4 it could not be written, 5 "
      "the\nsummaries are not all shards of one scan, each once.");
  add_page_options(*app, config);
  add_target_options(*app, config.target, "Targets, as given to the scan");
  const std::optional<std::string> config_file =
      parse_arguments(*app, arguments, "Report", ConfigFile::own_options);
  if (!config_file) return std::nullopt;
  take_bundle(config);
  check_combinations(config);
  if (config.title.empty()) config.title = kReportTitle;
  NamedFiles files;
  files.read("results", config.files);
  files.read("--summary", config.summaries);
  files.read("--mmdb", config.geo_databases);
  files.read(config.target, *config_file);
  files.write("-o", config.page, OutputMode::document);
  files.write("--png", config.picture, OutputMode::document);
  files.refuse_clashes();
  return config;
}

}  // namespace echoscan
