// What a running scan has counted so far, as plain data, and what a finished one adds to that.
//
// The pipeline fills both. Ledger and status line read them and nothing else, so that no reader
// reaches into a sender, a transmitter or the receiver, and each counter is read in one place. A
// snapshot is taken while the threads go on counting: each figure is true, but they are a moment
// apart from each other. `sent` only grows, which metrics need. Rejected: ten getters of the
// pipeline for its parts, and two readers that each walked the queues.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/reply.h"
#include "output/summary/rtt_histogram.h"
#include "output/summary/time_bins.h"
#include "scanner/account/event_log.h"
#include "targets/address.h"
#include "targets/step_ranges.h"

namespace echoscan {

// One sender's counters (scanner/process/counter.h says what each means).
struct SenderFigures {
  std::uint64_t drawn = 0;
  std::uint64_t handed_over = 0;
  std::uint64_t first_pass = 0;
  std::uint64_t passed_over = 0;
  std::uint64_t way_lost = 0;
  std::uint64_t retried = 0;
  std::uint64_t gone_back = 0;
  std::uint64_t refused = 0;
  std::uint64_t lost_again = 0;
  std::uint64_t in_doubt = 0;
  std::uint64_t answered_earlier = 0;
  std::uint64_t drawn_again = 0;
  std::uint64_t replied_already = 0;
  std::uint64_t paused_output_ns = 0;
  std::uint64_t paused_receiver_ns = 0;
  std::uint64_t paused_link_ns = 0;
  std::uint64_t paused_pass_ns = 0;

  // How often the transmitter accepted a target.
  [[nodiscard]] std::uint64_t accepted() const { return handed_over + retried + gone_back; }
  // How long the sender waited by intent.
  [[nodiscard]] std::uint64_t paused_ns() const {
    return paused_output_ns + paused_receiver_ns + paused_link_ns + paused_pass_ns;
  }
};

// One transmitter's counters. A queue with a raw socket beside its method has two of these.
struct TransmitterFigures {
  unsigned queue = 0;
  int cpu = 0;
  std::string mode;  // "AF_XDP zero-copy"
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  std::uint64_t unconfirmed = 0;
  std::uint64_t unroutable = 0;
  std::uint64_t lost_again = 0;
  std::uint64_t ended = 0;
  std::uint64_t refusals = 0;
  std::uint64_t kicks = 0;
  int last_error = 0;  // errno of the last refusal, 0 when there was none
};

struct ReceiverFigures {
  std::string mode;  // "XDP native"
  frame_counters frames{};
  std::uint64_t dropped_unseen = 0;
  bool is_backlogged = false;  // senders wait for it
  std::uint64_t records = 0;
  std::uint64_t replied = 0;
  std::uint64_t repeats = 0;
  std::uint64_t errors = 0;
  std::uint64_t error_repeats = 0;
  std::uint64_t unlisted = 0;
  std::uint64_t errored_and_replied = 0;
  std::uint64_t off_target = 0;
  std::uint64_t elsewhere = 0;
  std::uint64_t in_cooldown = 0;
  std::uint64_t without_rtt = 0;
  std::uint64_t round_trip_ns = 0;
  std::uint64_t proved_ns = 0;  // when the newest probe left that a proved reply came to
};

struct OutputFigures {
  std::uint64_t lines = 0;
  std::uint64_t error_lines = 0;
  std::uint64_t repeat_lines = 0;
  std::uint64_t lines_lost = 0;  // of lines: what the reader did not take
  std::uint64_t bytes = 0;
  bool is_limit = false;  // senders wait for its reader
  int error = 0;          // errno of the write that failed, 0 while none has
};

struct Snapshot {
  // CLOCK_MONOTONIC.
  std::uint64_t taken_ns = 0;
  std::uint64_t started_ns = 0;
  std::uint64_t sending_ended_ns = 0;  // 0 while sending
  std::uint64_t probes = 0;            // planned: targets times passes

  std::uint64_t without_way = 0;  // of those, to targets that no way leads to
  // Of a resumed scan: probes that earlier legs have sent, and those of them in the first pass.
  std::uint64_t sent_earlier = 0;
  std::uint64_t first_pass_earlier = 0;

  std::vector<SenderFigures> senders;
  // By the label of the plan's way; empty with one way for all. What was handed over may be given
  // up behind that.
  std::vector<std::uint64_t> handed_over_by_way = {};
  std::vector<std::uint64_t> replied_by_way = {};
  std::vector<TransmitterFigures> transmitters;
  ReceiverFigures receiver;
  OutputFigures output;

  // The sum of one figure over all senders, or all transmitters.
  [[nodiscard]] std::uint64_t sum(std::uint64_t SenderFigures::*figure) const {
    std::uint64_t sum = 0;
    for (const SenderFigures& sender : senders) sum += sender.*figure;
    return sum;
  }
  [[nodiscard]] std::uint64_t sum(std::uint64_t TransmitterFigures::*figure) const {
    std::uint64_t sum = 0;
    for (const TransmitterFigures& transmitter : transmitters) sum += transmitter.*figure;
    return sum;
  }

