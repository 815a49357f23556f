#include "output/report/page_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "output/summary/figure_text.h"
#include "output/summary/paired_change.h"

namespace echoscan {
namespace {

constexpr std::size_t kHistoriesShown = 256;
constexpr std::size_t kEventsShown = 50;
constexpr std::size_t kErrorsShown = 40;
// Of a probe that carries nothing but itself.
constexpr std::uint64_t kShortestPayloadBytes = 18;

std::string share_text(double share) {
  return share < 0.0001 && share > 0 ? fmt::format("{:.4f} %", 100 * share)
                                     : fmt::format("{:.2f} %", 100 * share);
}

std::string with_count(std::uint64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", with_thousands(count), count == 1 ? one : many);
}

bool is_sample(const Summary& summary) {
  return summary.response.probed < summary.response.population;
}

std::string plain_outcome(const std::string& outcome) {
  return outcome == "finished" ? "it ran to its end" : "it ended early: " + outcome;
}

void add_head(const Summary& summary, PageText& text) {
  const Summary::Response& response = summary.response;
  text.fields.emplace_back("headline", fmt::format("{} of {} addresses answered a ping",
                                                   with_thousands(summary.ledger.replied),
                                                   with_thousands(response.probed)));
  text.fields.emplace_back("headline_share",
                           response.share ? share_text(*response.share) : std::string());
  std::string sure;
  if (!is_sample(summary)) {
    sure = fmt::format(
        "All addresses of the lists{} were asked, so no share here is a guess from a sample.",
        summary.ledger.without_way > 0 ? " that have a way" : "");
  } else if (response.low && response.high) {
    sure = fmt::format(
        "A random sample of {} addresses was asked. Of all of them between {} and {} would have "
        "answered ({} to {} addresses), at 95 % confidence.",
        with_thousands(response.population), share_text(*response.low), share_text(*response.high),
        with_thousands(static_cast<std::uint64_t>(*response.low * double(response.population))),
        with_thousands(static_cast<std::uint64_t>(*response.high * double(response.population))));
  } else {
    sure = fmt::format("Of {} addresses too few were asked to say what share of all would answer.",
                       with_thousands(response.population));
  }
  text.fields.emplace_back("sure", sure);
  text.fields.emplace_back(
      "when", fmt::format("{} to {}", time_text(summary.started_ms), time_text(summary.ended_ms)));
  text.fields.emplace_back(
      "sent", fmt::format("{} sent at {} a second", counted(summary.ledger.sent, "probe"),
                          with_thousands(static_cast<std::uint64_t>(summary.sending.rate_pps))));
  text.fields.emplace_back("rtt_line",
                           summary.rtt.count == 0
                               ? "no round-trip time"
                               : "median round-trip time " + duration_text(summary.rtt.p50_ns));
}

void add_warnings(const ReportContent& content, PageText& text) {
  const Summary& summary = content.summary;
  for (const std::string& fault : summary.ledger.faults)
    text.warnings.push_back("The scan's sums do not agree: " + fault);
  if (summary.outcome != "finished")
    text.warnings.push_back(fmt::format("The scan ended early: {}.", summary.outcome));
  const auto warn = [&text](std::uint64_t count, const char* what) {
    if (count > 0) text.warnings.push_back(fmt::format("{} {}.", with_thousands(count), what));
  };
  warn(summary.ledger.not_sent.refused + summary.ledger.not_sent.unconfirmed,
       "probes were refused by this side's own system and not sent");
  warn(summary.ledger.without_way, "probes had no way to their addresses, and were not sent");
  warn(summary.ledger.in_doubt,
       "probes are in doubt: something was lost around them, so their silence says nothing");
  warn(summary.receiving.dropped_unseen, "frames were dropped by this side's kernel unseen");
  warn(summary.output.lines_abandoned, "results were received and not written");
  if (!summary.output.error.empty())
    text.warnings.push_back("Results were lost: " + summary.output.error);
  const std::uint64_t replies = content.aggregate.total().replies;
  if (replies != summary.ledger.replied)
    text.warnings.push_back(
        fmt::format("The results hold {} replies and the summary {}: maps and tables show the "
                    "former, the headline the latter.",
                    with_thousands(replies), with_thousands(summary.ledger.replied)));
  if (content.report.malformed > 0)
    text.warnings.push_back(fmt::format("{} of the results were no results, and are left out.",
                                        counted(content.report.malformed, "line")));
}

// Histories are kept of two passes to eight.
std::string why_no_estimate(const Summary& summary) {
  return summary.passes.each.empty() ? "of so many passes no histories are kept"
                                     : summary.passes.why_no_estimate;
}

void add_answers(const Summary& summary, PageText& text) {
  text.answers.emplace_back(
      "An address counts as answering when it sent an echo reply that proves, by a keyed tag in "
      "its "
      "payload, which of this scan's probes it answers. An address that did not answer may be "
      "unused, "
      "may filter pings, or may have lost the probe or the reply: silence is not absence.");
  const Summary::Passes& passes = summary.passes;
  if (passes.estimate.targets && passes.estimate.standard_error) {
    std::string estimate = fmt::format(
        "If nothing had been lost, at least about {} would have answered (Chapman's estimate from "
        "what the passes share; {} by chance alone, one standard error). That is loss or churn, "
        "and "
        "a lower bound: losses that hit every pass are invisible.",
        with_thousands(static_cast<std::uint64_t>(std::llround(*passes.estimate.targets))),
        fmt::format("±{:.0f}", *passes.estimate.standard_error));
    if (passes.estimate.chao_targets)
      estimate += fmt::format(
          " Chao's lower bound, from all passes, is {}.",
          with_thousands(static_cast<std::uint64_t>(std::llround(*passes.estimate.chao_targets))));
    if (passes.unknown > 0)
      estimate += fmt::format(
          " It speaks of addresses whose replies prove their pass; {} more answered with a changed "
          "payload, which proves none.",
          with_thousands(passes.unknown));
    text.answers.push_back(std::move(estimate));
  } else if (summary.order.passes >= 2) {
    text.answers.push_back("There is no estimate of how many would answer without losses: " +
                           why_no_estimate(summary) + ".");
  } else {
    text.answers.emplace_back(
        "Each address was asked once, so that a lost packet cannot be told from silence. A scan "
        "with "
        "--probes 2 can say how much was lost.");
  }
}

void add_change(const EarlierScan& earlier, PageText& text) {
  const PairedChange change = paired_change(earlier.gained, earlier.lost);
  std::string sentence = fmt::format(
      "Against {} of {}: {} answered both scans, {} this one alone, {} the earlier one alone",
      earlier.name, time_text(earlier.started_ms), with_count(earlier.both, "address", "addresses"),
      with_thousands(earlier.gained), with_thousands(earlier.lost));
  if (earlier.asked)
    sentence += fmt::format(", of {} that both have asked", with_thousands(*earlier.asked));
  text.answers.push_back(
      sentence +
      (change.is_chance()
           ? ". By chance alone the difference could be as large."
           : fmt::format(". This scan heard {} by more than chance ({:.1f} standard deviations): "
                         "hosts, way or rate were not the same.",
                         change.deviations < 0 ? "fewer" : "more", change.deviations)));
}

void add_ledger(const Summary& summary, PageText& text) {
  const auto add = [&text](const char* name, std::uint64_t count, const char* meaning,
                           bool is_always = false) {
    if (count > 0 || is_always)
      text.ledger.push_back(
          {{"name", name}, {"count", with_thousands(count)}, {"meaning", meaning}});
  };
  const Summary::Targets& targets = summary.targets;
  add("listed", targets.listed, "addresses of the lists, each once", true);
  add("excluded", targets.excluded_by_user + targets.excluded_by_system,
      "taken off by lists of exclusions and opt-outs", true);
  add("reserved", targets.excluded_reserved, "special-purpose addresses, which are not probed");
  add("answered", summary.ledger.replied, "sent an echo reply that proves its probe", true);
  add("error", summary.ledger.errored,
      "for these a router or host sent an ICMP error, and no reply");
  add("silent", summary.ledger.silent, "were asked, and nothing came", true);
  add("not asked", summary.ledger.not_probed, "the scan ended before, or was to ask a part");
  add("probes planned", summary.ledger.probes, "addresses times passes", true);
  add("probes sent", summary.ledger.sent, "each once", true);
  add("sent again", summary.ledger.sent_again, "of these a second time, behind a lost link");
  add("stopped", summary.ledger.not_sent.stopped, "not sent, as the scan was ended");
  add("refused", summary.ledger.not_sent.refused + summary.ledger.not_sent.unconfirmed,
      "not sent, as this side's system refused them");
  add("unroutable", summary.ledger.not_sent.unroutable, "not sent, as their gateway was lost");
  add("spared", summary.ledger.not_sent.replied, "not sent, as the address had answered (--retry)");
  add("without a way", summary.ledger.without_way, "not sent, as the kernel has no route");
  text.fields.emplace_back(
      "sums",
      summary.ledger.faults.empty()
          ? "All sums of the scan's ledger agree: each probe and each frame that came in ended in "
            "one counted outcome."
          : "The sums of the scan's ledger do not agree; see the top of this page.");
}

void add_times(const Summary& summary, PageText& text) {
  const Summary::Rtt& rtt = summary.rtt;
  text.fields.emplace_back(
      "rtt_text",
      rtt.count == 0
          ? "No reply has a round-trip time."
          : fmt::format("Half of {} came within {}, 90 % within {}, 99 % within {}; the "
                        "fastest took {}, the slowest {}. The send time comes back in the "
                        "reply, so that no table of pending probes can lose it.",
                        with_count(rtt.count, "first reply", "first replies"),
                        duration_text(rtt.p50_ns), duration_text(rtt.p90_ns),
                        duration_text(rtt.p99_ns), duration_text(rtt.min_ns),
                        duration_text(rtt.max_ns)));
  text.fields.emplace_back(
      "late_text",
      fmt::format("{} came after the last probe had left. Where many still come at the "
                  "end of the wait, a longer one (--cooldown) finds more.",
                  with_count(summary.receiving.in_cooldown, "answer", "answers")));
}

// What the control group says of the rate.
void add_control(const Summary& summary, PageText& text) {
  if (!summary.control) return;
  const Summary::Control& control = *summary.control;
  std::string sentence = fmt::format(
      "A random {} were asked at {} a second first, and later at the full rate: {} answered both "
      "times, {} only slowly and {} only at the full rate.",
      with_count(control.targets, "address", "addresses"), rate_text(control.rate_pps),
      with_thousands(control.both), with_thousands(control.only_slowly),
      with_thousands(control.only_at_full_rate));
  if (!control.deviations) {
    sentence += " That says nothing of the rate, as " + control.why_no_verdict + ".";
  } else if (control.is_rate_too_high()) {
    sentence += fmt::format(
        " That is {:.0f} standard deviations below chance: the rate was too high for some of the "
        "networks, whose silence is the scan's own doing.",
        -*control.deviations);
  } else {
    sentence += " Chance explains that: at the full rate no fewer answer.";
  }
  text.losses.push_back(std::move(sentence));
}

void add_losses(const Summary& summary, PageText& text) {
  const Summary::Passes& passes = summary.passes;
  if (summary.order.passes > 1 && passes.each.empty()) {
    text.losses.push_back("Nothing is known of losses, as " + why_no_estimate(summary) + ".");
    return;
  }
  if (passes.each.size() < 2) {
    text.losses.emplace_back(
        "One pass was sent, which cannot tell loss from silence. What this side itself lost is "
        "counted "
        "above.");
    return;
  }
  text.losses.emplace_back(
      summary.order.retries > 0
          ? "Those that had not answered by then were asked again, so that passes did not ask the "
            "same "
            "addresses, and what each has lost is not known."
          : "Each address was asked in several passes. One that has answered one pass and not "
            "another was lost there, or came or went meanwhile; one that has answered none may "
            "have "
            "been lost every time, which nobody can see from here.");
  for (std::size_t i = 0; i < passes.each.size(); ++i) {
    const Summary::Pass& pass = passes.each[i];
    text.passes.push_back(
        {{"number", fmt::format("{}", i + 1)},
         {"sent", with_thousands(pass.sent)},
         {"answered", with_thousands(pass.answers.answered)},
         {"only_then", with_thousands(pass.answers.only_then)},
         {"loss", pass.answers.loss ? share_text(*pass.answers.loss) : "unknown"}});
  }
  for (std::size_t history = 1; history < std::min(passes.histories.size(), kHistoriesShown);
       ++history) {
    std::string name;
    for (std::size_t pass = 0; pass < passes.each.size(); ++pass)
      if ((history >> pass & 1) != 0)
        name += fmt::format("{}{}", name.empty() ? "" : ", ", pass + 1);
    text.histories.push_back(
        {{"name", name}, {"count", with_thousands(passes.histories[history])}});
  }
  if (passes.unknown > 0)
    text.histories.push_back({{"name", "none proved: the payload came back altered"},
                              {"count", with_thousands(passes.unknown)}});
}

void add_odd(const Summary& summary, PageText& text) {
  const Summary::Receiving& receiving = summary.receiving;
  text.fields.emplace_back(
      "errors_text",
      fmt::format(
          "{} had an ICMP error and no reply. Routers send few of these a second, so that their "
          "number says little about how many addresses are unreachable. {} came from another "
          "address than the one that was asked. {} came from addresses that had answered "
          "already{}.",
          with_count(summary.ledger.errored, "address", "addresses"),
          with_count(receiving.off_target, "message", "messages"),
          with_count(receiving.repeats, "further answer", "further answers"),
          summary.order.passes > 1 ? ", answers to later passes among them" : ""));
  for (const Summary::Error& error : receiving.errors) {
    if (text.errors.size() == kErrorsShown) break;
    text.errors.push_back({{"name", error.classification},
                           {"type", fmt::format("{}", error.icmp_type)},
                           {"code", fmt::format("{}", error.icmp_code)},
                           {"frames", with_thousands(error.frames)},
                           {"targets", with_thousands(error.targets)}});
  }
  for (const Summary::Repeater& repeater : receiving.top_repeaters) {
    if (repeater.repeats_at_most < summary.order.passes) continue;  // an answer to each pass
    text.repeaters.push_back(
        {{"address", repeater.target},
         {"repeats", repeater.repeats == repeater.repeats_at_most
                         ? with_thousands(repeater.repeats)
                         : fmt::format("{} to {}", with_thousands(repeater.repeats),
                                       with_thousands(repeater.repeats_at_most))}});
  }
  for (const Summary::Event& event : summary.events) {
    if (text.events.size() == kEventsShown) break;
    text.events.push_back({{"seconds", fmt::format("{:.1f}", event.seconds)},
                           {"what", event.what},
                           {"consequence", event.consequence}});
  }
}

void add_method(const Summary& summary, PageText& text) {
  const Summary::Order& order = summary.order;
  text.method.push_back(fmt::format(
      "One ICMP echo request went to each address{}, in an order that is drawn from a seed, so "
      "that no "
      "network sees a burst and any first part of it is a random sample. The scan started {} and "
      "{}. Replies "
      "were awaited after the last probe, too.",
      order.retries > 0
          ? fmt::format(", and up to {} more to each that had not answered by then", order.retries)
      : order.passes > 1 ? fmt::format(" in each of {} passes", order.passes)
                         : std::string(),
      time_text(summary.started_ms), plain_outcome(summary.outcome)));
  text.method.emplace_back(
      "The same lists, exclusions, seed and number of passes give the same probes in the same "
      "order; the "
      "digest says whether lists are the same. What answers changes by the hour.");
  std::string command = fmt::format("echoscan scan --seed {}", order.seed);
  if (order.retries > 0) {
    command += fmt::format(" --retry {}", order.retries);
  } else if (order.passes > 1) {
    command += fmt::format(" --probes {}", order.passes);
  }
  command += fmt::format(" --rate {}", summary.sending.rate_asked_pps == 0
                                           ? "max"
                                           : fmt::format("{}", summary.sending.rate_asked_pps));
  if (order.shards > 1) command += fmt::format(" --shard {}/{}", order.shard, order.shards);
  if (order.first > 0 && order.first < order.n)
    command += fmt::format(" --max-targets {}", order.first);
  text.fields.emplace_back("command",
                           command + " -o results.jsonl.zst --summary summary.json -t LISTS");
}

void add_provenance(const ReportContent& content, PageText& text) {
  const Summary& summary = content.summary;
  const auto add = [&text](std::string name, std::string value) {
    if (!value.empty())
      text.provenance.push_back({{"name", std::move(name)}, {"value", std::move(value)}});
  };
  for (const auto& [name, value] : content.provenance) add(name, value);
  add("scanner", "echoscan " + summary.version);
  add("addresses, digest", summary.targets.digest);
  add("addresses left out", fmt::format("{} by lists of exclusions, {} special-purpose",
                                        with_thousands(summary.targets.excluded_by_user +
                                                       summary.targets.excluded_by_system),
                                        with_thousands(summary.targets.excluded_reserved)));
  add("system-wide exclusions, digest", summary.targets.system_digest);
  add("order", fmt::format("seed {}, n {}, prime {}, generator {}, start {}", summary.order.seed,
                           summary.order.n, summary.order.prime, summary.order.generator,
                           summary.order.start));
  add("rate",
      fmt::format("{} a second asked, {} reached",
                  summary.sending.rate_asked_pps == 0 ? "as many as possible"
                                                      : rate_text(summary.sending.rate_asked_pps),
                  rate_text(summary.sending.rate_pps)));
  std::string modes;
  for (const Summary::Queue& queue : summary.sending.queues)
    if (modes.find(queue.mode) == std::string::npos)
      modes += (modes.empty() ? "" : ", ") + queue.mode;
  add("sending, receiving", modes + "; " + summary.receiving.mode);
  add("runs", summary.legs.size() > 1 ? fmt::format("{}, resumed", summary.legs.size()) : "");
  const bool has_ethics = std::any_of(content.provenance.begin(), content.provenance.end(),
                                      [](const auto& each) { return each.first == "Ethics"; });
  text.fields.emplace_back(
      "ethics",
      std::string(has_ethics ? "The scan's own statement stands under Provenance. "
                             : "The scan's record has no statement of its own. ") +
          fmt::format(
              "{} were left out because somebody had asked for it or the list said so. One "
              "{} is what a host sees in a pass. Who scans should be "
              "found by whoever asks who it was: a reverse name, a page on the source address, "
              "a contact that answers.",
              with_count(summary.targets.excluded_by_user + summary.targets.excluded_by_system,
                         "address", "addresses"),
              summary.sending.payload_bytes > kShortestPayloadBytes
                  ? fmt::format("echo request with {} bytes of data", summary.sending.payload_bytes)
                  : "small echo request"));
}

}  // namespace

PageText page_text(const ReportContent& content) {
  PageText text;
  add_head(content.summary, text);
  add_warnings(content, text);
  add_answers(content.summary, text);
  if (content.earlier) add_change(*content.earlier, text);
  add_ledger(content.summary, text);
  add_times(content.summary, text);
  add_losses(content.summary, text);
  add_control(content.summary, text);
  add_odd(content.summary, text);
  add_method(content.summary, text);
  add_provenance(content, text);
  return text;
}

}  // namespace echoscan
