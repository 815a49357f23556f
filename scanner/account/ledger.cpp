#include "scanner/account/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "output/result/result_field.h"

namespace echoscan {
namespace {

constexpr double kSecondNs = 1e9;
constexpr std::int64_t kMicrosecondNs = 1000;
constexpr std::size_t kRepeatersListed = 10;

// Two figures that must be equal.
void check_sum(std::vector<std::string>& faults, const char* left_name, std::uint64_t left,
               const char* right_name, std::uint64_t right) {
  if (left != right)
    faults.push_back(fmt::format("{} is {}, but {} is {}", left_name, left, right_name, right));
}

void add_plan(Summary& summary, const TargetPlan& plan, const ScanConfig& config) {
  summary.listed = plan.counts.listed;
  summary.listed_repeatedly = plan.counts.listed_repeatedly;
  summary.excluded_by_user = plan.counts.excluded_by_user;
  summary.excluded_reserved = plan.counts.excluded_reserved;
  summary.ipv6_entries = plan.counts.ipv6_entries;
  summary.filtered_entries = plan.counts.filtered_entries;
  summary.bad_lines = plan.counts.bad_lines;
  summary.targets = plan.target_count;
  summary.ranges = plan.targets.ranges().size();
  summary.digest = plan.digest;
  summary.seed = plan.seed;
  summary.prime = plan.permutation.prime();
  summary.generator = plan.permutation.generator();
  summary.start = plan.permutation.start();
  summary.permuted = plan.permutation.size();
  summary.passes = config.order.passes;
  summary.first = plan.first;
  summary.shard = plan.shard.index;
  summary.shards = plan.shard.count;
  summary.step_begin = plan.steps.begin;
  summary.step_end = plan.steps.end;
}

// What became of the probes that were accepted and did not leave, each once.
struct Losses {
  std::uint64_t refused = 0;
  std::uint64_t unconfirmed = 0;
  std::uint64_t unroutable = 0;
  std::uint64_t named = 0;
  std::uint64_t first_pass = 0;  // of the named

