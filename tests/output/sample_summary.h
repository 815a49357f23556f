// Summaries for tests: one of a finished scan whose figures agree, and random ones.
//
// A random summary has any number in each place and agrees with nothing, so that it shows whether
// what is written is what is read.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "bpf/reply.h"
#include "output/summary/summary.h"

namespace echoscan {

inline std::vector<Summary::Outcome> all_outcomes() {
  return {
#define NAMED_OUTCOME(enumerator, name, meaning) {name, 0},
      FRAME_OUTCOMES(NAMED_OUTCOME)
#undef NAMED_OUTCOME
  };
}

inline std::string name_of_ring_full() {
  return all_outcomes()[FRAME_RING_FULL].name;
}

// A finished scan whose figures agree.
inline Summary sample_summary() {
  Summary summary;
  summary.version = "0.1.0";
  summary.outcome = "finished";
  summary.started_ms = 1795367474961;
  summary.ended_ms = 1795367476064;
  summary.targets.listed = summary.targets.count = summary.order.n = 1024;
  summary.targets.digest = "sha256:" + std::string(64, 'a');
  summary.ledger.probes = summary.ledger.drawn = summary.ledger.sent = 1024;
  summary.ledger.replied = 122;
  summary.ledger.silent = 902;
  summary.sending.accepted = summary.sending.ended = 1024;
  summary.sending.queues = {{0, "AF_XDP copy", 0, 1024, 0, 40}};
  summary.sending.interface_tx_packets = 1025;
  summary.receiving.frames = all_outcomes();
  summary.receiving.frames[FRAME_REPLY].frames = 122;
  summary.receiving.frames_seen = summary.receiving.records = 122;
  summary.receiving.replied_by_time = {1, {100, 22}};
  summary.rtt.count = 122;
  summary.rtt.p50_ns = 5900;
  summary.rtt.histogram = {{4096, 5120, 22}, {5120, 6144, 100}};
  summary.output.lines = 122;
  summary.output.lines_written = 122;
  return summary;
}

inline std::uint64_t random_number(std::mt19937_64& random) {
  return random() >> (11 + random() % 53);
}

inline std::string random_text(std::mt19937_64& random) {
  static const std::vector<std::string> texts = {"eth0", "a \"b\" \\", "\xc3\xa9\t", "x"};
  return texts[random() % texts.size()];
}

inline Summary::Receiving random_receiving(std::mt19937_64& random) {
  const auto number = [&random] { return random_number(random); };
  const auto text = [&random] { return random_text(random); };
  Summary::Receiving receiving = {
      text(),   number(),           all_outcomes(), number(), number(), {},
      {},       number(),           number(),       number(), number(), number(),
      number(), number(),           number(),       number(), number(), {},
      {},       {2, {1, number()}}, {4, {}}};
  receiving.off_target_replies = number();
  receiving.read_back = {number(), number(), number(), number(), number(), number()};
  if (random() % 2 == 0) receiving.interface_dropped = number();
  if (random() % 2 == 0) receiving.interface_missed = number();
  if (random() % 2 == 0) receiving.interface_fifo_errors = number();
  if (random() % 2 == 0) receiving.unseen_replies.swap(receiving.kernel_replies);
  for (Summary::Outcome& outcome : receiving.frames) outcome.frames = number();
  if (random() % 2 == 0) receiving.driver_counters = {{"rx_good_packets", number()}, {"x", 1}};
  for (std::uint64_t i = random() % 3; i > 0; --i) {
    receiving.errors.push_back({text(), 3, 255, number(), 3});
    receiving.top_repeaters.push_back({text(), 7, number()});
    receiving.top_responders.push_back({text(), number(), number()});
  }
  return receiving;
}

inline std::vector<Summary::PassAnswers> random_answers(std::mt19937_64& random) {
  std::vector<Summary::PassAnswers> answers(random() % 3);
  for (Summary::PassAnswers& pass : answers) {
    pass = {random_number(random), random_number(random), random_number(random), std::nullopt};
    if (random() % 2 == 0) pass.loss = 1.0 / double(1 + random_number(random));
  }
  return answers;
}

inline Summary::Passes random_passes(std::mt19937_64& random) {
  Summary::Passes passes;
  for (const Summary::PassAnswers& answers : random_answers(random))
    passes.each.push_back({random_number(random), answers});
  for (std::uint64_t i = random() % 5; i > 0; --i)
    passes.histories.push_back(random_number(random));
  passes.unknown = random_number(random);
  if (random() % 2 == 0) {
    passes.why_no_estimate = random_text(random);
  } else {
    passes.estimate = {0.1 * double(random_number(random)), 1.0 / 3, std::nullopt};
    if (random() % 2 == 0) passes.estimate.chao_targets = 0.1;
  }
  return passes;
}

inline std::optional<Summary::Control> random_control(std::mt19937_64& random) {
  if (random() % 2 == 0) return std::nullopt;
  const auto number = [&random] { return random_number(random); };
  Summary::Control control{.targets = number(),
                           .rate_pps = 0.1 * double(number()),
                           .both = number(),
                           .only_slowly = number(),
                           .only_at_full_rate = number(),
                           .neither = number(),
                           .is_complete = random() % 2 == 0};
  settle(control);
  return control;
}

inline Summary::Sending random_sending(std::mt19937_64& random) {
  const auto number = [&random] { return random_number(random); };
  const auto text = [&random] { return random_text(random); };
  Summary::Sending sending = {text(),
                              text(),
                              text(),
                              double(random() % 2 * number()) / double(1 + random() % 2),
                              0.1 * double(number()),
                              1.0 / 3,
                              number(),
                              number(),
                              {},
                              random() % 2 == 0 ? std::optional(number()) : std::nullopt,
                              0.5,
                              1e-9,
                              12345.678,
                              0.5 * double(number()),
                              2.0 / 3};
  sending.source_addresses = number();
  sending.payload_bytes = number();
  for (std::uint64_t i = random() % 4; i > 0; --i)
    sending.queues.push_back({static_cast<unsigned>(i), text(), -1, number(), number(), number()});
  return sending;
}

inline Summary::Origin random_origin(std::mt19937_64& random) {
  const auto text = [&random] { return random() % 2 == 0 ? random_text(random) : ""; };
  Summary::Origin origin = {text(), text(), text(), text(), text(), text(), std::nullopt, {}};
  if (random() % 2 == 0) origin.attempt = random_number(random);
  for (std::uint64_t i = random() % 3; i > 0; --i) origin.arguments.push_back(text());
  return origin;
}

inline Summary::Merge random_merge(std::mt19937_64& random) {
  const auto number = [&random] { return random_number(random); };
  Summary::Merge merge;
  for (std::uint64_t i = random() % 3; i > 0; --i) {
    merge.missing.push_back(static_cast<std::uint32_t>(random()));
    merge.shards.push_back({static_cast<std::uint32_t>(random()), i == 1 ? "" : random_text(random),
                            random_text(random), random_origin(random), random_text(random),
                            1'795'729'216'588, 3, number(), number(), number(), number(),
                            number()});
  }
  if (random() % 2 == 0) merge.covered = 0.25;
  return merge;
}

// A summary with something in every part, at random; its figures do not agree.
inline Summary random_summary(std::mt19937_64& random) {
  const auto number = [&random] { return random_number(random); };
  const auto text = [&random] { return random_text(random); };
  Summary summary;
  summary.version = text();
  summary.scan_id = random() % 2 == 0 ? text() : "";
  summary.lists.assign(random() % 3, {text(), text(), text(), number(), number()});
  summary.outcome = text();
  summary.started_ms = static_cast<std::int64_t>(random() % 4'000'000'000'000);
  summary.ended_ms = static_cast<std::int64_t>(random() % 4'000'000'000'000);
  summary.targets = {number(), number(), number(), number(), number(), number(),
                     number(), number(), number(), number(), text(),   text()};
  summary.order = {number(), number(),
                   number(), number(),
                   number(), static_cast<unsigned>(random() >> 40),
                   7,        number(),
                   3,        static_cast<std::uint32_t>(random()),
                   number(), number()};
  summary.ledger = {number(),
                    number(),
                    number(),
                    number(),
                    number(),
                    number(),
                    {number(), number(), number(), 7, number()},
                    number(),
                    number(),
                    number(),
                    number(),
                    number(),
                    number(),
                    number(),
                    number(),
                    {}};
  summary.order.left.assign(random() % 3, {number(), number()});
  summary.response = {number(), number(), {}, 0.25, {}};
  if (random() % 2 == 0) summary.response.share.swap(summary.response.low);
  for (std::uint64_t i = random() % 3; i > 0; --i) summary.ledger.faults.push_back(text());
  summary.passes = random_passes(random);
  summary.control = random_control(random);
  for (std::uint64_t i = random() % 3; i > 0; --i)
    summary.labels.push_back(
        {i == 2 ? "" : text(), number(), number(), number(), random_answers(random)});
  for (std::uint64_t i = random() % 3; i > 0; --i)
    summary.ways.push_back({text(), i == 2 ? "" : text(), i == 1 ? "" : text(), "",
                            i == 2 ? "" : text(), number(), number(), number(),
                            random_answers(random)});
  summary.sending = random_sending(random);
  summary.receiving = random_receiving(random);
  const auto time_ns = [&random] { return random() >> (16 + random() % 48); };
  summary.rtt = {number(), time_ns(), time_ns(), time_ns(), time_ns(), time_ns(), {}};
  for (std::uint64_t i = random() % 4; i > 0; --i)
    summary.rtt.histogram.push_back({time_ns(), time_ns(), number()});
  summary.output = {number(), number(),          number(), number(),
                    number(), random() % 2 == 0, number(), random() % 2 == 0 ? text() : ""};
  summary.legs.assign(random() % 3, {1'795'729'216'588, 3, text(), number(), number()});
  summary.events.assign(random() % 3, Summary::Event{0.25 * double(number()), text(), text()});
  summary.events_left_out = summary.messages_dropped = number();
  summary.origin = random_origin(random);
  summary.notes = random() % 2 == 0 ? text() : "";
  if (random() % 2 == 0) summary.user_metadata = "{\"a\":[1,null,\"\xc3\xa9\"]}";
  summary.sending.ttl = random() % 256;
  summary.sending.tos = random() % 256;
  summary.merge = random_merge(random);
  return summary;
}

}  // namespace echoscan
