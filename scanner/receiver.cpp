#include "scanner/receiver.h"

#include <optional>

#include "output/result_field.h"

namespace echoscan {
namespace {

constexpr int kFinishMs = 50;
static_assert(kTargetLabelBytesMax <= kTextBytesMax);

}  // namespace

Receiver::Receiver(const TargetSet& targets, std::uint32_t shard, ReplySource& source,
                   const GeoTable& geo, const ResultFormat& format, ResultWriter& writer,
                   Clock& clock, const ScanState& state, const LabelMap& labels)
    : targets_(targets),
      shard_(shard),
      source_(source),
      geo_(geo),
      format_(format),
      writer_(writer),
      clock_(clock),
      state_(state),
      answered_(targets.size()),
      batch_(kBatchSize),
      replied_by_label_(labels) {}

void Receiver::run(const std::function<void()>& on_output_failure) {
  while (true) {
    const bool stopping = state_.stop_receiving.load(std::memory_order_relaxed);
    if (stopping) source_.stop();
    const bool has_room = writer_.error() != 0 || !writer_.room(kBatchSize * kLineBytesMax).empty();
    const std::size_t received = has_room ? receive_batch() : 0;
    flush(0, on_output_failure);
    if (received == batch_.size()) continue;
    if (stopping && (has_room || state_.abandon_output.load(std::memory_order_relaxed))) break;
    if (writer_.backlog_bytes() > 0) {
      flush(kPollNs / 1'000'000, on_output_failure);
    } else {
      clock_.wait_until(clock_.now_ns() + (received < kBusyBatch ? kIdlePollNs : kPollNs));
    }
  }
  if (writer_.error() != 0) return;
  while (!writer_.finish(kFinishMs) && !state_.abandon_output.load(std::memory_order_relaxed)) {
  }
  if (writer_.error() != 0) on_output_failure();
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

void Receiver::take(const reply& reply) {
  const Ipv4 target{reply.target};
  const std::optional<std::uint64_t> index = targets_.index_of(target);
  if (!index) {
    counters_.unlisted.add(1);
    return;
  }
  if (answered_.test_and_set(*index)) {
    counters_.repeats.add(1);
    return;
  }
  Result result;
  result.received_us = (static_cast<std::int64_t>(reply.received_ns) + realtime_offset_ns_) / 1000;
  result.target = target;
  result.responder = Ipv4{reply.responder};
  result.icmp_type = reply.icmp_type;
  result.icmp_code = reply.icmp_code;
  result.cooldown = sending_ended_ns_ != 0 && reply.received_ns > sending_ended_ns_;
  result.ttl = reply.ttl;
  result.shard = shard_;
  // A send time in the future is not ours to print, however well it is authenticated.
  if (reply.sent_ns != 0 && reply.sent_ns < reply.received_ns) {
    result.rtt_ns = reply.received_ns - reply.sent_ns;
    rtt_.add(*result.rtt_ns);
  } else {
    counters_.without_rtt.add(1);
  }
  result.label = replied_by_label_.add(target);
  counters_.replied.add(1);
  if (result.cooldown) counters_.in_cooldown.add(1);
  if (writer_.error() != 0) return;
  if (!geo_.is_empty()) {
    const GeoRecord place = geo_.find(target);
    result.country = place.country;
    result.city = place.city;
    result.asn = place.asn;
    result.as_org = place.as_org;
  }
  char* line = writer_.room(kLineBytesMax).data();
  writer_.append(static_cast<std::size_t>(format_.write_line(line, result) - line));
}

}  // namespace echoscan
