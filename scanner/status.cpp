#include "scanner/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "output/summary.h"
#include "scanner/pipeline.h"

namespace echoscan {
namespace {

constexpr double kSecondNs = 1e9;

double per_second(std::uint64_t count, std::uint64_t interval_ns) {
  return interval_ns == 0
             ? 0.0
             : static_cast<double>(count) * kSecondNs / static_cast<double>(interval_ns);
}

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

StatusLine::StatusLine(const Pipeline& pipeline)
    : pipeline_(pipeline), last_ns_(pipeline.started_ns()) {}

void StatusLine::print(std::uint64_t now_ns) {
  const StatusStyle style = pipeline_.status_style();
  if (style == StatusStyle::off) return;
  const std::uint64_t sent = pipeline_.sent();
  const std::uint64_t replied = pipeline_.receiver().counters().replied.get();
  const frame_counters frames = pipeline_.source().outcomes();
  const std::uint64_t ring_full = frames.outcome[FRAME_RING_FULL];
  const std::uint64_t unseen = pipeline_.source().dropped_unseen();
  const std::uint64_t interval_ns = now_ns - last_ns_;
  const double sent_rate = per_second(sent - last_sent_, interval_ns);
  const double reply_rate = per_second(replied - last_replied_, interval_ns);
  const std::uint64_t elapsed_ns = now_ns - pipeline_.started_ns();
  const double average_rate = per_second(sent, elapsed_ns);
  const auto left_s = average_rate > 0
                          ? static_cast<std::uint64_t>(
                                static_cast<double>(pipeline_.probe_count() -
                                                    std::min(sent, pipeline_.probe_count())) /
                                average_rate)
                          : 0;
  const bool cooling = pipeline_.sending_ended_ns() != 0;
  last_ns_ = now_ns;
  last_sent_ = sent;
  last_replied_ = replied;

  if (style == StatusStyle::json) {
    const nlohmann::ordered_json line = {
        {"type", "status"},
        {"elapsed_s", static_cast<double>(elapsed_ns / 1'000'000) / 1000.0},
        {"percent", percent(sent, pipeline_.probe_count())},
        {"left_s", left_s},
        {"cooldown", cooling},
        {"sent", sent},
        {"sent_pps", sent_rate},
        {"replied", replied},
        {"replied_pps", reply_rate},
        {"hit_rate", percent(replied, sent)},
        {"ring_full", ring_full},
        {"dropped_unseen", unseen},
        {"output_is_limit", pipeline_.writer().is_limit()}};
    fmt::print(stderr, "{}\n", line.dump());
    return;
  }
  const std::string when = cooling ? "cooldown" : fmt::format("{} s left", left_s);
  fmt::print(
      stderr,
      "{} s, {:.1f} %, {}; sent {} ({}pps); replied {} ({}/s), {:.2f} %; lost: {} ring full, "
      "{} unseen{}\n",
      elapsed_ns / 1'000'000'000, percent(sent, pipeline_.probe_count()), when,
      with_thousands(sent), short_number(sent_rate), with_thousands(replied),
      short_number(reply_rate), percent(replied, sent), ring_full, unseen,
      pipeline_.writer().is_limit() ? "; output is the limit" : "");
}

}  // namespace echoscan