  // Frames that have left so far.
  [[nodiscard]] std::uint64_t sent() const { return sum(&TransmitterFigures::sent); }
  // How many of them carried a probe for the second time, behind a lost link. It counts frames that
  // are still under way, so that it is a little ahead of sent() until the end.
  [[nodiscard]] std::uint64_t sent_again() const {
    const std::uint64_t gone_back = sum(&SenderFigures::gone_back);
    const std::uint64_t lost =
        sum(&SenderFigures::lost_again) + sum(&TransmitterFigures::lost_again);
    return gone_back - std::min(gone_back, lost);
  }
  // Probes that have left, each once.
  [[nodiscard]] std::uint64_t probes_sent() const {
    const std::uint64_t frames = sent();
    return frames - std::min(frames, sent_again());
  }
  // The same with those of earlier legs.
  [[nodiscard]] std::uint64_t probes_sent_in_all() const {
    return sent_earlier + sum(&SenderFigures::answered_earlier) + probes_sent();
  }
  // Targets that have been sent to, or are about to be.
  [[nodiscard]] std::uint64_t targets_probed() const {
    return std::min(first_pass_earlier + sum(&SenderFigures::first_pass), probes_sent_in_all());
  }
  [[nodiscard]] std::uint64_t paused_ns() const {
    std::uint64_t sum = 0;
    for (const SenderFigures& sender : senders) sum += sender.paused_ns();
    return sum;
  }
  // The errno of the last refusal over all queues; 0 when there was none.
  [[nodiscard]] int last_error() const {
    for (const TransmitterFigures& transmitter : transmitters)
      if (transmitter.last_error != 0) return transmitter.last_error;
    return 0;
  }
};

// ICMP errors of one type and code.
struct ErrorCount {
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  std::uint64_t frames = 0;
  std::uint64_t targets = 0;  // whose first error it was
};

struct Repeater {
  Ipv4 target;
  std::uint64_t repeats = 0;          // at least
  std::uint64_t repeats_at_most = 0;  // the same, when it is exact
};

// What was read back of earlier legs' results, by what it was.
struct ReadBack {
  std::uint64_t replies = 0;
  std::uint64_t errors = 0;
  std::uint64_t repeats = 0;
  std::uint64_t error_repeats = 0;
  std::uint64_t off_target = 0;  // of replies and their repeats, and the next of replies
  std::uint64_t in_cooldown = 0;
};

// What is known only when a scan has ended, since the threads that count it do not share it.
// What a control group has answered, asked slowly and then at the full rate, as far as replies
// prove their pass (scanner/pipeline/control_group.h).
struct ControlAnswers {
  std::uint64_t targets = 0;
  double rate_pps = 0;  // slowly
  std::uint64_t both = 0;
  std::uint64_t only_slowly = 0;
  std::uint64_t only_at_full_rate = 0;
  bool is_complete = false;  // all of it was asked both times
};

struct Tallies {
  std::uint64_t given_up = 0;  // probes that were accepted and did not leave, by their targets
  // Each probe once, by pass: what was handed over, and what of that was given up.
  std::vector<std::uint64_t> handed_over_by_pass;
  std::vector<std::uint64_t> given_up_by_pass;
  // How many targets have each history (scanner/pipeline/pass_histories.h); empty where none are
  // kept, and the last two without labels, with one way.
  std::vector<std::uint64_t> histories;
  std::vector<std::vector<std::uint64_t>> histories_by_label;
  std::vector<std::vector<std::uint64_t>> histories_by_way;
  std::optional<ControlAnswers> control;  // none without --control
  std::vector<StepRange> steps_left;  // of the shard's over all passes: not all of them have left
  std::vector<std::uint64_t> sent_by_label;  // each probe once; empty without labels
  std::vector<std::uint64_t> replied_by_label;
  std::vector<std::uint64_t> sent_by_way;  // the same; empty with one way for all
  std::vector<std::uint64_t> replied_by_way;
  std::vector<ErrorCount> errors;
  std::vector<Repeater> top_repeaters;   // the worst first
  std::uint64_t repeats = 0;             // over all targets
  std::uint64_t off_target_replies = 0;  // over all responders
  std::vector<Repeater> top_responders;  // who sent most of them
  RttHistogram rtt;
  TimeBins replied_by_time;  // since the start
  TimeBins replied_late;     // since the last probe
  ReadBack read_back;
  std::vector<ScanEvent> events;
  std::uint64_t events_left_out = 0;
  std::optional<std::uint64_t> kernel_replies;  // that the kernel has counted
  std::optional<std::uint64_t> unseen_replies;  // of those, at least so many the scan has not seen
};

}  // namespace echoscan
