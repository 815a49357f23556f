#include "scanner/pipeline/receiver.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "output/result/result_field.h"

namespace echoscan {
namespace {

constexpr int kFinishMs = 50;
constexpr double kNearlyAll = 0.999;
static_assert(kTargetLabelBytesMax <= kLabelTextBytesMax);

}  // namespace

Receiver::Receiver(const TargetSet& targets, const ResultOrigin& origin, ReplySource& source,
                   const GeoTable& geo, const ResultFormat& format, ResultWriter& writer,
                   Clock& clock, const ScanState& state, const LabelMap& labels,
                   const LabelMap& ways, Arrivals arrivals, const Emission& emission)
    : targets_(targets),
      origin_(origin),
      source_(source),
      geo_(geo),
      format_(format),
      writer_(writer),
      clock_(clock),
      state_(state),
      arrivals_(std::move(arrivals)),
      emission_(emission),
      started_ns_(clock.now_ns()),
      replied_(targets.size()),
      errored_(targets.size()),
      batch_(kBatchSize),
      replied_by_label_(labels),
      replied_by_way_(ways) {}

// A send time in the future gives no round-trip time, even if it is proved, nor does one before the
// scan began: then clocks do not agree.
std::optional<std::uint64_t> Receiver::proved_rtt_ns(const reply& reply) const {
  if (reply.sent_ns < started_ns_ || reply.sent_ns >= reply.received_ns) return std::nullopt;
  return reply.received_ns - reply.sent_ns;
}

void Receiver::run(const std::function<void()>& on_output_failure) {
  while (true) {
    const bool stopping = state_.stop_receiving.load(std::memory_order_acquire);
    if (stopping) source_.stop();
    if (stopping && is_abandoned() && writer_.backlog_bytes() > 0) writer_.abandon();
    const bool has_room = writer_.error() != 0 || !writer_.room(kBatchSize * kLineBytesMax).empty();
    const std::size_t received = has_room ? receive_batch() : 0;
    // Marks first: a target whose reply has its line is probed no more, and an error that came
    // before that would be forgotten by a kill in between; and a line without its mark says too
    // little.
    if (answer_marks_) answer_marks_->flush();
    if (line_marks_) line_marks_->flush();
    flush(0, on_output_failure);
    if (received == batch_.size()) continue;
    if (stopping && has_room) break;
    if (writer_.error() == 0 && writer_.backlog_bytes() > 0) {
      flush(kPollNs / 1'000'000, on_output_failure);
    } else {
      clock_.wait_until(clock_.now_ns() + (received < kBusyBatch ? kIdlePollNs : kPollNs));
    }
  }
  if (state_.is_cut_short.load(std::memory_order_relaxed)) writer_.keep_earlier();
  while (writer_.error() == 0 && !writer_.finish(kFinishMs))
    if (is_abandoned()) writer_.abandon();
  if (writer_.has_failed()) on_output_failure();
}

void Receiver::flush(int wait_ms, const std::function<void()>& on_output_failure) {
  if (writer_.error() != 0) return;
  const bool is_good = wait_ms > 0 ? writer_.flush_waiting(wait_ms) : writer_.flush();
  if (!is_good) on_output_failure();
}

std::size_t Receiver::receive_batch() {
  realtime_offset_ns_ = realtime_offset_ns();
  sending_ended_ns_ = state_.sending_ended_ns.load(std::memory_order_relaxed);
  const std::size_t received = source_.receive(batch_);
  for (std::size_t i = 0; i < received; ++i) take(batch_[i]);
  counters_.records.add(received);
  return received;
}

// An answer is a repeat when its target has had one of its kind: a host's first error after a reply
// says something new, and so does its first reply after an error.
void Receiver::take(const reply& reply) {
  const bool is_error = reply.outcome == FRAME_ERROR;
  if (is_error) errors_.add_frame(reply.icmp_type, reply.icmp_code);
  if (reply.outcome == FRAME_REPLY_OFF_TARGET) responders_.add(Ipv4{reply.responder});
  const Ipv4 target{reply.target};
  const std::optional<std::uint64_t> index = targets_.index_of(target);
  if (!index) {
    counters_.unlisted.add(1);
    return;
  }
  std::uint64_t repeat = 0;
  std::optional<std::string_view> label;  // looked up once, as is the next
  const std::string_view interface = elsewhere(reply);
  if ((is_error ? errored_ : replied_).test_and_set(*index)) {
    (is_error ? counters_.error_repeats : counters_.repeats).add(1);
    repeat = repeats_.add(target);
  } else if (is_error) {
    note_first_error(reply.icmp_type, reply.icmp_code, *index);
    if (answer_marks_ && !emission_.errors)
      answer_marks_->add({target, reply.icmp_type, reply.icmp_code});
  } else {
    label = note_first_reply(reply, *index);
    if (!interface.empty()) counters_.elsewhere.add(1);
  }
  if (histories_ && !is_error) note_pass(reply, *index);
  if (!emission_.admits(is_error, repeat)) return;
  if (repeat > 0) {
    counters_.repeats_written.add(1);
  } else if (is_error) {
    counters_.errors_written.add(1);
  }
  if (writer_.error() != 0) {
    writer_.drop_line();
  } else {
    write(reply, repeat > 0, label ? *label : replied_by_label_.text_of(target), interface);
  }
}

std::string_view Receiver::note_first_reply(const reply& reply, std::uint64_t index) {
  counters_.replied.add(1);
  // As long as there was no error, the bitmap of errors is not looked at, and takes no memory.
  if (counters_.errors.get() > 0 && errored_.test(index)) counters_.errored_and_replied.add(1);
  if (reply.responder != reply.target) counters_.off_target.add(1);
  replied_by_way_.add(Ipv4{reply.target});
  const std::uint64_t began_ns = std::min<std::uint64_t>(reply.received_ns, started_ns_);
  replied_by_time_.add(reply.received_ns - began_ns + earlier_ns_);
  if (is_late(reply)) {
    counters_.in_cooldown.add(1);
    replied_late_.add(reply.received_ns - sending_ended_ns_);
  }
  if (const std::optional<std::uint64_t> rtt_ns = proved_rtt_ns(reply)) {
    rtt_.add(*rtt_ns);
    if (reply.sent_ns > counters_.proved_ns.get()) counters_.proved_ns.set(reply.sent_ns);
    if (std::has_single_bit(rtt_.count()))
      counters_.round_trip_ns.set(rtt_.percentile_ns(kNearlyAll));
  } else {
    counters_.without_rtt.add(1);
  }
  return replied_by_label_.add(Ipv4{reply.target});
}

// A payload that was altered proves no pass.
void Receiver::note_pass(const reply& reply, std::uint64_t index) {
  if (reply.sent_ns == 0 || !histories_->add(Ipv4{reply.target}, index, reply.pass)) return;
  if (answer_marks_) answer_marks_->add({Ipv4{reply.target}, 0, reply.pass});
}

std::string_view Receiver::elsewhere(const reply& reply) const {
  if (arrivals_.interfaces.empty()) return {};
  const std::uint8_t expected = arrivals_.by_way[replied_by_way_.label_of(Ipv4{reply.target})];
  return reply.arrival == expected ? std::string_view() : arrivals_.interfaces[reply.arrival];
}

void Receiver::note_first_error(std::uint8_t icmp_type, std::uint8_t icmp_code,
                                std::uint64_t index) {
  counters_.errors.add(1);
  errors_.add_target(icmp_type, icmp_code);
  if (replied_.test(index)) counters_.errored_and_replied.add(1);
}

void Receiver::write(const reply& reply, bool is_repeat, std::string_view label,
                     std::string_view interface) {
  Result result;
  result.received_us = (static_cast<std::int64_t>(reply.received_ns) + realtime_offset_ns_) / 1000;
  result.target = Ipv4{reply.target};
  result.responder = Ipv4{reply.responder};
  result.classification = classification_of(reply.icmp_type);
  result.icmp_type = reply.icmp_type;
  result.icmp_code = reply.icmp_code;
  result.repeat = is_repeat;
  result.cooldown = is_late(reply);
  result.ttl = reply.ttl;
  result.shard = origin_.shard;
  result.scan_id = origin_.scan_id;
  result.rtt_ns = proved_rtt_ns(reply);
  if (tells_passes_ && reply.sent_ns != 0) result.pass = reply.pass;
  if (reply.outcome == FRAME_ERROR) {
    result.quoted_ttl = reply.quoted_ttl;
  } else {
    result.off_target = reply.responder != reply.target;
    result.rtt_trusted = result.rtt_ns.has_value();
  }
  result.label = label;
  result.interface = interface;
  if (!geo_.is_empty()) {
    const GeoRecord place = geo_.find(result.target);
    result.country = place.country;
    result.city = place.city;
    result.asn = place.asn;
    result.as_org = place.as_org;
  }
  char* line = writer_.room(kLineBytesMax).data();
  writer_.append(static_cast<std::size_t>(format_.write_line(line, result) - line));
  if (line_marks_) mark_line(result);
}

void Receiver::mark_line(const Result& result) {
  ReadResult mark;
  mark.target = result.target;
  mark.responder = result.responder;
  mark.is_error = !is_success(result);
  mark.is_repeat = result.repeat;
  mark.is_late = result.cooldown;
  mark.is_elsewhere = !result.interface.empty();
  mark.rtt_ns = result.rtt_ns;
  mark.received_us = result.received_us;
  mark.icmp_type = result.icmp_type;
  mark.icmp_code = result.icmp_code;
  line_marks_->add(mark);
}

void Receiver::begin_behind(std::int64_t first_start_ns) {
  first_start_ns_ = first_start_ns;
  const std::int64_t now_ns = static_cast<std::int64_t>(started_ns_) + realtime_offset_ns();
  earlier_ns_ = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns - first_start_ns, 0));
}