  void add(std::span<const Target> given_up) {
    named += given_up.size();
    for (const Target& target : given_up)
      if (target.pass == 0) ++first_pass;
  }
  [[nodiscard]] std::uint64_t sum() const { return refused + unconfirmed + unroutable; }
};

void add_sending(Summary& summary, const Pipeline& pipeline, const ScanOutcome& outcome) {
  std::uint64_t drawn = 0;
  std::uint64_t handed_over = 0;
  std::uint64_t accepted = 0;
  std::uint64_t first_pass = 0;
  std::uint64_t paused_ns = 0;
  std::uint64_t paused_receiver_ns = 0;
  std::uint64_t paused_link_ns = 0;
  Losses losses;
  for (const auto& sender : pipeline.senders()) {
    const SenderCounters& counters = sender->counters();
    drawn += counters.drawn.get();
    handed_over += counters.handed_over.get();
    accepted += counters.handed_over.get() + counters.retried.get() + counters.gone_back.get();
    first_pass += counters.first_pass.get();
    paused_ns += counters.paused_output_ns.get();
    paused_receiver_ns += counters.paused_receiver_ns.get();
    paused_link_ns += counters.paused_link_ns.get();
    losses.refused += counters.refused.get();
    losses.add(sender->given_up());
    summary.in_doubt += counters.in_doubt.get();
  }
  std::uint64_t ended = 0;
  for (const Queue& queue : pipeline.queues())
    for (const Transmitter* part : queue.transmitter->parts()) {
      const TransmitCounters& counters = part->counters();
      ended += counters.ended();
      losses.refused += counters.refused.get();
      losses.unconfirmed += counters.unconfirmed.get();
      losses.unroutable += counters.unroutable.get();
      losses.add(part->given_up());
      summary.queues.push_back({queue.number, part->mode(), queue.cpu, counters.sent.get(),
                                counters.refusals.get(), counters.kicks.get()});
    }
  summary.probes = pipeline.probe_count();
  summary.sent_again = pipeline.sent_again();
  summary.sent = pipeline.probes_sent();
  const std::uint64_t stopped = summary.probes - std::min(summary.probes, handed_over);
  summary.not_sent = {{"stopped", stopped},
                      {"refused", losses.refused},
                      {"unconfirmed", losses.unconfirmed},
                      {"unroutable", losses.unroutable}};
  summary.not_probed = summary.targets - std::min(summary.targets, first_pass - losses.first_pass);
  summary.paused_for_link_s = static_cast<double>(paused_link_ns) / kSecondNs;
  summary.paused_for_receiver_s = static_cast<double>(paused_receiver_ns) / kSecondNs;
  summary.paused_for_output_s = static_cast<double>(paused_ns) / kSecondNs;
  check_sum(summary.faults, "targets accepted by the transmitters, those again among them",
            accepted, "what they ended in: sent + taken back + lost", ended);
  check_sum(summary.faults, "probes handed to the transmitters", handed_over,
            "sent + refused + unconfirmed + unroutable", summary.sent + losses.sum());
  check_sum(summary.faults, "refused + unconfirmed + unroutable", losses.sum(),
            "the probes given up", losses.named);
  if (std::holds_alternative<Finished>(outcome))
    check_sum(summary.faults, "probes planned", summary.probes, "targets drawn from the order",
              drawn);
}

void add_frames(Summary& summary, const Pipeline& pipeline) {
  const frame_counters frames = pipeline.source().outcomes();
  std::uint64_t outcomes = 0;
  std::uint64_t results = 0;
  const auto add_outcome = [&](frame_outcome outcome, const char* name) {
    summary.frames.push_back({name, frames.outcome[outcome]});
    outcomes += frames.outcome[outcome];
    if (outcome_is_result(outcome)) results += frames.outcome[outcome];
  };
#define ADD_OUTCOME(enumerator, name, meaning) add_outcome(enumerator, name);
  FRAME_OUTCOMES(ADD_OUTCOME)
#undef ADD_OUTCOME
  summary.receiver = pipeline.source().mode();
  summary.frames_seen = frames.seen;
  summary.dropped_unseen = pipeline.source().dropped_unseen();
  check_sum(summary.faults, "frames seen", frames.seen, "the sum of their outcomes", outcomes);
  check_sum(summary.faults, "replies and errors proved", results, "records received",
            pipeline.receiver().counters().records.get());
  std::uint64_t errors = 0;
  for (const ErrorTally::Row& row : pipeline.receiver().errors().rows()) errors += row.frames;
  check_sum(summary.faults, "errors proved", frames.outcome[FRAME_ERROR],
            "their sum by type and code", errors);
}

void add_receiving(Summary& summary, const Pipeline& pipeline) {
  const ReceiverCounters& counters = pipeline.receiver().counters();
  const std::uint64_t errors = counters.errors.get();
  summary.replied = counters.replied.get();
  summary.repeats = counters.repeats.get();
  summary.error_repeats = counters.error_repeats.get();
  summary.unlisted = counters.unlisted.get();
  summary.errored_and_replied = counters.errored_and_replied.get();
  summary.off_target = counters.off_target.get();
  summary.without_rtt = counters.without_rtt.get();
  summary.in_cooldown = counters.in_cooldown.get();
  summary.errored = errors - summary.errored_and_replied;
  const std::uint64_t probed = summary.targets - summary.not_probed;
  const std::uint64_t answered = summary.replied + summary.errored;
  summary.silent = probed - std::min(probed, answered);
  check_sum(summary.faults, "records received", counters.records.get(),
            "replied + repeats + errors + their repeats + unlisted",
            summary.replied + summary.repeats + errors + summary.error_repeats + summary.unlisted);
  if (answered > probed)
    summary.faults.push_back(fmt::format(
        "{} targets replied or had an error, but only {} were probed", answered, probed));

  std::uint64_t errors_by_type = 0;
  for (const ErrorTally::Row& row : pipeline.receiver().errors().rows()) {
    const std::string name(name_of(classification_of(row.icmp_type)));
    summary.errors.push_back({name, row.icmp_type, row.icmp_code, row.frames, row.targets});
    errors_by_type += row.targets;
  }
  check_sum(summary.faults, "targets that had an error", errors, "their sum by type and code",
            errors_by_type);
  const RepeatTally& repeats = pipeline.receiver().repeats();
  for (const RepeatTally::Repeater& repeater : repeats.top(kRepeatersListed))
    summary.top_repeaters.push_back(
        {to_string(repeater.target), repeater.repeats, repeater.repeats_at_most});
  check_sum(summary.faults, "repeats of replies and errors",
            summary.repeats + summary.error_repeats, "their sum over the targets", repeats.total());
}

void add_times(Summary& summary, const Receiver& receiver) {
  const auto series = [](const TimeBins& bins) {
    return Summary::TimeSeries{bins.bin_seconds(), bins.counts()};
  };
  summary.replied_by_time = series(receiver.replied_by_time());
  summary.replied_late = series(receiver.replied_late());
  check_sum(summary.faults, "targets that replied", summary.replied, "their sum over time",
            receiver.replied_by_time().total());
  check_sum(summary.faults, "targets that replied late", summary.in_cooldown, "their sum over time",
            receiver.replied_late().total());
}

// What left, by label, each probe once: what was handed over, less what was given up behind that.
std::vector<std::uint64_t> sent_by_label(const TargetPlan& plan, const Pipeline& pipeline) {
  LabelTally given_up(plan.labels);
  for (const Queue& queue : pipeline.queues())
    for (const Transmitter* part : queue.transmitter->parts())
      for (const Target& target : part->given_up()) given_up.add(target.address);
  for (const auto& sender : pipeline.senders())
    for (const Target& target : sender->given_up()) given_up.add(target.address);
  std::vector<std::uint64_t> sent(plan.targets_by_label.size());
  for (std::size_t label = 0; label < sent.size(); ++label) {
    for (const auto& sender : pipeline.senders())
      sent[label] += sender->handed_over_by_label().counts()[label];
    sent[label] -= given_up.counts()[label];
  }
  return sent;
}

void add_labels(Summary& summary, const TargetPlan& plan, const Pipeline& pipeline) {
  if (plan.labels.empty()) return;
  const std::vector<std::uint64_t> sent = sent_by_label(plan, pipeline);
  const std::vector<std::uint64_t>& replied = pipeline.receiver().replied_by_label().counts();
  Summary::Label sum;
  for (LabelId label = 0; label < plan.targets_by_label.size(); ++label) {
    const std::uint64_t targets = plan.targets_by_label[label];
    sum.targets += targets;
    sum.sent += sent[label];
    sum.replied += replied[label];
    if (targets > 0)
      summary.labels.push_back(
          {std::string(plan.labels.text(label)), targets, sent[label], replied[label]});
  }
  std::sort(summary.labels.begin(), summary.labels.end(),
            [](const Summary::Label& a, const Summary::Label& b) {
              return a.targets != b.targets ? a.targets > b.targets : a.name < b.name;
            });
  check_sum(summary.faults, "targets", summary.targets, "their sum over the labels", sum.targets);
  check_sum(summary.faults, "probes sent", summary.sent, "their sum over the labels", sum.sent);
  check_sum(summary.faults, "targets that replied", summary.replied, "their sum over the labels",
            sum.replied);
}

void add_rtt(Summary& summary, const RttHistogram& rtt) {
  summary.rtt_count = rtt.count();
  summary.rtt_min_ns = rtt.min_ns();
  summary.rtt_p50_ns = rtt.percentile_ns(0.50);
  summary.rtt_p90_ns = rtt.percentile_ns(0.90);
  summary.rtt_p99_ns = rtt.percentile_ns(0.99);
  summary.rtt_max_ns = rtt.max_ns();
  summary.rtt_bins = rtt.bins();
  std::uint64_t in_bins = 0;
  for (const RttHistogram::Bin& bin : summary.rtt_bins) in_bins += bin.count;
  check_sum(summary.faults, "round-trip times", rtt.count(), "their sum over the bins", in_bins);
  check_sum(summary.faults, "targets that replied", summary.replied,
            "round-trip times + replies without", rtt.count() + summary.without_rtt);
}

void add_output(Summary& summary, const ScanConfig& config, const Pipeline& pipeline) {
  const ResultWriter& writer = pipeline.writer();
  const ReceiverCounters& counters = pipeline.receiver().counters();
  summary.lines = writer.lines();
  summary.error_lines = counters.errors_written.get();
  summary.repeat_lines = counters.repeats_written.get();
  summary.bytes = writer.bytes_written();
  if (writer.error() != 0) {
    summary.output_error = std::strerror(writer.error());
    return;
  }
  check_sum(summary.faults, "lines", summary.lines, "replied + lines of errors + lines of repeats",
            summary.replied + summary.error_lines + summary.repeat_lines);
  check_sum(summary.faults, "lines of errors", summary.error_lines,
            "targets that had one, where errors are asked for",
            config.output.emission.errors ? counters.errors.get() : 0);
}

}  // namespace

Summary make_summary(const TargetPlan& plan, const ScanConfig& config, const Pipeline& pipeline,
                     const ScanOutcome& outcome, std::uint64_t now_ns) {
  Summary summary;
  summary.version = ECHOSCAN_VERSION;
  summary.outcome = outcome_name(outcome);
  const std::int64_t offset_ns = realtime_offset_ns();
  const auto wall_us = [offset_ns](std::uint64_t ns) {
    return (static_cast<std::int64_t>(ns) + offset_ns) / kMicrosecondNs;
  };
  summary.started_us = wall_us(pipeline.started_ns());
  summary.ended_us = wall_us(now_ns);
  summary.sending_s =
      static_cast<double>(pipeline.sending_ended_ns() - pipeline.started_ns()) / kSecondNs;
  add_plan(summary, plan, config);
  add_sending(summary, pipeline, outcome);
  add_frames(summary, pipeline);
  add_receiving(summary, pipeline);
  add_times(summary, pipeline.receiver());
  add_labels(summary, plan, pipeline);
  add_rtt(summary, pipeline.receiver().rtt());
  add_output(summary, config, pipeline);
  summary.rate_asked_pps = config.pace.rate_pps;
  summary.rate_pps =
      summary.sending_s > 0
          ? static_cast<double>(summary.sent + summary.sent_again) / summary.sending_s
          : 0;
  return summary;
}

}  // namespace echoscan
