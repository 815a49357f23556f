// The figures that a page's script draws, as JSON; and the rows of its tables, which need no
// script.
//
// Both come from one list of groups, so that a chart and its table cannot differ. A group that was
// asked and did not answer is in it, unlike in aggregate's tables: in a survey it is a finding.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/report/report_page.h"
#include "output/summary/share_interval.h"

namespace echoscan {

struct PageGroup {
  struct Row {
    std::string name;
    std::uint64_t asked = 0;  // 0: nobody knows
    std::uint64_t answered = 0;
    std::optional<ShareInterval> interval;
    std::optional<double> rtt_p50_us;
  };

  static constexpr std::size_t kRowsShown = 25;   // of a table, as long as it is not sorted anew
  static constexpr std::size_t kRowsDrawn = 30;   // of a chart
  static constexpr std::size_t kRowsMax = 5'000;  // in the page

  std::string key;   // "label", "country", "asn"
  std::string name;  // for people
  std::vector<Row> rows;
  std::size_t row_count = 0;  // before they were cut
};

// Labels, countries and systems, as far as there are any: most asked first.
std::vector<PageGroup> page_groups(const ReportContent& content);

// How many /24 networks have 1, 2, ... 256 replies.
std::vector<std::uint64_t> density_of(const Aggregate& aggregate);

// One object, without '<', '>' and '&', for the inside of a script element.
std::string page_figures(const ReportContent& content, const ReplyMap& map,
                         const std::vector<PageGroup>& groups);

}  // namespace echoscan
