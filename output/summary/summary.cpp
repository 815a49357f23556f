#include "output/summary/summary.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace echoscan {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLabelsShown = 5;
constexpr std::uint64_t kRepeatsShown = 100;  // of one target, beside the worst
constexpr double kMicrosecondNs = 1000.0;
constexpr std::int64_t kSecondUs = 1'000'000;

double microseconds(std::uint64_t ns) {
  return static_cast<double>(ns) / kMicrosecondNs;
}

// RFC 3339, UTC, to the millisecond.
std::string time_text(std::int64_t us) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(us / kSecondUs),
                     us % kSecondUs / 1000);
}

Json named_counts(const std::vector<Summary::Named>& counts) {
  Json json = Json::object();
  for (const Summary::Named& named : counts) json[named.name] = named.count;
  return json;
}

// "3 not_ipv4, 512 reply" of those that are not 0.
std::string named_text(const std::vector<Summary::Named>& counts) {
  std::string text;
  for (const Summary::Named& named : counts)
    if (named.count > 0)
      text +=
          fmt::format("{}{} {}", text.empty() ? "" : ", ", with_thousands(named.count), named.name);
  return text.empty() ? "none" : text;
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string rtt_text(std::uint64_t ns) {
  if (ns < 1'000'000) return fmt::format("{:.1f} us", microseconds(ns));
  return fmt::format("{:.1f} ms", microseconds(ns) / 1000);
}

Json sending_json(const Summary& summary) {
  Json queues = Json::array();
  for (const Summary::Queue& queue : summary.queues)
    queues.push_back({{"queue", queue.queue},
                      {"mode", queue.mode},
                      {"cpu", queue.cpu},
                      {"sent", queue.sent},
                      {"refusals", queue.refusals},
                      {"kicks", queue.kicks}});
  Json json = {
      {"interface", summary.interface},
      {"source", summary.source},
      {"gateway", summary.gateway},
      {"rate_asked_pps", summary.rate_asked_pps == 0 ? Json("max") : Json(summary.rate_asked_pps)},
      {"rate_pps", summary.rate_pps},
      {"seconds", summary.sending_s},
      {"queues", std::move(queues)},
      {"interface_tx_packets", summary.interface_tx_packets},
      {"paused_for_link_seconds", summary.paused_for_link_s},
      {"paused_for_output_seconds", summary.paused_for_output_s},
      {"paused_for_receiver_seconds", summary.paused_for_receiver_s}};
  return json;
}

Json labels_json(const Summary& summary) {
  Json labels = Json::array();
  for (const Summary::Label& label : summary.labels)
    labels.push_back({{"label", label.name.empty() ? Json(nullptr) : Json(label.name)},
                      {"targets", label.targets},
                      {"sent", label.sent},
                      {"replied", label.replied}});
  return labels;
}

Json series_json(const Summary::TimeSeries& series) {
  return {{"bin_seconds", series.bin_seconds}, {"counts", series.counts}};
}

Json receiving_json(const Summary& summary) {
  Json errors = Json::array();
  for (const Summary::Error& error : summary.errors)
    errors.push_back({{"classification", error.classification},
                      {"icmp_type", error.icmp_type},
                      {"icmp_code", error.icmp_code},
                      {"frames", error.frames},
                      {"targets", error.targets}});
  Json repeaters = Json::array();
  for (const Summary::Repeater& repeater : summary.top_repeaters)
    repeaters.push_back({{"target", repeater.target},
                         {"repeats", repeater.repeats},
                         {"repeats_at_most", repeater.repeats_at_most}});
  return {{"mode", summary.receiver},
          {"frames_seen", summary.frames_seen},
          {"frames", named_counts(summary.frames)},
          {"dropped_unseen", summary.dropped_unseen},
          {"repeats", summary.repeats},
          {"error_repeats", summary.error_repeats},
          {"unlisted", summary.unlisted},
          {"errored_and_replied", summary.errored_and_replied},
          {"off_target", summary.off_target},
          {"without_rtt", summary.without_rtt},
          {"in_cooldown", summary.in_cooldown},
          {"errors", std::move(errors)},
          {"top_repeaters", std::move(repeaters)},
          {"replied_by_time", series_json(summary.replied_by_time)},
          {"replied_late", series_json(summary.replied_late)}};
}

Json rtt_json(const Summary& summary) {
  Json bins = Json::array();
  for (const RttHistogram::Bin& bin : summary.rtt_bins)
    bins.push_back({{"from", microseconds(bin.from_ns)},
                    {"to", microseconds(bin.to_ns)},
                    {"count", bin.count}});
  return {{"count", summary.rtt_count},
          {"min", microseconds(summary.rtt_min_ns)},
          {"p50", microseconds(summary.rtt_p50_ns)},
          {"p90", microseconds(summary.rtt_p90_ns)},
          {"p99", microseconds(summary.rtt_p99_ns)},
          {"max", microseconds(summary.rtt_max_ns)},
          {"histogram", std::move(bins)}};
}

// The largest few, a line each.
std::string labels_text(const Summary& summary) {
  std::string text;
  for (const Summary::Label& label : summary.labels) {
    const auto shown = static_cast<std::size_t>(&label - summary.labels.data());
    if (shown == kLabelsShown) {
      text += fmt::format("            and {} more labels\n",
                          with_thousands(summary.labels.size() - shown));
      break;
    }
    text += fmt::format("  {:<9} {} replied of {} targets ({:.2f} %): {}\n",
                        shown == 0 ? "labels" : "", with_thousands(label.replied),
                        with_thousands(label.targets), percent(label.replied, label.targets),
                        label.name.empty() ? "(none)" : label.name);
  }
  return text;
}

// Why a list gave fewer targets than it has lines.
std::string left_out_text(const Summary& summary) {
  std::string text;
  const auto add = [&text](std::uint64_t count, const char* what) {
    if (count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_thousands(count), what);
  };
  add(summary.listed_repeatedly, "addresses were listed more than once");
  add(summary.ipv6_entries, "IPv6 entries were left out");
  add(summary.filtered_entries, "entries were left out by --label-filter");
  add(summary.bad_lines, "bad lines were skipped");
  return text.empty() ? "" : fmt::format("            {}\n", text);
}

// What went wrong on our side, first of all: nobody should have to find it in a table.
std::string losses_text(const Summary& summary) {
  std::string text;
  for (const std::string& fault : summary.faults)
    text += fmt::format("  DOES NOT ADD UP: {}\n", fault);
  if (!summary.output_error.empty())
    text += fmt::format("  results lost: {}\n", summary.output_error);
  for (const Summary::Named& named : summary.frames)
    if (named.name == "ring_full" && named.count > 0)
      text += fmt::format("  replies lost: {} found the ring full\n", with_thousands(named.count));
  if (summary.dropped_unseen > 0)
    text += fmt::format("  frames lost: {} dropped by the kernel before they were looked at\n",
                        with_thousands(summary.dropped_unseen));
  for (const Summary::Named& named : summary.not_sent)
    if (named.name != "stopped" && named.count > 0)
      text += fmt::format("  probes lost: {} {}\n", with_thousands(named.count), named.name);
  if (summary.in_doubt > 0)
    text += fmt::format(
        "  probes in doubt: {} left just before the link was lost, and were not sent "
        "again\n",
        with_thousands(summary.in_doubt));
  return text.empty() ? ""
                      : "echoscan: not everything is here, and the loss is on this side:\n" + text;
}

std::string sending_text(const Summary& summary) {
  std::string modes;
  std::uint64_t refusals = 0;
  for (const Summary::Queue& queue : summary.queues) {
    if (modes.find(queue.mode) == std::string::npos)
      modes += fmt::format("{}{}", modes.empty() ? "" : ", ", queue.mode);
    refusals += queue.refusals;
  }
  std::string text =
      fmt::format("  sent      {} of {} probes on {} by {}, {} queue{}, {} a second (asked: {})\n",
                  with_thousands(summary.sent), with_thousands(summary.probes), summary.interface,
                  modes, summary.queues.size(), summary.queues.size() == 1 ? "" : "s",
                  with_thousands(static_cast<std::uint64_t>(summary.rate_pps)),
                  summary.rate_asked_pps == 0 ? "max" : with_thousands(summary.rate_asked_pps));
  text += fmt::format("            the interface itself counted {} packets\n",
                      with_thousands(summary.interface_tx_packets));
  if (summary.sent < summary.probes)
    text += fmt::format("            not sent: {}\n", named_text(summary.not_sent));
  if (refusals > 0)
    text += fmt::format("            the kernel refused {} frames at first\n",
                        with_thousands(refusals));
  if (summary.sent_again > 0)
    text += fmt::format("            {} were sent twice: the link was lost when they had left\n",
                        with_thousands(summary.sent_again));
  if (summary.paused_for_link_s > 0)
    text += fmt::format("            sending waited {:.1f} s for the link to come back\n",
                        summary.paused_for_link_s);
  if (summary.paused_for_output_s > 0)
    text += fmt::format("            sending waited {:.1f} s for the reader of the results\n",
                        summary.paused_for_output_s);
  if (summary.paused_for_receiver_s > 0)
    text +=
        fmt::format("            sending waited {:.1f} s for the receiver, which was the limit\n",
                    summary.paused_for_receiver_s);
  return text;
}

// What became of the targets, and of those without a reply what was said about them.
std::string replied_text(const Summary& summary) {
  const std::uint64_t probed = summary.replied + summary.errored + summary.silent;
  std::string text = fmt::format(
      "  replied   {} of {} targets ({:.2f} %), {} had an ICMP error, {} silent{}\n",
      with_thousands(summary.replied), with_thousands(summary.targets),
      percent(summary.replied, probed), with_thousands(summary.errored),
      with_thousands(summary.silent),
      summary.not_probed == 0 ? ""
                              : fmt::format(", {} not probed", with_thousands(summary.not_probed)));
  if (summary.in_cooldown + summary.off_target > 0)
    text += fmt::format("            {} after the last probe, {} from another address\n",
                        with_thousands(summary.in_cooldown), with_thousands(summary.off_target));
  std::string errors;
  for (const Summary::Error& error : summary.errors)
    errors += fmt::format("{}{} {} {}/{}", errors.empty() ? "" : ", ", with_thousands(error.frames),
                          error.classification, error.icmp_type, error.icmp_code);
  if (!errors.empty()) text += fmt::format("  errors    {}\n", errors);
  return text;
}

std::string repeats_text(const Summary& summary) {
  if (summary.repeats + summary.error_repeats == 0) return "";
  std::string worst;
  for (const Summary::Repeater& repeater : summary.top_repeaters)
    if (worst.empty() || repeater.repeats >= kRepeatsShown)
      worst += fmt::format("{}{} of {}", worst.empty() ? "" : ", ",
                           with_thousands(repeater.repeats), repeater.target);
  return fmt::format("  repeats   {} replies, {} errors; most: {}\n",
                     with_thousands(summary.repeats), with_thousands(summary.error_repeats), worst);
}

}  // namespace

