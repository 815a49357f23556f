#include "scanner/account/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "output/summary/summary.h"
#include "scanner/pipeline/pipeline.h"

namespace echoscan {
namespace {

constexpr double kSecondNs = 1e9;

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// 12345 as "12.3 k", 1234567 as "1.23 M".
std::string short_number(double number) {
  if (number >= 1e6) return fmt::format("{:.2f} M", number / 1e6);
  if (number >= 1e3) return fmt::format("{:.1f} k", number / 1e3);
  return fmt::format("{:.0f} ", number);
}

}  // namespace

struct StatusLine::Snapshot {
  double elapsed_s = 0;
  double done_percent = 0;
  double left_s = 0;
  bool is_cooldown = false;
  std::uint64_t sent = 0;
  double sent_pps = 0;
  std::uint64_t replied = 0;
  double replied_pps = 0;
  double hit_percent = 0;
  std::uint64_t ring_full = 0;
  std::uint64_t dropped_unseen = 0;
  bool output_is_limit = false;
  bool receiver_is_limit = false;
};

StatusLine::StatusLine(const Pipeline& pipeline)
    : pipeline_(pipeline), last_ns_(pipeline.started_ns()) {}

StatusLine::Snapshot StatusLine::look(std::uint64_t now_ns) {
  Snapshot now;
  const std::uint64_t probes = pipeline_.probe_count();
  now.sent = pipeline_.sent();
  const std::uint64_t probes_sent = pipeline_.probes_sent();
  now.replied = pipeline_.receiver().counters().replied.get();
  now.ring_full = pipeline_.source().outcomes().outcome[FRAME_RING_FULL];
  now.dropped_unseen = pipeline_.source().dropped_unseen();
  now.output_is_limit = pipeline_.writer().is_limit();
  now.receiver_is_limit = !now.output_is_limit && pipeline_.source().is_backlogged();
  now.is_cooldown = pipeline_.sending_ended_ns() != 0;
  now.elapsed_s = static_cast<double>(now_ns - pipeline_.started_ns()) / kSecondNs;
  now.done_percent = percent(probes_sent, probes);
  now.hit_percent = percent(now.replied, probes_sent);
  if (probes_sent > 0)
    now.left_s = now.elapsed_s * static_cast<double>(probes - std::min(probes_sent, probes)) /
                 static_cast<double>(probes_sent);
  const double interval_s = static_cast<double>(now_ns - last_ns_) / kSecondNs;
  if (interval_s > 0) {
    now.sent_pps = static_cast<double>(now.sent - last_sent_) / interval_s;
    now.replied_pps = static_cast<double>(now.replied - last_replied_) / interval_s;
  }
  last_ns_ = now_ns;
  last_sent_ = now.sent;
  last_replied_ = now.replied;
  return now;
}

void StatusLine::print(std::uint64_t now_ns) {
  const StatusStyle style = pipeline_.status_style();
  if (style == StatusStyle::off) return;
  const Snapshot now = look(now_ns);
  if (style == StatusStyle::json) {
    const nlohmann::ordered_json line = {{"type", "status"},
                                         {"elapsed_s", now.elapsed_s},
                                         {"percent", now.done_percent},
                                         {"left_s", now.left_s},
                                         {"cooldown", now.is_cooldown},
                                         {"sent", now.sent},
                                         {"sent_pps", now.sent_pps},
                                         {"replied", now.replied},
                                         {"replied_pps", now.replied_pps},
                                         {"hit_percent", now.hit_percent},
                                         {"ring_full", now.ring_full},
                                         {"dropped_unseen", now.dropped_unseen},
                                         {"output_is_limit", now.output_is_limit},
                                         {"receiver_is_limit", now.receiver_is_limit}};
    fmt::print(stderr, "{}\n", line.dump());
    return;
  }
  fmt::print(stderr,
             "{:.0f} s, {:.1f} %, {}; sent {} ({}pps); replied {} ({}/s), {:.2f} %; lost: {} ring "
             "full, {} unseen{}\n",
             now.elapsed_s, now.done_percent,
             now.is_cooldown ? "cooldown" : fmt::format("{:.0f} s left", now.left_s),
             with_thousands(now.sent), short_number(now.sent_pps), with_thousands(now.replied),
             short_number(now.replied_pps), now.hit_percent, now.ring_full, now.dropped_unseen,
             now.output_is_limit     ? "; output is the limit"
             : now.receiver_is_limit ? "; the receiver is the limit"
                                     : "");
}

}  // namespace echoscan
