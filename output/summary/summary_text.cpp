#include "output/summary/summary_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "output/summary/figure_text.h"

namespace echoscan {
namespace {

constexpr std::size_t kLabelsShown = 5;
constexpr std::size_t kWaysShown = 5;
constexpr std::uint64_t kRepeatsShown = 100;  // of one target, beside the worst
constexpr std::size_t kDigestShown = sizeof("sha256:") - 1 + 16;
constexpr const char* kRingFull = "ring_full";

// "512 reply, 2 stale, 3 unrelated" of those that are not 0: ARP and others' traffic says nothing
// about a scan, and the JSON has it apart.
std::string outcomes_text(const std::vector<Summary::Outcome>& outcomes) {
  constexpr std::array<std::string_view, 4> kUnrelated = {"not_ipv4", "not_icmp", "not_to_us",
                                                          "other_icmp"};
  std::string text;
  std::uint64_t unrelated = 0;
  const auto add = [&text](std::uint64_t frames, std::string_view name) {
    if (frames > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_thousands(frames), name);
  };
  for (const Summary::Outcome& outcome : outcomes) {
    if (std::ranges::find(kUnrelated, outcome.name) != kUnrelated.end()) {
      unrelated += outcome.frames;
    } else {
      add(outcome.frames, outcome.name);
    }
  }
  add(unrelated, "unrelated");
  return text.empty() ? "none" : text;
}

using NamedCount = std::pair<const char*, std::uint64_t>;

// The causes that are losses; probes that were stopped are none, since the user wanted it so.
std::array<NamedCount, 3> lost_probes(const Summary::NotSent& not_sent) {
  return {{{"refused", not_sent.refused},
           {"unconfirmed", not_sent.unconfirmed},
           {"unroutable", not_sent.unroutable}}};
}

std::string not_sent_text(const Summary::NotSent& not_sent) {
  std::string text;
  const auto add = [&text](const NamedCount& cause) {
    if (cause.second > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_thousands(cause.second),
                          cause.first);
  };
  add({"stopped", not_sent.stopped});
  add({"replied before", not_sent.replied});
  for (const NamedCount& cause : lost_probes(not_sent)) add(cause);
  return text;
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
    text += fmt::format("  {:<9} {} replied of {} ({:.2f} %): {}\n", shown == 0 ? "labels" : "",
                        with_thousands(label.replied), counted(label.targets, "target"),
                        percent(label.replied, label.targets),
                        label.name.empty() ? "(none)" : label.name);
  }
  return text;
}

// Several ways, a line each; one is said by the lines about sending.
std::string ways_text(const Summary& summary) {
  std::string text;
  if (summary.ways.size() < 2) return text;
  for (const Summary::Way& way : summary.ways) {
    const auto shown = static_cast<std::size_t>(&way - summary.ways.data());
    if (shown == kWaysShown) {
      text += fmt::format("            and {} more ways\n",
                          with_thousands(summary.ways.size() - shown));
      break;
    }
    text += fmt::format("  {:<9} {} replied of {}, {} sent: {}\n", shown == 0 ? "ways" : "",
                        with_thousands(way.replied), counted(way.targets, "target"),
                        with_thousands(way.sent),
                        way.interface.empty()  ? way.kind
                        : way.next_hop.empty() ? way.interface + " " + way.kind
                                               : way.interface + " via " + way.next_hop);
  }
  return text;
}

// What was left out of the lists, and why.
std::string left_out_text(const Summary& summary) {
  std::string text;
  const auto add = [&text](std::uint64_t count, const char* what) {
    if (count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_thousands(count), what);
  };
  add(summary.targets.listed_repeatedly, "addresses were listed more than once");
  add(summary.targets.ipv6_entries, "IPv6 entries were left out");
  add(summary.targets.filtered_entries, "entries were left out by --label-filter");
  add(summary.targets.bad_lines, "bad lines were skipped");
  return text.empty() ? "" : fmt::format("            {}\n", text);
}

// What went wrong on our side. It stands first, so that nobody has to find it in a table.
std::string losses_text(const Summary& summary) {
  std::string text;
  for (const std::string& fault : summary.ledger.faults)
    text += fmt::format("  DOES NOT ADD UP: {}\n", fault);
  if (!summary.output.error.empty())
    text += fmt::format("  results lost: {}\n", summary.output.error);
  for (const Summary::Outcome& outcome : summary.receiving.frames)
    if (outcome.name == kRingFull && outcome.frames > 0)
      text +=
          fmt::format("  replies lost: {} found the ring full\n", with_thousands(outcome.frames));
  if (summary.receiving.dropped_unseen > 0)
    text += fmt::format("  frames lost: {} dropped by the kernel before they were looked at\n",
                        with_thousands(summary.receiving.dropped_unseen));
  for (const auto& [cause, count] : lost_probes(summary.ledger.not_sent))
    if (count > 0) text += fmt::format("  probes lost: {} {}\n", with_thousands(count), cause);
  if (summary.ledger.in_doubt > 0)
    text += fmt::format(
        "  probes in doubt: {} left just before something was lost on their way or their "
        "replies' (see events), and were not sent again\n",
        with_thousands(summary.ledger.in_doubt));
  return text.empty() ? ""
                      : "echoscan: not everything is here, and the loss is on this side:\n" + text;
}

std::string sending_text(const Summary& summary) {
  std::string modes;
  std::uint64_t refusals = 0;
  for (const Summary::Queue& queue : summary.sending.queues) {
    if (modes.find(queue.mode) == std::string::npos)
      modes += fmt::format("{}{}", modes.empty() ? "" : ", ", queue.mode);
    refusals += queue.refusals;
  }
  const Summary::Sending& sending = summary.sending;
  const std::string allowed =
      sending.rate_allowed_pps == sending.rate_asked_pps
          ? ""
          : fmt::format(", by --per-slash24 {}", rate_text(sending.rate_allowed_pps));
  std::string text = fmt::format(
      "  sent      {} of {} on {} by {}, {} queue{}, {} a second (asked: {}{})\n",
      with_thousands(summary.ledger.sent), counted(summary.ledger.probes, "probe"),
      summary.sending.interface, modes, summary.sending.queues.size(),
      plural(summary.sending.queues.size()),
      summary.sending.rate_pps < 10
          ? fmt::format("{:.2f}", summary.sending.rate_pps)
          : with_thousands(static_cast<std::uint64_t>(summary.sending.rate_pps)),
      summary.sending.rate_asked_pps == 0 ? "max" : rate_text(summary.sending.rate_asked_pps),
      allowed);
  // It has other traffic, too: only fewer are worth a word.
  if (!summary.sending.interface_tx_packets)
    text += "            what the interface itself counted is not known\n";
  else if (*summary.sending.interface_tx_packets < summary.sending.ended)
    text += fmt::format("            the interface itself counted only {} packets\n",
                        with_thousands(*summary.sending.interface_tx_packets));
  if (summary.legs.size() > 1)
    text += fmt::format("            {} of the probes by {} earlier leg{}, {} again by this one\n",
                        with_thousands(summary.ledger.sent_earlier), summary.legs.size() - 1,
                        plural(summary.legs.size() - 1),
                        with_thousands(summary.legs.back().sent_again));
  if (summary.ledger.sent < summary.ledger.probes)
    text += fmt::format("            not sent: {}\n", not_sent_text(summary.ledger.not_sent));
  if (refusals > 0)
    text += fmt::format("            the kernel refused {} frames at first\n",
                        with_thousands(refusals));
  if (summary.ledger.sent_again > 0)
    text +=
        fmt::format("            {} were sent twice: something was lost behind them (see events)\n",
                    with_thousands(summary.ledger.sent_again));
  if (summary.sending.paused_for_link_s > 0)
    text += fmt::format("            sending waited {:.1f} s for what had been lost (see events)\n",
                        summary.sending.paused_for_link_s);
  if (summary.sending.paused_for_output_s > 0)
    text += fmt::format("            sending waited {:.1f} s for the reader of the results\n",
                        summary.sending.paused_for_output_s);
  if (summary.sending.paused_for_receiver_s > 0)
    text +=
        fmt::format("            sending waited {:.1f} s for the receiver, which was the limit\n",
                    summary.sending.paused_for_receiver_s);
  if (summary.sending.paused_for_pass_s > 0)
    text += fmt::format("            sending waited {:.1f} s between passes\n",
                        summary.sending.paused_for_pass_s);
  return text;
}

// How many targets replied, and how many of the others had an error or stayed silent.
std::string replied_text(const Summary& summary) {
  const std::uint64_t probed =
      summary.ledger.replied + summary.ledger.errored + summary.ledger.silent;
  std::string text = fmt::format(
      "  replied   {} of {}{} ({:.2f} %), {} had only an ICMP error, {} silent{}\n",
      with_thousands(summary.ledger.replied), counted(probed, "target"),
      summary.ledger.not_probed == 0 ? "" : " probed", percent(summary.ledger.replied, probed),
      with_thousands(summary.ledger.errored), with_thousands(summary.ledger.silent),
      summary.ledger.not_probed == 0
          ? ""
          : fmt::format("; {} not probed", with_thousands(summary.ledger.not_probed)));
  const Summary::Response& response = summary.response;
  if (response.probed < response.population)
    text += fmt::format("            {} of all {} would, as far as this sample says\n",
                        response.low ? fmt::format("{:.3g} to {:.3g} % (95 %)", *response.low * 100,
                                                   *response.high * 100)
                                     : "nobody knows how many",
                        with_thousands(response.population));
  if (summary.receiving.in_cooldown + summary.receiving.off_target > 0)
    text += fmt::format("            {} after the last probe, {} from another address\n",
                        with_thousands(summary.receiving.in_cooldown),
                        with_thousands(summary.receiving.off_target));
  if (summary.receiving.elsewhere > 0)
    text += fmt::format("            {} in by another interface than their probes left by\n",
                        with_thousands(summary.receiving.elsewhere));
  std::string errors;
  for (const Summary::Error& error : summary.receiving.errors)
    errors += fmt::format("{}{} {} {}/{}", errors.empty() ? "" : ", ", with_thousands(error.frames),
                          error.classification, error.icmp_type, error.icmp_code);
  if (!errors.empty()) text += fmt::format("  errors    {}\n", errors);
  return text;
}

// What several passes say of losses.
std::string passes_text(const Summary& summary) {
  std::string text;
  const Summary::Passes& passes = summary.passes;
  for (std::size_t i = 0; i < passes.each.size(); ++i) {
    const Summary::PassAnswers& answers = passes.each[i].answers;
    text += fmt::format(
        "  {:<9} {}: {} of {} sent answered, {} only then{}\n", i == 0 ? "passes" : "", i + 1,
        with_thousands(answers.answered), with_thousands(passes.each[i].sent),
        with_thousands(answers.only_then),
        answers.loss ? fmt::format("; {:.2f} % lost or gone", *answers.loss * 100) : "");
  }
  if (passes.unknown > 0)
    text +=
        fmt::format("            {} replied to a pass that nobody knows: the payload was altered\n",
                    with_thousands(passes.unknown));
  const Summary::Estimate& estimate = passes.estimate;
  if (estimate.targets) {
    const auto whole = [](double count) {
      return with_thousands(static_cast<std::uint64_t>(std::llround(count)));
    };
    text += fmt::format(
        "            loss or churn, a lower bound: losses that hit {} passes are invisible\n"
        "            so {} would answer at least (Chapman; chance alone {:.1f} either way){}\n",
        passes.each.size() == 2 ? "both" : "all", whole(*estimate.targets),
        *estimate.standard_error,
        estimate.chao_targets ? fmt::format(", {} by Chao's bound", whole(*estimate.chao_targets))
                              : "");
  } else if (!passes.why_no_estimate.empty()) {
    text += fmt::format("            no estimate of losses: {}\n", passes.why_no_estimate);
  }
  return text;
}

// What the control group says of the rate.
std::string control_text(const Summary& summary) {
  if (!summary.control) return {};
  const Summary::Control& control = *summary.control;
  std::string text = fmt::format(
      "  control   {} targets asked at {} a second, then at {}: {} answered both times, {} only "
      "slowly,\n            {} only at the full rate\n",
      with_thousands(control.targets), rate_text(control.rate_pps),
      rate_text(summary.sending.rate_allowed_pps), with_thousands(control.both),
      with_thousands(control.only_slowly), with_thousands(control.only_at_full_rate));
  if (!control.deviations)
    return text +
           fmt::format("            which says nothing of the rate: {}\n", control.why_no_verdict);
  if (control.is_rate_too_high())
    return text +
           fmt::format(
               "            that is {:.0f} standard deviations below chance: the rate is too "
               "high for some networks\n",
               -*control.deviations);
  return text + "            no fewer answer at the full rate than chance explains\n";
}

std::string repeats_text(const Summary& summary) {
  if (summary.receiving.repeats + summary.receiving.error_repeats == 0) return "";
  std::string worst;
  for (const Summary::Repeater& repeater : summary.receiving.top_repeaters)
    if (worst.empty() || repeater.repeats >= kRepeatsShown)
      worst += fmt::format("{}{} of {}", worst.empty() ? "" : ", ",
                           with_thousands(repeater.repeats), repeater.target);
  return fmt::format("  repeats   {} replies, {} errors; most: {}\n",
                     with_thousands(summary.receiving.repeats),
                     with_thousands(summary.receiving.error_repeats), worst);
}

// Some of them may be frames that nobody here takes, so that they are no loss yet.
std::string interface_drops_text(const Summary& summary) {
  const Summary::Receiving& receiving = summary.receiving;
  const std::uint64_t dropped = receiving.interface_dropped.value_or(0);
  const std::uint64_t missed = receiving.interface_missed.value_or(0);
  const std::uint64_t fifo_errors = receiving.interface_fifo_errors.value_or(0);
  if (dropped + missed + fifo_errors == 0) return "";
  return fmt::format(
      "            {} itself dropped frames on receive, replies perhaps among them: rx_dropped {}, "
      "rx_missed {}, rx_fifo {}\n",
      summary.sending.interface, with_thousands(dropped), with_thousands(missed),
      with_thousands(fifo_errors));
}

// Who sent most of the replies of others.
std::string responders_text(const Summary& summary) {
  if (summary.receiving.top_responders.empty()) return "";
  const Summary::Responder& most = summary.receiving.top_responders.front();
  return fmt::format("            {} replies from another address, most in the name of {}: {}\n",
                     with_thousands(summary.receiving.off_target_replies), most.responder,
                     with_thousands(most.replies));
}

std::string targets_text(const Summary::Targets& targets) {
  std::string left_out;
  const auto add = [&left_out](std::uint64_t count, const char* what) {
    if (count > 0) left_out += fmt::format(", {} {}", with_thousands(count), what);
  };
  add(targets.excluded_by_user, "excluded");
  add(targets.excluded_by_system, "excluded by the system-wide list");
  add(targets.excluded_reserved, "special-purpose left out");
  return fmt::format("  targets   {} listed{}; {}, {}\n", with_thousands(targets.listed), left_out,
                     counted(targets.ranges, "range"), targets.digest.substr(0, kDigestShown));
}

}  // namespace

