#include "scanner/account/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "output/summary/figure_text.h"
#include "scanner/process/log.h"

namespace echoscan {
namespace {

constexpr double kSecondNs = 1e9;

}  // namespace

struct StatusLine::Figures {
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

StatusLine::Figures StatusLine::look(const Snapshot& snapshot) {
  Figures now;
  now.sent = snapshot.sent();
  const std::uint64_t probes_sent = snapshot.probes_sent();
  const std::uint64_t probes = snapshot.probes - snapshot.without_way;
  now.replied = snapshot.receiver.replied;
  now.ring_full = snapshot.receiver.frames.outcome[FRAME_RING_FULL];
  now.dropped_unseen = snapshot.receiver.dropped_unseen;
  now.output_is_limit = snapshot.output.is_limit;
  // Also when they have waited since the last line, if only now and then.
  const std::uint64_t paused_receiver_ns = snapshot.sum(&SenderFigures::paused_receiver_ns);
  now.receiver_is_limit = !now.output_is_limit && (snapshot.receiver.is_backlogged ||
                                                   paused_receiver_ns != last_paused_receiver_ns_);
  now.is_cooldown = snapshot.sending_ended_ns != 0;
  now.elapsed_s = static_cast<double>(snapshot.taken_ns - snapshot.started_ns) / kSecondNs;
  now.done_percent = percent(probes_sent, probes);
  // Of targets and not of probes: with --probes 4 a quarter would be all.
  const std::uint64_t first_pass = snapshot.sum(&SenderFigures::first_pass);
  now.hit_percent = percent(now.replied, std::min(first_pass, probes_sent));
  if (probes_sent > 0)
    now.left_s = now.elapsed_s * static_cast<double>(probes - std::min(probes_sent, probes)) /
                 static_cast<double>(probes_sent);
  const double interval_s = static_cast<double>(snapshot.taken_ns - last_ns_) / kSecondNs;
  if (interval_s > 0) {
    now.sent_pps = static_cast<double>(now.sent - last_sent_) / interval_s;
    now.replied_pps = static_cast<double>(now.replied - last_replied_) / interval_s;
  }
  last_ns_ = snapshot.taken_ns;
  last_sent_ = now.sent;
  last_replied_ = now.replied;
  last_paused_receiver_ns_ = paused_receiver_ns;
  return now;
}

void StatusLine::print(const Snapshot& snapshot) {
  if (style_ != StatusStyle::off) answer(snapshot);
}

void StatusLine::answer(const Snapshot& snapshot) {
  const Figures now = look(snapshot);
  if (style_ == StatusStyle::json) {
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
    write_to_stderr(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                    "\n");
    return;
  }
  write_to_stderr(fmt::format(
      "{:.0f} s, {:.1f} %, {}; sent {} ({}pps); replied {} ({}/s), {:.2f} %; lost: {} ring "
      "full, {} unseen{}\n",
      now.elapsed_s, now.done_percent,
      now.is_cooldown ? "cooldown" : fmt::format("{:.0f} s left", now.left_s),
      with_thousands(now.sent), short_number(now.sent_pps), with_thousands(now.replied),
      short_number(now.replied_pps), now.hit_percent, now.ring_full, now.dropped_unseen,
      now.output_is_limit     ? "; output is the limit"
      : now.receiver_is_limit ? "; the receiver is the limit"
                              : ""));
}

}  // namespace echoscan
