#include "scanner/account/ledger.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "output/result/result_field.h"
#include "output/summary/equations.h"
#include "scanner/account/pass_account.h"
#include "scanner/process/clock.h"
#include "scanner/process/log.h"

namespace echoscan {
namespace {

constexpr std::int64_t kMillisecondNs = 1'000'000;

// `whole` less `part`; 0 where that would be negative, since then an equation does not hold and
// says so.
std::uint64_t rest_of(std::uint64_t whole, std::uint64_t part) {
  return whole - std::min(whole, part);
}

Summary::Targets targets_of(const TargetPlan& plan) {
  return {.listed = plan.counts.listed,
          .listed_repeatedly = plan.counts.listed_repeatedly,
          .excluded_by_user = plan.counts.excluded_by_user,
          .excluded_by_system = plan.counts.excluded_by_system,
          .excluded_reserved = plan.counts.excluded_reserved,
          .count = plan.target_count,
          .ranges = plan.targets.ranges().size(),
          .ipv6_entries = plan.counts.ipv6_entries,
          .filtered_entries = plan.counts.filtered_entries,
          .bad_lines = plan.counts.bad_lines,
          .digest = "sha256:" + plan.digest,
          .system_digest =
              plan.counts.system_list.empty() ? "" : "sha256:" + plan.counts.system_digest};
}

std::vector<Summary::List> lists_of(const TargetPlan& plan) {
  std::vector<Summary::List> lists;
  for (const ReadList& list : plan.counts.lists)
    lists.push_back({list.name, list.is_exclusion ? "exclude" : "targets", "sha256:" + list.digest,
                     list.bytes, list.entries});
  return lists;
}

Summary::Origin origin_of(const Task& task) {
  return {task.host, task.kernel, task.machine, task.scheduler, task.job, task.id, task.attempt};
}

Summary::Order order_of(const TargetPlan& plan, const OrderConfig& order) {
  return {.seed = plan.seed,
          .prime = plan.permutation.prime(),
          .generator = plan.permutation.generator(),
          .start = plan.permutation.start(),
          .n = plan.permutation.size(),
          .passes = order.passes,
          .retries = order.retries,
          .first = plan.first,
          .shard = plan.shard.index,
          .shards = plan.shard.count,
          .step_begin = plan.steps.begin,
          .step_end = plan.steps.end};
}

Summary::Ledger ledger_of(const TargetPlan& plan, const Snapshot& snapshot, const Tallies& tallies,
                          const EarlierLegs& earlier) {
  const DoneProbes& done = earlier.done;
  // Those that had answered before count as sent by the leg that they have answered.
  const std::uint64_t answered = snapshot.sum(&SenderFigures::answered_earlier);
  const std::uint64_t first_pass = done.first_pass() + snapshot.sum(&SenderFigures::first_pass);
  const ReceiverFigures& receiver = snapshot.receiver;
  Summary::Ledger ledger;
  ledger.probes = snapshot.probes;
  ledger.drawn = done.drawn + snapshot.sum(&SenderFigures::drawn);
  ledger.sent_earlier = done.sent + answered;
  ledger.sent = snapshot.probes_sent_in_all();
  ledger.sent_again = snapshot.sent_again();
  // Senders count what they handed over, some of it twice.
  ledger.in_doubt =
      std::min(earlier.in_doubt + snapshot.sum(&SenderFigures::in_doubt), ledger.sent);
  ledger.not_sent = {
      .stopped = rest_of(snapshot.probes, done.drawn + answered +
                                              snapshot.sum(&SenderFigures::handed_over) +
                                              snapshot.sum(&SenderFigures::passed_over) +
                                              snapshot.sum(&SenderFigures::way_lost) +
                                              snapshot.sum(&SenderFigures::replied_already)),
      .refused = snapshot.sum(&SenderFigures::refused) + snapshot.sum(&TransmitterFigures::refused),
      .unconfirmed = snapshot.sum(&TransmitterFigures::unconfirmed),
      .unroutable = snapshot.sum(&TransmitterFigures::unroutable) + done.passed_over +
                    snapshot.sum(&SenderFigures::passed_over) +
                    snapshot.sum(&SenderFigures::way_lost),
      .replied = snapshot.sum(&SenderFigures::replied_already)};
  ledger.given_up = tallies.given_up;
  ledger.passed_over = done.passed_over + snapshot.sum(&SenderFigures::passed_over);
  ledger.way_lost = snapshot.sum(&SenderFigures::way_lost);
  ledger.without_way = snapshot.without_way;
  ledger.not_probed = rest_of(plan.target_count, first_pass - tallies.given_up_by_pass.front());
  ledger.replied = receiver.replied;
  ledger.errored = receiver.errors - receiver.errored_and_replied;
  ledger.silent = rest_of(plan.target_count - ledger.not_probed, ledger.replied + ledger.errored);
  return ledger;
}

// By this leg and by earlier ones, which have counted nothing where there were none.
std::uint64_t sent_in_all(const std::vector<std::uint64_t>& sent,
                          const std::vector<std::uint64_t>& earlier, std::size_t number) {
  return sent[number] + (earlier.empty() ? 0 : earlier[number]);
}

// The figures of each label, most targets first.
std::vector<Summary::Label> labels_of(const TargetPlan& plan, const Tallies& tallies,
                                      const DoneProbes& done, const Summary::Passes& passes) {
  std::vector<Summary::Label> labels;
  if (plan.labels.empty()) return labels;
  const std::vector<std::vector<std::uint64_t>>& histories = tallies.histories_by_label;
  for (LabelId label = 0; label < plan.targets_by_label.size(); ++label)
    if (plan.targets_by_label[label] > 0)
      labels.push_back({std::string(plan.labels.text(label)), plan.targets_by_label[label],
                        sent_in_all(tallies.sent_by_label, done.sent_by_label, label),
                        tallies.replied_by_label[label],
                        histories.empty() ? std::vector<Summary::PassAnswers>()
                                          : pass_answers(histories[label], passes)});
  std::ranges::sort(labels, [](const Summary::Label& a, const Summary::Label& b) {
    return a.targets != b.targets ? a.targets > b.targets : a.name < b.name;
  });
  return labels;
}

// One way alone is not counted by its label: it has all.
std::vector<Summary::Way> ways_of(const TargetPlan& plan, const PathFigures& path,
                                  const Summary& summary, const Tallies& tallies,
                                  const DoneProbes& done) {
  const Summary::Ledger& ledger = summary.ledger;
  const bool is_one = plan.ways.map.empty();
  std::vector<Summary::Way> ways;
  for (std::size_t i = 0; i < plan.ways.shares.size(); ++i) {
    const WayShare& share = plan.ways.shares[i];
    ways.push_back(
        {kind_name(share.way.kind), share.interface_name, next_hop_text(share.way),
         share.way.source ? to_string(*share.way.source) : "", path.method_by_way[i],
         plan.targets_by_way[i + 1],
         is_one ? ledger.sent : sent_in_all(tallies.sent_by_way, done.sent_by_way, i + 1),
         is_one ? ledger.replied : tallies.replied_by_way[i + 1]});
    if (!tallies.histories.empty())
      ways.back().passes = pass_answers(
          is_one ? tallies.histories : tallies.histories_by_way[i + 1], summary.passes);
  }
  return ways;
}

Summary::Sending sending_of(const PathFigures& path, ProbeRate rate_pps, const Snapshot& snapshot) {
  Summary::Sending sending;
  sending.interface = path.interface;
  sending.source = path.source;
  sending.source_addresses = path.source_count;
  sending.payload_bytes = path.payload_bytes;
  sending.gateway = path.gateway;
  sending.rate_asked_pps = rate_pps.pps();
  sending.rate_allowed_pps = path.rate_pps.pps();
  sending.seconds = to_seconds(snapshot.sending_ended_ns - snapshot.started_ns);
  // Between passes all senders wait, and nothing is to be sent.
  const double between_s = to_seconds(snapshot.sum(&SenderFigures::paused_pass_ns)) /
                           static_cast<double>(std::max<std::size_t>(snapshot.senders.size(), 1));
  if (sending.seconds > between_s)
    sending.rate_pps = static_cast<double>(snapshot.sent()) / (sending.seconds - between_s);
  for (const SenderFigures& sender : snapshot.senders) sending.accepted += sender.accepted();
  sending.ended = snapshot.sum(&TransmitterFigures::ended);
  for (const TransmitterFigures& part : snapshot.transmitters)
    sending.queues.push_back(
        {part.queue, part.mode, part.cpu, part.sent, part.refusals, part.kicks});
  sending.interface_tx_packets = path.tx_packets;
  sending.paused_for_link_s = to_seconds(snapshot.sum(&SenderFigures::paused_link_ns));
  sending.paused_for_output_s = to_seconds(snapshot.sum(&SenderFigures::paused_output_ns));
  sending.paused_for_receiver_s = to_seconds(snapshot.sum(&SenderFigures::paused_receiver_ns));
  sending.paused_for_pass_s = to_seconds(snapshot.sum(&SenderFigures::paused_pass_ns));
  return sending;
}

std::vector<Summary::Outcome> outcomes_of(const frame_counters& frames) {
  return {
#define NAMED_OUTCOME(enumerator, name, meaning) {name, frames.outcome[enumerator]},
      FRAME_OUTCOMES(NAMED_OUTCOME)
#undef NAMED_OUTCOME
  };
}

Summary::Receiving receiving_of(const ReceiverFigures& receiver, const Tallies& tallies) {
  const auto series = [](const TimeBins& bins) {
    return Summary::TimeSeries{bins.bin_seconds(), bins.counts()};
  };
  Summary::Receiving receiving;
  receiving.mode = receiver.mode;
  receiving.frames_seen = receiver.frames.seen;
  receiving.frames = outcomes_of(receiver.frames);
  receiving.dropped_unseen = receiver.dropped_unseen;
  receiving.kernel_replies = tallies.kernel_replies;
  receiving.unseen_replies = tallies.unseen_replies;
  receiving.read_back = {tallies.read_back.replies,    tallies.read_back.errors,
                         tallies.read_back.repeats,    tallies.read_back.error_repeats,
                         tallies.read_back.off_target, tallies.read_back.in_cooldown};
  receiving.records = receiver.records;
  receiving.repeats = receiver.repeats;
  receiving.error_repeats = receiver.error_repeats;
  receiving.repeats_by_target = tallies.repeats;
  receiving.unlisted = receiver.unlisted;
  receiving.errored_and_replied = receiver.errored_and_replied;
  receiving.off_target = receiver.off_target;
  receiving.elsewhere = receiver.elsewhere;
  receiving.without_rtt = receiver.without_rtt;
  receiving.in_cooldown = receiver.in_cooldown;
  for (const ErrorCount& error : tallies.errors)
    receiving.errors.push_back({std::string(name_of(classification_of(error.icmp_type))),
                                error.icmp_type, error.icmp_code, error.frames, error.targets});
  for (const Repeater& repeater : tallies.top_repeaters)
    receiving.top_repeaters.push_back(
        {to_string(repeater.target), repeater.repeats, repeater.repeats_at_most});
  receiving.off_target_replies = tallies.off_target_replies;
  for (const Repeater& responder : tallies.top_responders)
    receiving.top_responders.push_back(
        {to_string(responder.target), responder.repeats, responder.repeats_at_most});
  receiving.replied_by_time = series(tallies.replied_by_time);
  receiving.replied_late = series(tallies.replied_late);
  return receiving;
}

Summary::Rtt rtt_of(const RttHistogram& rtt) {
  return {.count = rtt.count(),
          .min_ns = rtt.min_ns(),
          .p50_ns = rtt.percentile_ns(0.50),
          .p90_ns = rtt.percentile_ns(0.90),
          .p99_ns = rtt.percentile_ns(0.99),
          .max_ns = rtt.max_ns(),
          .histogram = rtt.bins()};
}

std::vector<Summary::Leg> legs_of(const EarlierLegs& earlier, const Summary& summary,
                                  const Snapshot& snapshot) {
  std::vector<Summary::Leg> legs;
  for (const Leg& leg : earlier.legs)
    legs.push_back(
        {leg.start_ms, leg.end_ms, leg.why.empty() ? "killed" : leg.why, leg.sent, leg.sent_again});
  legs.push_back({summary.started_ms, summary.ended_ms, summary.outcome, snapshot.probes_sent(),
                  snapshot.sum(&SenderFigures::drawn_again)});
  return legs;
}

std::vector<Summary::Event> events_of(const Snapshot& snapshot, const Tallies& tallies) {
  std::vector<Summary::Event> events;
  for (const ScanEvent& event : tallies.events)
    events.push_back(
        {to_seconds(rest_of(event.at_ns, snapshot.started_ns)), event.what, event.consequence});
  return events;
}

std::string output_error_text(int error) {
  if (error == 0) return "";
  if (error == ECANCELED) return "its reader took nothing, and was not waited for any more";
  return std::strerror(error);
}

Summary::Output output_of(const OutputFigures& output, bool errors_emitted) {
  return {.lines = output.lines,
          .error_lines = output.error_lines,
          .repeat_lines = output.repeat_lines,
          .lines_written = output.lines - output.lines_lost,
          .lines_abandoned = output.lines_lost,
          .errors_emitted = errors_emitted,
          .bytes = output.bytes,
          .error = output_error_text(output.error)};
}

}  // namespace

Summary make_summary(const TargetPlan& plan, const ScanConfig& config, const PathFigures& path,
                     const Snapshot& snapshot, const Tallies& tallies, const ScanOutcome& outcome,
                     const EarlierLegs& earlier) {
  const std::int64_t offset_ns = realtime_offset_ns();
  const auto unix_ms = [offset_ns](std::uint64_t ns) {
    return (static_cast<std::int64_t>(ns) + offset_ns) / kMillisecondNs;
  };
  Summary summary;
  summary.version = ECHOSCAN_VERSION;
  summary.scan_id = plan.scan_id.text();
  summary.outcome = outcome_name(outcome);
  summary.started_ms = unix_ms(snapshot.started_ns);
  summary.ended_ms = unix_ms(snapshot.taken_ns);
  summary.origin = origin_of(config.task);
  summary.origin.arguments = config.arguments;
  summary.notes = config.record.notes;
  summary.user_metadata = config.record.user_metadata;
  summary.targets = targets_of(plan);
  summary.lists = lists_of(plan);
  summary.order = order_of(plan, config.order);
  summary.legs = legs_of(earlier, summary, snapshot);
  summary.started_ms = summary.legs.front().start_ms;
  summary.ledger = ledger_of(plan, snapshot, tallies, earlier);
  // What a finished scan could not send is counted, and in no sample.
  if (summary.ledger.drawn < summary.ledger.probes)
    for (const StepRange& steps : tallies.steps_left)
      summary.order.left.push_back({steps.begin, steps.end});
  // Those without a way are no part of the population: no sample could ask them.
  summary.response =
      response_of(summary.ledger.replied, plan.target_count - summary.ledger.not_probed,
                  plan.targets.size() - count_without_way(plan));
  summary.passes = passes_of(config.order, summary.ledger, tallies, earlier.done);
  summary.control = control_of(tallies);
  summary.labels = labels_of(plan, tallies, earlier.done, summary.passes);
  summary.ways = ways_of(plan, path, summary, tallies, earlier.done);
  summary.sending = sending_of(path, config.pace.rate_pps, snapshot);
  summary.sending.ttl = config.path.ttl;
  summary.sending.tos = config.path.tos;
  summary.receiving = receiving_of(snapshot.receiver, tallies);
  summary.receiving.interface_dropped = path.rx_dropped;
  summary.receiving.interface_missed = path.rx_missed;
  summary.receiving.interface_fifo_errors = path.rx_fifo_errors;
  summary.receiving.driver_counters = path.driver_counters;
  summary.rtt = rtt_of(tallies.rtt);
  summary.output = output_of(snapshot.output, config.output.emission.errors);
  summary.events = events_of(snapshot, tallies);
  summary.events_left_out = tallies.events_left_out;
  summary.messages_dropped = dropped_messages();
  summary.ledger.faults = faults_of(summary_json(summary));
  return summary;
}

}  // namespace echoscan
