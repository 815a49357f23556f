#include "scanner/command/report.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "output/aggregate/aggregate.h"
#include "output/bundle/bag_info.h"
#include "output/report/map_image.h"
#include "output/report/report_page.h"
#include "output/sink/output_file.h"
#include "output/summary/figure_text.h"
#include "scanner/command/compare.h"
#include "scanner/command/compared_scan.h"
#include "scanner/command/scan_record.h"
#include "scanner/command/scanned_map.h"
#include "scanner/plan/geo_databases.h"
#include "scanner/process/log.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

void write_document(const std::string& path, const std::string& bytes) {
  tl::expected<std::unique_ptr<ByteSink>, std::string> opened =
      open_output(path, OutputMode::document);
  if (!opened) throw UserError(ExitCode::output, opened.error());
  if (const int error = write_and_finish(**opened, bytes); error != 0)
    throw UserError(ExitCode::output,
                    fmt::format("'{}' could not be written: {}", path, std::strerror(error)));
}

void write_picture(const ReportConfig& config, const ReplyMap& map) {
  if (config.layer == MapLayer::loss && !map.has_several_passes)
    throw UserError(ExitCode::bad_usage,
                    "--layer loss needs a scan of several passes (--probes 2)");
  if (config.layer == MapLayer::change && !map.is_compared)
    throw UserError(ExitCode::bad_usage, "--layer change needs an earlier scan: --against DIR");
  if (config.layer == MapLayer::label && map.labels.size() < 2)
    throw UserError(ExitCode::bad_usage,
                    "--layer label needs the scan's lists with their labels: -t FILE");
  const tl::expected<std::string, std::string> image =
      map_image(map, {config.layer, config.is_transposed});
  if (!image)
    throw UserError(ExitCode::output,
                    fmt::format("--png: the picture cannot be made: {}", image.error()));
  write_document(config.picture, *image);
}

// What a bundle says of who has scanned, from where, and with whose leave.
std::vector<std::pair<std::string, std::string>> statements_of(const std::string& bundle) {
  std::vector<std::pair<std::string, std::string>> statements;
  if (bundle.empty()) return statements;
  std::ifstream in(bundle + "/bag-info.txt");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  for (const char* label : {"Contact", "Vantage", "Ethics"})
    if (std::optional<std::string> statement = find_bag_info(text, label))
      statements.emplace_back(label, std::move(*statement));
  return statements;
}

std::string why_unknown(const ReportConfig& config, bool knows_asked) {
  if (knows_asked) return {};
  return config.target.target_files.empty() ? "the report was made without the lists (-t)"
                                            : "some targets had no way";
}

// What has changed since an earlier scan, over all and in each cell of the map.
EarlierScan add_changes(const ReportConfig& config, ReplyMap& map) {
  if (!is_bundle(config.against))
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--against: '{}' is no bundle of a scan", config.against));
  CompareConfig compared;
  compared.scans = {config.against, config.bundle.empty() ? config.files.front() : config.bundle};
  if (config.bundle.empty()) {
    compared.summaries = config.summaries;
    compared.target = config.target;
  }
  compared.tables.groupings = {Grouping::slash24};
  const ComparedScans scans = compare_scans(compared);
  const auto& networks = scans.comparison.by_number[static_cast<std::size_t>(Grouping::slash24)];
  map.is_compared = true;
  for (ReplyMap::Cell& cell : map.cells) {
    const auto network = networks.find(cell.number << 8);
    if (network == networks.end()) continue;
    cell.compared = static_cast<std::uint32_t>(network->second.asked.value_or(0));
    cell.gained = static_cast<std::uint32_t>(network->second.gained);
    cell.lost = static_cast<std::uint32_t>(network->second.lost);
  }
  const ComparisonCount& total = scans.comparison.total;
  return {printable_text(config.against),
          scans.report.first.started_ms,
          total.both,
          total.gained,
          total.lost,
          total.asked};
}

}  // namespace

ExitCode run_report(const ReportConfig& config) {
  const std::vector<Summary> summaries = read_summaries(config.summaries);
  Aggregate aggregate({Grouping::slash24, Grouping::country, Grouping::asn, Grouping::label});
  AggregateReport report;
  read_results(config.files, aggregate, report);
  const std::optional<ScannedLists> lists =
      count_probed(config.target, config.summaries, summaries, load_geo(config.geo_databases),
                   aggregate, report);
  const Summary summary = summary_of_all(config.summaries, summaries, aggregate.rtt());
  if (report.lines > 0 && report.malformed == report.lines)
    throw UserError(ExitCode::bad_usage,
                    "no line of the results is one of JSON, as `echoscan scan` writes them without "
                    "--format");
  const LabelMap no_labels;
  ReplyMap map = scanned_map(aggregate, summary, lists ? &lists->targets : nullptr,
                             lists ? lists->labels : no_labels);
  std::optional<EarlierScan> earlier;
  if (!config.against.empty()) earlier = add_changes(config, map);
  const tl::expected<ReportPage, std::string> page =
      report_page({summary, aggregate, report, map, config.title, config.is_transposed,
                   statements_of(config.bundle), earlier, why_unknown(config, lists.has_value())},
                  config.budget_bytes);
  if (!page) throw UserError(ExitCode::bad_usage, fmt::format("--budget: {}", page.error()));
  if (!config.picture.empty()) write_picture(config, map);
  write_document(config.page, page->html);
  log_info("{}: {} bytes, {} of the map, each a /{}", config.page,
           with_thousands(page->html.size()), counted(map.cells.size(), "/24 network"),
           page->map_prefix_length);
  return ExitCode::finished;
}

}  // namespace echoscan