std::optional<std::uint64_t> Receiver::prefetch(const ReadResult& result) const {
  const std::optional<std::uint64_t> index = targets_.index_of(result.target);
  if (!index) return index;
  (result.is_error ? errored_ : replied_).prefetch(*index);
  return index;
}

std::optional<std::uint64_t> Receiver::restore(const ReadResult& result) {
  const std::optional<std::uint64_t> index = targets_.index_of(result.target);
  if (!index) return std::nullopt;
  const bool is_off_target = result.responder && *result.responder != result.target;
  if (result.is_error) {
    errors_.add_frame(result.icmp_type, result.icmp_code);
  } else if (is_off_target) {
    responders_.add(*result.responder);
    ++read_back_.off_target;
  }
  if (result.is_repeat) {
    (result.is_error ? counters_.error_repeats : counters_.repeats).add(1);
    (result.is_error ? read_back_.error_repeats : read_back_.repeats) += 1;
    repeats_.add(result.target);
  } else if (result.is_error) {
    if (errored_.test_and_set(*index)) return std::nullopt;
    note_first_error(result.icmp_type, result.icmp_code, *index);
    ++read_back_.errors;
  } else if (!restore_reply(result, *index)) {
    return std::nullopt;
  }
  counters_.records.add(1);
  return index;
}

