// The summary: the ledger of a finished scan, as one JSON object and as text for people.
//
// Every probe ends in sent or in a named cause, every target in replied, errored, silent or not
// probed, every frame in one outcome; whether the sums agree is part of the summary. Plain data,
// filled by whoever ran the scan; keys of the JSON stand in the order of the struct. Seeds and
// counts are below 2^53.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "output/summary/rtt_histogram.h"

namespace echoscan {

struct Summary {
  struct Named {
    std::string name;
    std::uint64_t count = 0;
  };
  struct Queue {
    unsigned queue = 0;
    std::string mode;
    int cpu = 0;
    std::uint64_t sent = 0;
    std::uint64_t refusals = 0;
    std::uint64_t kicks = 0;
  };

  struct Label {
    std::string name;  // empty: the targets without one
    std::uint64_t targets = 0;
    std::uint64_t sent = 0;
    std::uint64_t replied = 0;
  };

  // ICMP errors of one type and code.
  struct Error {
    std::string classification;
    unsigned icmp_type = 0;
    unsigned icmp_code = 0;
    std::uint64_t frames = 0;
    std::uint64_t targets = 0;  // whose first error it was
  };
  struct Repeater {
    std::string target;
    std::uint64_t repeats = 0;
    std::uint64_t repeats_at_most = 0;
  };
  // Counts in bins of one width, from some beginning on.
  struct TimeSeries {
    std::uint64_t bin_seconds = 1;
    std::vector<std::uint64_t> counts;
  };

  std::string version;
  std::string outcome;  // "finished", or what ended it early
  std::int64_t started_us = 0;
  std::int64_t ended_us = 0;
  double sending_s = 0;

  std::uint64_t listed = 0;
  std::uint64_t listed_repeatedly = 0;
  std::uint64_t excluded_by_user = 0;
  std::uint64_t excluded_reserved = 0;
  std::uint64_t targets = 0;
  std::uint64_t ranges = 0;
  std::uint64_t ipv6_entries = 0;
  std::uint64_t filtered_entries = 0;
  std::uint64_t bad_lines = 0;
  std::string digest;

  std::uint64_t seed = 0;
  std::uint64_t prime = 0;
  std::uint64_t generator = 0;
  std::uint64_t start = 0;
  std::uint64_t permuted = 0;  // n
  unsigned passes = 1;
  std::uint64_t first = 0;  // targets of the order that all shards together probe
  std::uint32_t shard = 0;
  std::uint32_t shards = 1;
  std::uint64_t step_begin = 0;  // the shard's exponents
  std::uint64_t step_end = 0;

  std::uint64_t probes = 0;      // planned: targets x passes
  std::uint64_t sent = 0;        // each probe once
  std::uint64_t sent_again = 0;  // of those, a second time, behind a lost link
  std::uint64_t in_doubt = 0;    // of those, at most so many that left into a lost link
  std::vector<Named> not_sent;   // by cause
  std::uint64_t replied = 0;
  std::uint64_t errored = 0;  // and did not reply
  std::uint64_t silent = 0;
  std::uint64_t not_probed = 0;
  std::vector<Label> labels;        // most targets first; empty when no target has a label
  std::vector<std::string> faults;  // sums that do not agree; empty in a true ledger

  std::string interface;
  std::string source;
  std::string gateway;
  std::uint64_t rate_asked_pps = 0;  // 0: max
  double rate_pps = 0;
  std::vector<Queue> queues;
  std::uint64_t interface_tx_packets = 0;
  double paused_for_link_s = 0;
  double paused_for_output_s = 0;
  double paused_for_receiver_s = 0;

  std::string receiver;
  std::uint64_t frames_seen = 0;
  std::vector<Named> frames;  // by outcome
  std::uint64_t dropped_unseen = 0;
  std::uint64_t repeats = 0;
  std::uint64_t error_repeats = 0;
  std::uint64_t unlisted = 0;
  std::uint64_t errored_and_replied = 0;
  std::uint64_t off_target = 0;
  std::uint64_t without_rtt = 0;
  std::uint64_t in_cooldown = 0;
  std::vector<Error> errors;            // by type and code
  std::vector<Repeater> top_repeaters;  // the worst first
  TimeSeries replied_by_time;           // since the start
  TimeSeries replied_late;              // since the last probe

  std::uint64_t rtt_count = 0;
  std::uint64_t rtt_min_ns = 0;
  std::uint64_t rtt_p50_ns = 0;
  std::uint64_t rtt_p90_ns = 0;
  std::uint64_t rtt_p99_ns = 0;
  std::uint64_t rtt_max_ns = 0;
  std::vector<RttHistogram::Bin> rtt_bins;

  std::uint64_t lines = 0;
  std::uint64_t error_lines = 0;
  std::uint64_t repeat_lines = 0;
  std::uint64_t bytes = 0;
  std::string output_error;  // empty: none
};

// One JSON object, indented, newline at the end.
std::string summary_json(const Summary& summary);

// A few lines for a terminal, newline at the end.
std::string summary_text(const Summary& summary);

// 1234567 as "1,234,567".
std::string with_thousands(std::uint64_t number);

}  // namespace echoscan
