#include "output/merge/figure_sum.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "output/summary/time_bins.h"

namespace echoscan {
namespace {

void add_known(std::optional<std::uint64_t>& sum, const std::optional<std::uint64_t>& count) {
  sum = sum && count ? std::optional(*sum + *count) : std::nullopt;
}

// The mean over the time of sending; 0, no limit, if one of them had none.
double mean_rate(std::span<const Summary::Sending> all, double Summary::Sending::*rate) {
  double probes = 0;
  double seconds = 0;
  for (const Summary::Sending& sending : all) {
    if (sending.*rate == 0) return 0;
    probes += sending.*rate * sending.seconds;
    seconds += sending.seconds;
  }
  return seconds > 0 ? probes / seconds : 0;
}

void add(std::vector<Summary::Queue>& sums, const Summary::Queue& queue) {
  const auto same = std::ranges::find_if(sums, [&queue](const Summary::Queue& other) {
    return std::tie(other.queue, other.mode, other.cpu) ==
           std::tie(queue.queue, queue.mode, queue.cpu);
  });
  if (same == sums.end()) {
    sums.push_back(queue);
    return;
  }
  same->sent += queue.sent;
  same->refusals += queue.refusals;
  same->kicks += queue.kicks;
}

// The value below which so many of the bins' times are, as if each bin had them evenly.
std::uint64_t percentile_of(const std::vector<RttHistogram::Bin>& bins, double share,
                            std::uint64_t count) {
  const double wanted = std::max(1.0, std::ceil(share * static_cast<double>(count)));
  double seen = 0;
  for (const RttHistogram::Bin& bin : bins) {
    const auto here = static_cast<double>(bin.count);
    if (seen + here >= wanted)
      return bin.from_ns + static_cast<std::uint64_t>(static_cast<double>(bin.to_ns - bin.from_ns) *
                                                      (wanted - seen) / here);
    seen += here;
  }
  return 0;
}

void add(std::vector<Summary::DriverCounter>& sum, const Summary::DriverCounter& counter) {
  const auto same = std::ranges::find(sum, counter.name, &Summary::DriverCounter::name);
  if (same == sum.end())
    sum.push_back(counter);
  else
    same->count += counter.count;
}

}  // namespace

void add(Summary::Ledger& sum, const Summary::Ledger& ledger) {
  sum.probes += ledger.probes;
  sum.drawn += ledger.drawn;
  sum.sent += ledger.sent;
  sum.sent_earlier += ledger.sent_earlier;
  sum.sent_again += ledger.sent_again;
  sum.in_doubt += ledger.in_doubt;
  sum.not_sent.stopped += ledger.not_sent.stopped;
  sum.not_sent.refused += ledger.not_sent.refused;
  sum.not_sent.unconfirmed += ledger.not_sent.unconfirmed;
  sum.not_sent.unroutable += ledger.not_sent.unroutable;
  sum.not_sent.replied += ledger.not_sent.replied;
  sum.given_up += ledger.given_up;
  sum.passed_over += ledger.passed_over;
  sum.way_lost += ledger.way_lost;
  sum.without_way += ledger.without_way;
  sum.replied += ledger.replied;
  sum.errored += ledger.errored;
  sum.silent += ledger.silent;
  sum.not_probed += ledger.not_probed;
}

void add(Summary::Output& sum, const Summary::Output& output) {
  sum.lines += output.lines;
  sum.error_lines += output.error_lines;
  sum.repeat_lines += output.repeat_lines;
  sum.lines_written += output.lines_written;
  sum.lines_abandoned += output.lines_abandoned;
  sum.errors_emitted = output.errors_emitted;
  sum.bytes += output.bytes;
  if (sum.error.empty()) sum.error = output.error;
}

Summary::Sending sum_sendings(std::span<const Summary::Sending> all) {
  Summary::Sending sum;
  sum.interface_tx_packets = 0;
  double probes = 0;
  for (const Summary::Sending& sending : all) {
    probes += sending.rate_pps * sending.seconds;
    sum.seconds += sending.seconds;
    sum.accepted += sending.accepted;
    sum.ended += sending.ended;
    for (const Summary::Queue& queue : sending.queues) add(sum.queues, queue);
    add_known(sum.interface_tx_packets, sending.interface_tx_packets);
    sum.paused_for_link_s += sending.paused_for_link_s;
    sum.paused_for_output_s += sending.paused_for_output_s;
    sum.paused_for_receiver_s += sending.paused_for_receiver_s;
    sum.paused_for_pass_s += sending.paused_for_pass_s;
  }
  sum.rate_asked_pps = mean_rate(all, &Summary::Sending::rate_asked_pps);
  sum.rate_allowed_pps = mean_rate(all, &Summary::Sending::rate_allowed_pps);
  if (sum.seconds > 0) sum.rate_pps = probes / sum.seconds;
  return sum;
}

void add(Summary::Receiving& sum, const Summary::Receiving& receiving) {
  sum.frames_seen += receiving.frames_seen;
  for (const Summary::Outcome& outcome : receiving.frames) {
    const auto same = std::ranges::find(sum.frames, outcome.name, &Summary::Outcome::name);
    if (same == sum.frames.end())
      sum.frames.push_back(outcome);
    else
      same->frames += outcome.frames;
  }
  sum.dropped_unseen += receiving.dropped_unseen;
  add_known(sum.kernel_replies, receiving.kernel_replies);
  add_known(sum.unseen_replies, receiving.unseen_replies);
  add_known(sum.interface_dropped, receiving.interface_dropped);
  add_known(sum.interface_missed, receiving.interface_missed);
  add_known(sum.interface_fifo_errors, receiving.interface_fifo_errors);
  for (const Summary::DriverCounter& counter : receiving.driver_counters)
    add(sum.driver_counters, counter);
  sum.read_back.replies += receiving.read_back.replies;
  sum.read_back.errors += receiving.read_back.errors;
  sum.read_back.repeats += receiving.read_back.repeats;
  sum.read_back.error_repeats += receiving.read_back.error_repeats;
  sum.read_back.off_target += receiving.read_back.off_target;
  sum.read_back.in_cooldown += receiving.read_back.in_cooldown;
  sum.records += receiving.records;
  sum.repeats += receiving.repeats;
  sum.error_repeats += receiving.error_repeats;
  sum.repeats_by_target += receiving.repeats_by_target;
  sum.unlisted += receiving.unlisted;
  sum.errored_and_replied += receiving.errored_and_replied;
  sum.off_target += receiving.off_target;
  sum.elsewhere += receiving.elsewhere;
  sum.without_rtt += receiving.without_rtt;
  sum.in_cooldown += receiving.in_cooldown;
  sum.off_target_replies += receiving.off_target_replies;
  for (const Summary::Error& error : receiving.errors) {
    const auto same = std::ranges::find_if(sum.errors, [&error](const Summary::Error& other) {
      return other.icmp_type == error.icmp_type && other.icmp_code == error.icmp_code;
    });
    if (same == sum.errors.end()) {
      sum.errors.push_back(error);
      continue;
    }
    same->frames += error.frames;
    same->targets += error.targets;
  }
  sum.top_repeaters.insert(sum.top_repeaters.end(), receiving.top_repeaters.begin(),
                           receiving.top_repeaters.end());
  for (const Summary::Responder& responder : receiving.top_responders) {
    const auto same =
        std::ranges::find(sum.top_responders, responder.responder, &Summary::Responder::responder);
    if (same == sum.top_responders.end()) {
      sum.top_responders.push_back(responder);
      continue;
    }
    same->replies += responder.replies;
    same->replies_at_most += responder.replies_at_most;
  }
}

void add(Summary::PassAnswers& sum, const Summary::PassAnswers& answers) {
  sum.answered += answers.answered;
  sum.only_then += answers.only_then;
  sum.lost += answers.lost;
}

void settle_loss(Summary::PassAnswers& sum, bool is_comparable) {
  const std::uint64_t others = sum.lost + sum.answered - sum.only_then;
  sum.loss = is_comparable && others > 0
                 ? std::optional(static_cast<double>(sum.lost) / static_cast<double>(others))
                 : std::nullopt;
}

void add_each(std::vector<std::uint64_t>& sums, const std::vector<std::uint64_t>& counts) {
  sums.resize(std::max(sums.size(), counts.size()));
  for (std::size_t i = 0; i < counts.size(); ++i) sums[i] += counts[i];
}

Summary::TimeSeries sum_series(std::span<const ShiftedSeries> all) {
  Summary::TimeSeries sum;
  std::uint64_t end_s = 1;
  for (const ShiftedSeries& each : all) {
    sum.bin_seconds = std::max(sum.bin_seconds, each.series.bin_seconds);
    end_s = std::max(end_s, each.later_s + each.series.bin_seconds * each.series.counts.size());
  }
  while ((end_s - 1) / sum.bin_seconds >= TimeBins::kBinsMax) sum.bin_seconds *= 2;
  for (const ShiftedSeries& each : all)
    for (std::size_t i = 0; i < each.series.counts.size(); ++i) {
      if (each.series.counts[i] == 0) continue;
      const std::uint64_t bin = (each.later_s + i * each.series.bin_seconds) / sum.bin_seconds;
      if (sum.counts.size() <= bin) sum.counts.resize(bin + 1);
      sum.counts[bin] += each.series.counts[i];
    }
  return sum;
}

Summary::Rtt sum_rtts(std::span<const Summary::Rtt> rtts, const RttHistogram& times) {
  Summary::Rtt sum;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> counts;
  for (const Summary::Rtt& rtt : rtts) {
    if (rtt.count == 0) continue;
    sum.min_ns = sum.count == 0 ? rtt.min_ns : std::min(sum.min_ns, rtt.min_ns);
    sum.max_ns = std::max(sum.max_ns, rtt.max_ns);
    sum.count += rtt.count;
    for (const RttHistogram::Bin& bin : rtt.histogram)
      counts[{bin.from_ns, bin.to_ns}] += bin.count;
  }
  for (const auto& [range, count] : counts)
    sum.histogram.push_back({range.first, range.second, count});
  const bool are_all = times.count() == sum.count;
  const auto percentile = [&](double share) {
    return std::clamp(
        are_all ? times.percentile_ns(share) : percentile_of(sum.histogram, share, sum.count),
        sum.min_ns, sum.max_ns);
  };
  sum.p50_ns = percentile(0.50);
  sum.p90_ns = percentile(0.90);
  sum.p99_ns = percentile(0.99);
  return sum;
}

}  // namespace echoscan
