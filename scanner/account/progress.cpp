#include "scanner/account/progress.h"

#include <algorithm>

#include "output/summary/figure_text.h"
#include "scanner/process/clock.h"

namespace echoscan {
namespace {

constexpr std::int64_t kNsPerMillisecond = 1'000'000;

}  // namespace

Progress ProgressMeter::look(const Snapshot& snapshot) {
  Progress now;
  now.has_begun = true;
  now.taken_unix_ms =
      (static_cast<std::int64_t>(snapshot.taken_ns) + realtime_offset_ns()) / kNsPerMillisecond;
  now.sent = snapshot.sent();
  now.sent_again = snapshot.sent_again();
  const std::uint64_t probes_sent = snapshot.probes_sent();
  now.probes = snapshot.probes - snapshot.without_way;
  now.replied = snapshot.receiver.replied;
  now.ring_full = snapshot.receiver.frames.outcome[FRAME_RING_FULL];
  now.dropped_unseen = snapshot.receiver.dropped_unseen;
  now.errored = snapshot.receiver.errors -
                std::min(snapshot.receiver.errors, snapshot.receiver.errored_and_replied);
  now.lines = snapshot.output.lines;
  now.output_is_limit = snapshot.output.is_limit;
  // Also when they have waited since the last look, if only now and then.
  const std::uint64_t paused_receiver_ns = snapshot.sum(&SenderFigures::paused_receiver_ns);
  now.receiver_is_limit = !now.output_is_limit && (snapshot.receiver.is_backlogged ||
                                                   paused_receiver_ns != last_paused_receiver_ns_);
  now.is_cooldown = snapshot.sending_ended_ns != 0;
  now.elapsed_s = to_seconds(snapshot.taken_ns - snapshot.started_ns);
  const std::uint64_t replied_already = snapshot.sum(&SenderFigures::replied_already);
  const std::uint64_t done = std::min(snapshot.probes_sent_in_all() + replied_already, now.probes);
  now.done_percent = percent(done, now.probes);
  now.hit_percent = percent(now.replied, snapshot.targets_probed());
  // At the rate of this leg.
  if (probes_sent > 0)
    now.left_s = now.elapsed_s * static_cast<double>(now.probes - done) /
                 static_cast<double>(probes_sent + replied_already);
  if (now.is_cooldown) now.left_s = 0;
  const std::uint64_t interval_ns = snapshot.taken_ns - last_ns_;
  last_paused_receiver_ns_ = paused_receiver_ns;
  if (interval_ns >= kRateNs) {
    const double interval_s = to_seconds(interval_ns);
    sent_pps_ = static_cast<double>(now.sent - last_sent_) / interval_s;
    replied_pps_ = static_cast<double>(now.replied - last_replied_) / interval_s;
    last_ns_ = snapshot.taken_ns;
    last_sent_ = now.sent;
    last_replied_ = now.replied;
  }
  now.sent_pps = sent_pps_;
  now.replied_pps = replied_pps_;
  return now;
}

}  // namespace echoscan
