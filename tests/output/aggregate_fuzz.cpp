// Fuzzer of results that are read back: whatever the lines hold, they are counted or malformed, and
// no form of the tables holds what a terminal obeys.
#include <cstdint>
#include <string>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/aggregate/line_source.h"
#include "targets/utf8.h"
#include "tests/targets/list_checks.h"

namespace {

void require_tame(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = echoscan::utf8_bytes(text);
    echoscan::require(bytes > 0, "tables are UTF-8");
    echoscan::require(text[0] == '\n' || !echoscan::is_control(text.substr(0, bytes)),
                      "tables hold nothing that a terminal obeys");
    text.remove_prefix(bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace echoscan;
  Aggregate aggregate({Grouping::slash8, Grouping::slash16, Grouping::slash24, Grouping::country,
                       Grouping::asn, Grouping::label});
  AggregateReport report;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string padded =
        std::string(rest.substr(0, end)) + std::string(LineSource::kPaddingBytes, '\0');
    if (!aggregate.add_line(std::string_view(padded).substr(0, end))) ++report.malformed;
    ++report.lines;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const Aggregate::Group& total = aggregate.total();
  require(
      report.malformed + aggregate.other_lines() + total.replies + total.errors + total.repeats ==
          report.lines,
      "each line is counted once");
  require_tame(aggregate_text(aggregate, report));
  require_tame(aggregate_csv(aggregate, report));
  require_tame(aggregate_json(aggregate, report));
  return 0;
}
