// The keys of a summary's JSON, in the order in which they are written: one description for the
// writer and the reader, so that they cannot drift apart.
//
// A visitor `keys` gets each key with its value, and for values whose form in JSON differs from
// that in the struct a wrapper that says how. Only summary.cpp includes it.
#pragma once

#include <type_traits>

#include "output/summary/summary.h"

namespace echoscan {

// Values whose form in JSON differs from that in the struct.
template <typename T>
struct Nanoseconds {  // as microseconds
  T& ns;
};
template <typename T>
struct UnixTime {  // as text
  T& ms;
};
template <typename T>
struct NullIfEmpty {
  T& text;
};
template <typename T>
struct ObjectText {  // the object itself, or null
  T& text;
};
template <typename T>
struct MaxIfZero {  // "max" for no limit
  T& rate_pps;
};
template <typename T>
struct ByName {  // an object of counts
  T& counts;
};
template <typename T>
Nanoseconds(T&) -> Nanoseconds<T>;
template <typename T>
UnixTime(T&) -> UnixTime<T>;
template <typename T>
NullIfEmpty(T&) -> NullIfEmpty<T>;
template <typename T>
ObjectText(T&) -> ObjectText<T>;
template <typename T>
MaxIfZero(T&) -> MaxIfZero<T>;
template <typename T>
ByName(T&) -> ByName<T>;

// The keys of each part, in the order in which they are written. `Part` is const when it is
// written.
template <typename T, typename Part>
concept Of = std::is_same_v<std::remove_const_t<T>, Part>;

void describe(auto& keys, Of<Summary::Targets> auto& targets) {
  keys("listed", targets.listed);
  keys("listed_repeatedly", targets.listed_repeatedly);
  keys("excluded_by_user", targets.excluded_by_user);
  keys("excluded_by_system_list", targets.excluded_by_system);
  keys("excluded_reserved", targets.excluded_reserved);
  keys("count", targets.count);
  keys("ranges", targets.ranges);
  keys("ipv6_entries", targets.ipv6_entries);
  keys("filtered_entries", targets.filtered_entries);
  keys("bad_lines", targets.bad_lines);
  keys("digest", targets.digest);
  keys("system_list_digest", NullIfEmpty{targets.system_digest});
}

void describe(auto& keys, Of<Summary::List> auto& list) {
  keys("name", list.name);
  keys("role", list.role);
  keys("digest", list.digest);
  keys("bytes", list.bytes);
  keys("entries", list.entries);
}

void describe(auto& keys, Of<Summary::Steps> auto& steps) {
  keys("begin", steps.begin);
  keys("end", steps.end);
}

void describe(auto& keys, Of<Summary::Response> auto& response) {
  keys("probed", response.probed);
  keys("population", response.population);
  keys("share", response.share);
  keys("low", response.low);
  keys("high", response.high);
}

void describe(auto& keys, Of<Summary::Order> auto& order) {
  keys("seed", order.seed);
  keys("prime", order.prime);
  keys("generator", order.generator);
  keys("start", order.start);
  keys("n", order.n);
  keys("passes", order.passes);
  keys("retries", order.retries);
  keys("first", order.first);
  keys("shard", order.shard);
  keys("shards", order.shards);
  keys("step_begin", order.step_begin);
  keys("step_end", order.step_end);
  keys("left", order.left);
}

void describe(auto& keys, Of<Summary::NotSent> auto& not_sent) {
  keys("stopped", not_sent.stopped);
  keys("refused", not_sent.refused);
  keys("unconfirmed", not_sent.unconfirmed);
  keys("unroutable", not_sent.unroutable);
  keys("replied", not_sent.replied);
}

void describe(auto& keys, Of<Summary::Ledger> auto& ledger) {
  keys("probes", ledger.probes);
  keys("drawn", ledger.drawn);
  keys("sent", ledger.sent);
  keys("sent_earlier", ledger.sent_earlier);
  keys("sent_again", ledger.sent_again);
  keys("in_doubt", ledger.in_doubt);
  keys("not_sent", ledger.not_sent);
  keys("given_up", ledger.given_up);
  keys("passed_over", ledger.passed_over);
  keys("way_lost", ledger.way_lost);
  keys("without_way", ledger.without_way);
  keys("replied", ledger.replied);
  keys("errored", ledger.errored);
  keys("silent", ledger.silent);
  keys("not_probed", ledger.not_probed);
  keys.follows("adds_up", ledger.faults.empty());
  keys("faults", ledger.faults);
}

void describe(auto& keys, Of<Summary::PassAnswers> auto& answers) {
  keys("answered", answers.answered);
  keys("only_then", answers.only_then);
  keys("lost", answers.lost);
  keys("loss", answers.loss);
}

void describe(auto& keys, Of<Summary::Pass> auto& pass) {
  keys("sent", pass.sent);
  describe(keys, pass.answers);
}

void describe(auto& keys, Of<Summary::Estimate> auto& estimate) {
  keys("targets", estimate.targets);
  keys("standard_error", estimate.standard_error);
  keys("chao_targets", estimate.chao_targets);
  keys.follows("is_lower_bound", true);
}

void describe(auto& keys, Of<Summary::Control> auto& control) {
  keys("targets", control.targets);
  keys("rate_pps", control.rate_pps);
  keys("both", control.both);
  keys("only_slowly", control.only_slowly);
  keys("only_at_full_rate", control.only_at_full_rate);
  keys("neither", control.neither);
  keys("is_complete", control.is_complete);
  keys("deviations", control.deviations);
  keys.follows("is_rate_too_high", control.is_rate_too_high());
  keys("why_no_verdict", NullIfEmpty{control.why_no_verdict});
}

// They stand in the summary itself, not in an object of their own.
void describe_passes(auto& keys, auto& passes) {
  keys("passes", passes.each);
  keys("histories", passes.histories);
  keys("pass_unknown", passes.unknown);
  keys("estimate", passes.estimate);
  keys("why_no_estimate", NullIfEmpty{passes.why_no_estimate});
}

void describe(auto& keys, Of<Summary::Label> auto& label) {
  keys("label", NullIfEmpty{label.name});
  keys("targets", label.targets);
  keys("sent", label.sent);
  keys("replied", label.replied);
  keys("passes", label.passes);
}

void describe(auto& keys, Of<Summary::Way> auto& way) {
  keys("kind", way.kind);
  keys("interface", NullIfEmpty{way.interface});
  keys("next_hop", NullIfEmpty{way.next_hop});
  keys("method", NullIfEmpty{way.method});
  keys("source", NullIfEmpty{way.source});
  keys("targets", way.targets);
  keys("sent", way.sent);
  keys("replied", way.replied);
  keys("passes", way.passes);
}

void describe(auto& keys, Of<Summary::Queue> auto& queue) {
  keys("queue", queue.queue);
  keys("mode", queue.mode);
  keys("cpu", queue.cpu);
  keys("sent", queue.sent);
  keys("refusals", queue.refusals);
  keys("kicks", queue.kicks);
}

void describe(auto& keys, Of<Summary::Sending> auto& sending) {
  keys("interface", sending.interface);
  keys("source", sending.source);
  keys("gateway", sending.gateway);
  keys("rate_asked_pps", MaxIfZero{sending.rate_asked_pps});
  keys("rate_allowed_pps", MaxIfZero{sending.rate_allowed_pps});
  keys("rate_pps", sending.rate_pps);
  keys("seconds", sending.seconds);
  keys("accepted", sending.accepted);
  keys("ended", sending.ended);
  keys("queues", sending.queues);
  keys("interface_tx_packets", sending.interface_tx_packets);
  keys("paused_for_link_seconds", sending.paused_for_link_s);
  keys("paused_for_output_seconds", sending.paused_for_output_s);
  keys("paused_for_receiver_seconds", sending.paused_for_receiver_s);
  keys("paused_for_pass_seconds", sending.paused_for_pass_s);
  keys("ttl", sending.ttl);
  keys("tos", sending.tos);
  keys("source_addresses", sending.source_addresses);
  keys("payload_bytes", sending.payload_bytes);
}

void describe(auto& keys, Of<Summary::Error> auto& error) {
  keys("classification", error.classification);
  keys("icmp_type", error.icmp_type);
  keys("icmp_code", error.icmp_code);
  keys("frames", error.frames);
  keys("targets", error.targets);
}

void describe(auto& keys, Of<Summary::Responder> auto& responder) {
  keys("responder", responder.responder);
  keys("replies", responder.replies);
  keys("replies_at_most", responder.replies_at_most);
}

void describe(auto& keys, Of<Summary::Repeater> auto& repeater) {
  keys("target", repeater.target);
  keys("repeats", repeater.repeats);
  keys("repeats_at_most", repeater.repeats_at_most);
}

void describe(auto& keys, Of<Summary::TimeSeries> auto& series) {
  keys("bin_seconds", series.bin_seconds);
  keys("counts", series.counts);
}

void describe(auto& keys, Of<Summary::ReadBack> auto& read_back) {
  keys("replies", read_back.replies);
  keys("errors", read_back.errors);
  keys("repeats", read_back.repeats);
  keys("error_repeats", read_back.error_repeats);
  keys("off_target", read_back.off_target);
  keys("in_cooldown", read_back.in_cooldown);
}

void describe(auto& keys, Of<Summary::Receiving> auto& receiving) {
  keys("mode", receiving.mode);
  keys("frames_seen", receiving.frames_seen);
  keys("frames", ByName{receiving.frames});
  keys("dropped_unseen", receiving.dropped_unseen);
  keys("interface_dropped", receiving.interface_dropped);
  keys("interface_missed", receiving.interface_missed);
  keys("interface_fifo_errors", receiving.interface_fifo_errors);
  keys("driver_counters", ByName{receiving.driver_counters});
  keys("kernel_replies", receiving.kernel_replies);
  keys("unseen_replies", receiving.unseen_replies);
  keys("read_back", receiving.read_back);
  keys("records", receiving.records);
  keys("repeats", receiving.repeats);
  keys("error_repeats", receiving.error_repeats);
  keys("repeats_by_target", receiving.repeats_by_target);
  keys("unlisted", receiving.unlisted);
  keys("errored_and_replied", receiving.errored_and_replied);
  keys("off_target", receiving.off_target);
  keys("elsewhere", receiving.elsewhere);
  keys("without_rtt", receiving.without_rtt);
  keys("in_cooldown", receiving.in_cooldown);
  keys("errors", receiving.errors);
  keys("top_repeaters", receiving.top_repeaters);
  keys("off_target_replies", receiving.off_target_replies);
  keys("top_responders", receiving.top_responders);
  keys("replied_by_time", receiving.replied_by_time);
  keys("replied_late", receiving.replied_late);
}

void describe(auto& keys, Of<RttHistogram::Bin> auto& bin) {
  keys("from", Nanoseconds{bin.from_ns});
  keys("to", Nanoseconds{bin.to_ns});
  keys("count", bin.count);
}

void describe(auto& keys, Of<Summary::Rtt> auto& rtt) {
  keys("count", rtt.count);
  keys("min", Nanoseconds{rtt.min_ns});
  keys("p50", Nanoseconds{rtt.p50_ns});
  keys("p90", Nanoseconds{rtt.p90_ns});
  keys("p99", Nanoseconds{rtt.p99_ns});
  keys("max", Nanoseconds{rtt.max_ns});
  keys("histogram", rtt.histogram);
}

void describe(auto& keys, Of<Summary::Output> auto& output) {
  keys("lines", output.lines);
  keys("error_lines", output.error_lines);
  keys("repeat_lines", output.repeat_lines);
  keys("lines_written", output.lines_written);
  keys("lines_abandoned", output.lines_abandoned);
  keys("errors_emitted", output.errors_emitted);
  keys("bytes", output.bytes);
  keys("error", NullIfEmpty{output.error});
}

void describe(auto& keys, Of<Summary::Leg> auto& leg) {
  keys("started", UnixTime{leg.start_ms});
  keys("ended", UnixTime{leg.end_ms});
  keys("outcome", leg.outcome);
  keys("sent", leg.sent);
  keys("sent_again", leg.sent_again);
}

void describe(auto& keys, Of<Summary::Origin> auto& origin) {
  keys("host", NullIfEmpty{origin.host});
  keys("kernel", NullIfEmpty{origin.kernel});
  keys("machine", NullIfEmpty{origin.machine});
  keys("scheduler", NullIfEmpty{origin.scheduler});
  keys("job", NullIfEmpty{origin.job});
  keys("task", NullIfEmpty{origin.task});
  keys("attempt", origin.attempt);
  keys("arguments", origin.arguments);
}

void describe(auto& keys, Of<Summary::Part> auto& part) {
  keys("shard", part.shard);
  keys("scan_id", NullIfEmpty{part.scan_id});
  keys("file", part.file);
  describe(keys, part.origin);
  keys("outcome", part.outcome);
  keys("started", UnixTime{part.started_ms});
  keys("ended", UnixTime{part.ended_ms});
  keys("legs", part.legs);
  keys("targets", part.targets);
  keys("sent", part.sent);
  keys("replied", part.replied);
  keys("lines", part.lines);
}

void describe(auto& keys, Of<Summary::Merge> auto& merge) {
  keys("shards", merge.shards);
  keys("missing", merge.missing);
  keys("covered", merge.covered);
}

void describe(auto& keys, Of<Summary::Event> auto& event) {
  keys("seconds", event.seconds);
  keys("what", event.what);
  keys("consequence", event.consequence);
}

void describe(auto& keys, Of<Summary> auto& summary) {
  keys.is("type", "summary");
  keys("version", summary.version);
  keys("scan_id", NullIfEmpty{summary.scan_id});
  keys("outcome", summary.outcome);
  keys("started", UnixTime{summary.started_ms});
  keys("ended", UnixTime{summary.ended_ms});
  keys("origin", summary.origin);
  keys("notes", NullIfEmpty{summary.notes});
  keys("user_metadata", ObjectText{summary.user_metadata});
  keys("targets", summary.targets);
  keys("lists", summary.lists);
  keys("order", summary.order);
  keys("ledger", summary.ledger);
  keys("response", summary.response);
  describe_passes(keys, summary.passes);
  keys("control", summary.control);
  keys("labels", summary.labels);
  keys("ways", summary.ways);
  keys("sending", summary.sending);
  keys("receiving", summary.receiving);
  keys("rtt_us", summary.rtt);
  keys("output", summary.output);
  keys("legs", summary.legs);
  keys("events", summary.events);
  keys("events_left_out", summary.events_left_out);
  keys("messages_dropped", summary.messages_dropped);
  keys("merge", summary.merge);
}

}  // namespace echoscan