std::string summary_text(const Summary& summary) {
  std::string text = losses_text(summary);
  text += fmt::format("echoscan: {} after {:.1f} s ({} to {})\n", summary.outcome,
                      static_cast<double>(summary.ended_ms - summary.started_ms) / 1000,
                      time_text(summary.started_ms), time_text(summary.ended_ms));
  text += sending_text(summary);
  text += replied_text(summary);
  if (summary.rtt.count > 0)
    text += fmt::format("  rtt       min {}, p50 {}, p90 {}, p99 {}, max {}\n",
                        duration_text(summary.rtt.min_ns), duration_text(summary.rtt.p50_ns),
                        duration_text(summary.rtt.p90_ns), duration_text(summary.rtt.p99_ns),
                        duration_text(summary.rtt.max_ns));
  text += passes_text(summary);
  text += control_text(summary);
  text += responders_text(summary);
  text += repeats_text(summary);
  text +=
      fmt::format("  frames    {} seen by {}: {}\n", with_thousands(summary.receiving.frames_seen),
                  summary.receiving.mode, outcomes_text(summary.receiving.frames));
  text += interface_drops_text(summary);
  text += targets_text(summary.targets);
  text += left_out_text(summary);
  text += labels_text(summary);
  text += ways_text(summary);
  if (!summary.scan_id.empty()) text += fmt::format("  scan_id   {}\n", summary.scan_id);
  text += fmt::format("  order     --seed {}, {} pass{}\n", summary.order.seed,
                      summary.order.passes, plural(summary.order.passes, "es"));
  if (summary.order.shards > 1)
    text += fmt::format("  shard     {} of {}: steps {} to {} of the first {} targets' order\n",
                        summary.order.shard, summary.order.shards, summary.order.step_begin,
                        summary.order.step_end, with_thousands(summary.order.first));
  return text;
}

}  // namespace echoscan