std::string with_thousands(std::uint64_t number) {
  if (number < 1000) return std::to_string(number);
  return fmt::format("{},{:03}", with_thousands(number / 1000), number % 1000);
}

std::string summary_json(const Summary& summary) {
  const Json json = {
      {"type", "summary"},
      {"version", summary.version},
      {"outcome", summary.outcome},
      {"started", time_text(summary.started_us)},
      {"ended", time_text(summary.ended_us)},
      {"targets",
       {{"listed", summary.listed},
        {"listed_repeatedly", summary.listed_repeatedly},
        {"excluded_by_user", summary.excluded_by_user},
        {"excluded_reserved", summary.excluded_reserved},
        {"count", summary.targets},
        {"ranges", summary.ranges},
        {"ipv6_entries", summary.ipv6_entries},
        {"filtered_entries", summary.filtered_entries},
        {"bad_lines", summary.bad_lines},
        {"digest", "sha256:" + summary.digest}}},
      {"order",
       {{"seed", summary.seed},
        {"prime", summary.prime},
        {"generator", summary.generator},
        {"start", summary.start},
        {"n", summary.permuted},
        {"passes", summary.passes},
        {"first", summary.first},
        {"shard", summary.shard},
        {"shards", summary.shards},
        {"step_begin", summary.step_begin},
        {"step_end", summary.step_end}}},
      {"ledger",
       {{"probes", summary.probes},
        {"sent", summary.sent},
        {"sent_again", summary.sent_again},
        {"in_doubt", summary.in_doubt},
        {"not_sent", named_counts(summary.not_sent)},
        {"replied", summary.replied},
        {"errored", summary.errored},
        {"silent", summary.silent},
        {"not_probed", summary.not_probed},
        {"adds_up", summary.faults.empty()},
        {"faults", summary.faults}}},
      {"labels", labels_json(summary)},
      {"sending", sending_json(summary)},
      {"receiving", receiving_json(summary)},
      {"rtt_us", rtt_json(summary)},
      {"output",
       {{"lines", summary.lines},
        {"error_lines", summary.error_lines},
        {"repeat_lines", summary.repeat_lines},
        {"bytes", summary.bytes},
        {"error", summary.output_error.empty() ? Json(nullptr) : Json(summary.output_error)}}},
  };
  return json.dump(2) + "\n";
}