std::optional<std::uint64_t> Receiver::restore_pass(Ipv4 target, unsigned pass) {
  const std::optional<std::uint64_t> index = targets_.index_of(target);
  if (!histories_ || !index || !replied_.test(*index)) return std::nullopt;
  histories_->add(target, *index, pass);
  return index;
}

bool Receiver::restore_reply(const ReadResult& result, std::uint64_t index) {
  if (replied_.test_and_set(index)) return false;
  counters_.replied.add(1);
  if (counters_.errors.get() > 0 && errored_.test(index)) counters_.errored_and_replied.add(1);
  if (result.responder && *result.responder != result.target) counters_.off_target.add(1);
  if (result.is_late) {
    counters_.in_cooldown.add(1);
    ++read_back_.in_cooldown;
  }
  if (result.is_elsewhere) counters_.elsewhere.add(1);
  replied_by_label_.add(result.target);
  replied_by_way_.add(result.target);
  const std::int64_t since_ns = result.received_us.value_or(0) * 1000 - first_start_ns_;
  replied_by_time_.add(
      std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(since_ns, 0)), earlier_ns_));
  if (result.rtt_ns) {
    rtt_.add(*result.rtt_ns);
  } else {
    counters_.without_rtt.add(1);
  }
  ++read_back_.replies;
  return true;
}

}  // namespace echoscan
