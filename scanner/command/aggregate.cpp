#include "scanner/command/aggregate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/sink/byte_sink.h"
#include "output/summary/summary.h"
#include "scanner/command/scan_record.h"
#include "scanner/plan/geo_databases.h"

namespace echoscan {
namespace {

std::string tables(const Aggregate& aggregate, const AggregateReport& report, TableFormat format) {
  switch (format) {
    case TableFormat::csv:
      return aggregate_csv(aggregate, report);
    case TableFormat::json:
      return aggregate_json(aggregate, report);
    case TableFormat::text:
      break;
  }
  return aggregate_text(aggregate, report);
}

}  // namespace

ExitCode run_aggregate(const AggregateConfig& config) {
  Aggregate aggregate(config.tables.groupings);
  AggregateReport report;
  report.rows_max = config.tables.rows_max;
  read_results(config.files, aggregate, report);
  const std::vector<Summary> summaries = read_summaries(config.summaries);
  count_probed(config.target, config.summaries, summaries, load_geo(config.geo_databases),
               aggregate, report);
  DescriptorSink output(STDOUT_FILENO);
  const int error = write_and_finish(output, tables(aggregate, report, config.tables.format));
  if (error != 0)
    throw UserError(ExitCode::output,
                    fmt::format("the tables could not be written: {}", std::strerror(error)));
  return ExitCode::finished;
}

}  // namespace echoscan