std::string summary_text(const Summary& summary) {
  std::string text = losses_text(summary);
  text += fmt::format(
      "echoscan: {} after {:.1f} s ({} to {})\n", summary.outcome,
      static_cast<double>(summary.ended_us - summary.started_us) / static_cast<double>(kSecondUs),
      time_text(summary.started_us), time_text(summary.ended_us));
  text += sending_text(summary);
  text += replied_text(summary);
  if (summary.rtt_count > 0)
    text += fmt::format("  rtt       min {}, p50 {}, p90 {}, p99 {}, max {}\n",
                        rtt_text(summary.rtt_min_ns), rtt_text(summary.rtt_p50_ns),
                        rtt_text(summary.rtt_p90_ns), rtt_text(summary.rtt_p99_ns),
                        rtt_text(summary.rtt_max_ns));
  text += repeats_text(summary);
  text += fmt::format("  frames    {} seen by {}: {}\n", with_thousands(summary.frames_seen),
                      summary.receiver, named_text(summary.frames));
  text += fmt::format("  targets   {} listed, {} excluded, {} reserved; {} range{}, sha256:{}\n",
                      with_thousands(summary.listed), with_thousands(summary.excluded_by_user),
                      with_thousands(summary.excluded_reserved), with_thousands(summary.ranges),
                      summary.ranges == 1 ? "" : "s", summary.digest.substr(0, 16));
  text += left_out_text(summary);
  text += labels_text(summary);
  text += fmt::format("  order     --seed {}, n {}, p {}, g {}, {} pass{}\n", summary.seed,
                      summary.permuted, summary.prime, summary.generator, summary.passes,
                      summary.passes == 1 ? "" : "es");
  if (summary.shards > 1)
    text += fmt::format("  shard     {} of {}: steps {} to {} of the first {} targets' order\n",
                        summary.shard, summary.shards, summary.step_begin, summary.step_end,
                        with_thousands(summary.first));
  return text;
}

}  // namespace echoscan
