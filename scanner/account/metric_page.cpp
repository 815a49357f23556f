#include "scanner/account/metric_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "scanner/process/clock.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

using Labels = std::initializer_list<std::pair<std::string_view, std::string>>;

// A label's value: the format has escapes for three characters, and must be UTF-8.
std::string escaped(const std::string& value) {
  std::string text;
  for (const char c : printable_text(value)) {
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text;
}

std::string text_of(Labels labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "{" : ",", name, escaped(value));
  return text.empty() ? text : text + "}";
}

// Whole numbers as such: a count of 2^53 or less is exact.
std::string number_text(double value) {
  if (value == static_cast<double>(static_cast<std::int64_t>(value)))
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

}  // namespace

struct MetricPage::Writer {
  // The head of what follows.
  void counter(std::string_view metric, std::string_view help) {
    family(metric, "counter", help);
    grows = true;
  }
  void gauge(std::string_view metric, std::string_view help) {
    family(metric, "gauge", help);
    grows = false;
  }
  void family(std::string_view metric, std::string_view type, std::string_view help) {
    name = fmt::format("echoscan_{}", metric);
    page += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  // A number of any kind.
  void value(auto any_number, Labels labels = {}) {
    auto number = static_cast<double>(any_number);
    const std::string series = name + text_of(labels);
    if (grows) {
      double& last = said[series];
      last = number = std::max(last, number);
    }
    page += fmt::format("{} {}\n", series, number_text(number));
  }

  void write_state(const Progress& progress);
  void write_sending(const Snapshot& snapshot, const Progress& progress);
  void write_queues(const Snapshot& snapshot);
  void write_receiving(const ReceiverFigures& receiver);
  void write_output(const Snapshot& snapshot, const Progress& progress);
  void write_ways(const Progress& progress);

  std::map<std::string, double>& said;
  std::string page = {};
  std::string name = {};
  bool grows = false;
};

void MetricPage::Writer::write_state(const Progress& progress) {
  gauge("build_info", "The version, always 1");
  value(1.0, {{"version", ECHOSCAN_VERSION}});
  gauge("updated_timestamp_seconds", "When these figures were read");
  value(static_cast<double>(progress.taken_unix_ms) / 1e3);
  gauge("elapsed_seconds", "Since the scan began");
  value(progress.elapsed_s);
  gauge("phase", "1 for the phase that the scan is in");
  const std::string_view present = progress.has_ended     ? "ended"
                                   : progress.is_cooldown ? "cooldown"
                                   : progress.has_begun   ? "sending"
                                                          : "set-up";
  for (const char* phase : {"set-up", "sending", "cooldown", "ended"})
    value(present == phase ? 1 : 0, {{"phase", phase}});
  gauge("progress_ratio", "How many of the probes have left");
  value(progress.done_percent / 100);
  gauge("left_seconds", "What the rest takes at the pace so far; -1 before the first probe");
  value(progress.left_s.value_or(-1));
  gauge("probes", "Probes planned, less those that have no way");
  value(progress.probes);
}

void MetricPage::Writer::write_sending(const Snapshot& snapshot, const Progress& progress) {
  counter("probes_sent_total", "Frames that left, those included that carried a probe once more");
  value(progress.sent);
  gauge("probes_sent_again", "Of these, those that carried a probe for the second time");
  value(progress.sent_again);
  counter("targets_probed_total", "Targets whose first probe was handed over");
  value(snapshot.sum(&SenderFigures::first_pass));
  counter("probes_not_sent_total", "Probes that did not leave, by the cause");
  value(snapshot.sum(&SenderFigures::refused) + snapshot.sum(&TransmitterFigures::refused),
        {{"cause", "refused"}});
  value(snapshot.sum(&TransmitterFigures::unconfirmed), {{"cause", "unconfirmed"}});
  value(snapshot.sum(&TransmitterFigures::unroutable) + snapshot.sum(&SenderFigures::passed_over) +
            snapshot.sum(&SenderFigures::way_lost),
        {{"cause", "unroutable"}});
  value(snapshot.sum(&SenderFigures::replied_already), {{"cause", "replied"}});
  counter("sending_paused_seconds_total", "How long senders waited, summed, by what for");
  value(to_seconds(snapshot.sum(&SenderFigures::paused_link_ns)), {{"cause", "link"}});
  value(to_seconds(snapshot.sum(&SenderFigures::paused_output_ns)), {{"cause", "output"}});
  value(to_seconds(snapshot.sum(&SenderFigures::paused_receiver_ns)), {{"cause", "receiver"}});
  value(to_seconds(snapshot.sum(&SenderFigures::paused_pass_ns)), {{"cause", "pass"}});
}

// A queue with a raw socket beside its method has two modes.
void MetricPage::Writer::write_queues(const Snapshot& snapshot) {
  const auto each = [&](std::uint64_t TransmitterFigures::*figure) {
    for (const TransmitterFigures& part : snapshot.transmitters)
      value(part.*figure, {{"queue", std::to_string(part.queue)}, {"mode", part.mode}});
  };
  counter("queue_sent_total", "Frames that left, by transmit queue");
  each(&TransmitterFigures::sent);
  counter("queue_refusals_total", "How often the kernel refused a frame at first");
  each(&TransmitterFigures::refusals);
  counter("queue_kicks_total", "System calls of the sending");
  each(&TransmitterFigures::kicks);
}

void MetricPage::Writer::write_receiving(const ReceiverFigures& receiver) {
  counter("targets_replied_total", "Targets that have replied");
  value(receiver.replied);
  counter("targets_errored_total", "Targets about which an ICMP error came");
  value(receiver.errors);
  counter("targets_errored_and_replied_total", "Targets of which both came");
  value(receiver.errored_and_replied);
  counter("repeats_total", "Further replies of targets that have replied");
  value(receiver.repeats);
  counter("error_repeats_total", "Further ICMP errors about targets that had one");
  value(receiver.error_repeats);
  counter("unlisted_total", "Proved answers about addresses that are no targets");
  value(receiver.unlisted);
  counter("frames_seen_total", "Frames that were looked at");
  value(receiver.frames.seen);
  counter("frames_total", "The same, by what became of them");
#define OUTCOME_VALUE(enumerator, outcome_name, meaning) \
  value(receiver.frames.outcome[enumerator], {{"outcome", outcome_name}});
  FRAME_OUTCOMES(OUTCOME_VALUE)
#undef OUTCOME_VALUE
  counter("frames_dropped_unseen_total",
          "Frames that the kernel dropped before they were looked at");
  value(receiver.dropped_unseen);
}

void MetricPage::Writer::write_output(const Snapshot& snapshot, const Progress& progress) {
  counter("result_lines_total", "Lines of results");
  value(snapshot.output.lines);
  counter("result_bytes_total", "Bytes of results that were written");
  value(snapshot.output.bytes);
  counter("messages_dropped_total", "Messages that nobody took from standard error");
  value(progress.messages_dropped);
  gauge("limit", "1 for what holds the sending up just now");
  value(progress.output_is_limit ? 1.0 : 0.0, {{"limit", "output"}});
  value(progress.receiver_is_limit ? 1.0 : 0.0, {{"limit", "receiver"}});
}

void MetricPage::Writer::write_ways(const Progress& progress) {
  const auto each = [&](std::uint64_t WayProgress::*figure) {
    for (const WayProgress& way : progress.ways)
      value(way.*figure, {{"way", std::to_string(&way - progress.ways.data())},
                          {"kind", way.kind},
                          {"interface", way.interface},
                          {"next_hop", way.next_hop}});
  };
  gauge("way_targets", "Targets, by the way that the kernel has for them");
  each(&WayProgress::targets);
  counter("way_probes_total", "Probes handed over to be sent that way, each once");
  each(&WayProgress::sent);
  counter("way_targets_replied_total", "Its targets that have replied");
  each(&WayProgress::replied);
}

std::string MetricPage::make(const Snapshot& snapshot, const Progress& progress) {
  Writer writer{said_};
  writer.write_state(progress);
  writer.write_sending(snapshot, progress);
  writer.write_queues(snapshot);
  writer.write_receiving(snapshot.receiver);
  writer.write_output(snapshot, progress);
  writer.write_ways(progress);
  return std::move(writer.page);
}

}  // namespace echoscan
