// A scan's report: one HTML file that answers how many answered, how sure that is, where, how fast,
// what was lost, and how it is repeated.
//
// It opens from a disk and asks for nothing from any network: its policy (CSP) forbids all but the
// scripts and styles in it, by their digests. Without script its numbers, tables and a still map
// remain. The number of elements is bounded, since that and not the size is what stops browsers;
// the size is, too: the map's cells become coarser until it fits. The same input gives the same
// bytes, so there is no time of making in it. Labels are others' texts: Mustache escapes them, and
// in JSON no '<' remains. Rejected: a chart library of our own; images of charts, which nobody can
// point at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "output/aggregate/aggregate.h"
#include "output/aggregate/aggregate_report.h"
#include "output/report/reply_map.h"
#include "output/summary/summary.h"

namespace echoscan {

// What an earlier scan of the same targets has heard, beside the one that is reported.
struct EarlierScan {
  std::string name;
  std::int64_t started_ms = 0;
  std::uint64_t both = 0;  // who replied to both
  std::uint64_t gained = 0;
  std::uint64_t lost = 0;
  std::optional<std::uint64_t> asked;  // by both
};

// Of a scan that has no name.
inline constexpr const char* kReportTitle = "A ping survey";

struct ReportContent {
  const Summary& summary;
  const Aggregate& aggregate;
  const AggregateReport& report;
  const ReplyMap& map;
  std::string title;
  bool is_transposed = false;
  // What the scan's own record does not say: contact, vantage, ethics.
  std::vector<std::pair<std::string, std::string>> provenance = {};
  std::optional<EarlierScan> earlier = {};
  // Why nobody knows which networks were asked, a clause; empty where the map knows it.
  std::string why_unknown = {};
};

struct ReportPage {
  std::string html;
  unsigned map_prefix_length = 0;  // of a cell
};

// The page, with the finest map of /24, /20 or /16 that keeps it within `budget_bytes`. The error
// is a sentence without a full stop: it does not fit, or has no picture.
tl::expected<ReportPage, std::string> report_page(const ReportContent& content,
                                                  std::uint64_t budget_bytes);

}  // namespace echoscan
