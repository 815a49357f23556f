// The summary: the ledger of a finished scan, as one JSON object and back.
//
// Every probe ends as sent or in a named cause, every target as replied, errored, silent or not
// probed, every frame in one outcome; the summary says whether the sums agree (equations.h). It is
// plain data, nested as the JSON is. One description of the keys serves the writer and the reader,
// so that they cannot drift apart. docs/summary.md says what each key means. Seeds and counts are
// below 2^53.
#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "output/summary/rtt_histogram.h"

namespace echoscan {

struct Summary {
  // What the lists hold, and what was taken off.
  struct Targets {
    std::uint64_t listed = 0;
    std::uint64_t listed_repeatedly = 0;
    std::uint64_t excluded_by_user = 0;
    std::uint64_t excluded_by_system = 0;
    std::uint64_t excluded_reserved = 0;
    std::uint64_t count = 0;
    std::uint64_t ranges = 0;
    std::uint64_t ipv6_entries = 0;
    std::uint64_t filtered_entries = 0;
    std::uint64_t bad_lines = 0;
    std::string digest;         // "sha256:", and 64 hexadecimal digits
    std::string system_digest;  // of the system-wide list of exclusions; empty: there is none
  };

  // Exponents of the order over all passes: pass x (step_end - step_begin) + exponent - step_begin.
  struct Steps {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  struct Order {
    std::uint64_t seed = 0;
    std::uint64_t prime = 0;
    std::uint64_t generator = 0;
    std::uint64_t start = 0;
    std::uint64_t n = 0;  // how many indexes are permuted
    unsigned passes = 1;
    unsigned retries = 0;     // of the passes, those to who had not replied by then
    std::uint64_t first = 0;  // targets of the order that all shards together probe
    std::uint32_t shard = 0;
    std::uint32_t shards = 1;
    std::uint64_t step_begin = 0;  // the shard's exponents
    std::uint64_t step_end = 0;
    std::vector<Steps> left = {};  // of a scan that ended early: their probes have not all left
  };

  // How many would reply of all that the lists leave over, by those that were probed.
  struct Response {
    std::uint64_t probed = 0;
    std::uint64_t population = 0;
    std::optional<double> share;
    std::optional<double> low;  // and the next: at 95 %; none where too few were probed
    std::optional<double> high;
  };

  // Why probes did not leave.
  struct NotSent {
    std::uint64_t stopped = 0;
    std::uint64_t refused = 0;
    std::uint64_t unconfirmed = 0;
    std::uint64_t unroutable = 0;
    std::uint64_t replied = 0;  // with --retry: they had replied by then
  };

  struct Ledger {
    std::uint64_t probes = 0;  // planned: targets x passes
    std::uint64_t drawn = 0;
    std::uint64_t sent = 0;          // each probe once
    std::uint64_t sent_earlier = 0;  // of `sent`, by earlier legs
    std::uint64_t sent_again = 0;    // of `sent`, a second time, behind a loss
    std::uint64_t in_doubt = 0;      // of `sent`, at most so many whose answer a loss took
    NotSent not_sent;
    std::uint64_t given_up = 0;
    std::uint64_t passed_over = 0;  // drawn, and without a way
    std::uint64_t way_lost = 0;     // drawn when the gateway of their way had been given up
    std::uint64_t without_way = 0;  // planned, and without a way
    std::uint64_t replied = 0;
    std::uint64_t errored = 0;  // had an error and did not reply
    std::uint64_t silent = 0;
    std::uint64_t not_probed = 0;
    std::vector<std::string> faults;  // sums that do not agree; empty in a true ledger
  };

  // The answers of some targets to one pass, as far as replies prove theirs (pass_estimate.h).
  struct PassAnswers {
    std::uint64_t answered = 0;
    std::uint64_t only_then = 0;  // of these, those that have answered no other pass
    std::uint64_t lost = 0;       // those that have answered another, and not this one
    std::optional<double> loss;   // the share of those that have answered another; none: no such
  };

  struct Pass {
    std::uint64_t sent = 0;
    PassAnswers answers;
  };

  // How many would answer if nothing were lost: a lower bound (pass_estimate.h).
  struct Estimate {
    std::optional<double> targets;  // none of them where there is no estimate
    std::optional<double> standard_error;
    std::optional<double> chao_targets;  // nor with two passes
  };

  // Which passes targets have answered; empty where histories are not kept.
  struct Passes {
    std::vector<Pass> each;
    // Targets by which passes they have answered, bit 0 for the first.
    std::vector<std::uint64_t> histories;
    std::uint64_t unknown = 0;  // pass unknown: targets that replied, and prove no pass
    Estimate estimate;
    std::string why_no_estimate;  // a clause; empty where there is one
  };

  // The control group: the first targets of the order, asked slowly and then at the full rate, and
  // what the pairs say of that rate (paired_change.h).
  struct Control {
    std::uint64_t targets = 0;
    double rate_pps = 0;  // slowly
    std::uint64_t both = 0;
    std::uint64_t only_slowly = 0;
    std::uint64_t only_at_full_rate = 0;
    std::uint64_t neither = 0;
    bool is_complete = true;  // all of it was asked both times
    // Of the answers at the full rate less those asked slowly; none where too few say nothing.
    std::optional<double> deviations = {};
    std::string why_no_verdict = {};  // a clause; empty where there is one

    // Fewer answered at the full rate, by more than chance.
    [[nodiscard]] bool is_rate_too_high() const;
  };

  struct Label {
    std::string name;  // empty: the targets without one
    std::uint64_t targets = 0;
    std::uint64_t sent = 0;
    std::uint64_t replied = 0;
    std::vector<PassAnswers> passes = {};
  };

  // What the kernel says of some of the targets: how they are reached, or why not.
  struct Way {
    std::string kind;       // "gateway", "direct", "blackhole"...
    std::string interface;  // empty where it is refused, as the next two
    std::string next_hop;   // also empty where there is none
    std::string source;
    std::string method;  // how it was sent to; empty where it was not
    std::uint64_t targets = 0;
    std::uint64_t sent = 0;
    std::uint64_t replied = 0;
    std::vector<PassAnswers> passes = {};
  };

  struct Queue {
    unsigned queue = 0;
    std::string mode;
    int cpu = 0;
    std::uint64_t sent = 0;
    std::uint64_t refusals = 0;
    std::uint64_t kicks = 0;
  };

  struct Sending {
    std::string interface;
    std::string source;
    std::string gateway;
    double rate_asked_pps = 0;  // 0: max
    double rate_pps = 0;
    double seconds = 0;
    std::uint64_t accepted = 0;
    std::uint64_t ended = 0;
    std::vector<Queue> queues;
    std::optional<std::uint64_t> interface_tx_packets;  // none: the interface is gone
    double paused_for_link_s = 0;
    double paused_for_output_s = 0;
    double paused_for_receiver_s = 0;
    double paused_for_pass_s = 0;
    double rate_allowed_pps = 0;  // what --per-slash24 left of what was asked; 0: max
    std::uint64_t ttl = 0;        // of the probes, as they left
    std::uint64_t tos = 0;
    std::uint64_t source_addresses = 1;  // how many `source` names
    std::uint64_t payload_bytes = 0;     // of a probe's ICMP message
  };

  struct Outcome {
    std::string name;
    std::uint64_t frames = 0;
  };

  // What the driver of a card counts by itself, by its own names: frames, bytes, errors.
  struct DriverCounter {
    std::string name;
    std::uint64_t count = 0;
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

  // An address from which replies of other addresses came.
  struct Responder {
    std::string responder;
    std::uint64_t replies = 0;
    std::uint64_t replies_at_most = 0;
  };

  // Counts in bins of equal width, from some moment on.
  struct TimeSeries {
    std::uint64_t bin_seconds = 1;
    std::vector<std::uint64_t> counts;
  };

  // What was read back of the results of earlier legs.
  struct ReadBack {
    std::uint64_t replies = 0;
    std::uint64_t errors = 0;
    std::uint64_t repeats = 0;
    std::uint64_t error_repeats = 0;
    std::uint64_t off_target = 0;
    std::uint64_t in_cooldown = 0;
  };

  struct Receiving {
    std::string mode;
    std::uint64_t frames_seen = 0;
    std::vector<Outcome> frames;
    std::uint64_t dropped_unseen = 0;
    std::optional<std::uint64_t> kernel_replies;  // none: the kernel does not say
    std::optional<std::uint64_t> unseen_replies;  // of those, at least so many that nobody saw
    ReadBack read_back;
    std::uint64_t records = 0;
    std::uint64_t repeats = 0;
    std::uint64_t error_repeats = 0;
    std::uint64_t repeats_by_target = 0;
    std::uint64_t unlisted = 0;
    std::uint64_t errored_and_replied = 0;
    std::uint64_t off_target = 0;
    std::uint64_t elsewhere = 0;
    std::uint64_t without_rtt = 0;
    std::uint64_t in_cooldown = 0;
    std::vector<Error> errors;            // by type and code
    std::vector<Repeater> top_repeaters;  // the worst first
    TimeSeries replied_by_time;           // since the start
    TimeSeries replied_late;              // since the last probe
    // Replies from another address than the target's: it is chosen by whoever sends them.
    std::uint64_t off_target_replies = 0;
    std::vector<Responder> top_responders = {};  // whom most of them name
    // What the interface itself dropped of what came in; none: it does not say.
    std::optional<std::uint64_t> interface_dropped = {};
    std::optional<std::uint64_t> interface_missed = {};
    std::optional<std::uint64_t> interface_fifo_errors = {};
    std::vector<DriverCounter> driver_counters = {};  // that are not 0; by DPDK
  };

  struct Rtt {
    std::uint64_t count = 0;
    std::uint64_t min_ns = 0;
    std::uint64_t p50_ns = 0;
    std::uint64_t p90_ns = 0;
    std::uint64_t p99_ns = 0;
    std::uint64_t max_ns = 0;
    std::vector<RttHistogram::Bin> histogram;
  };

  struct Output {
    std::uint64_t lines = 0;
    std::uint64_t error_lines = 0;
    std::uint64_t repeat_lines = 0;
    std::uint64_t lines_written = 0;
    std::uint64_t lines_abandoned = 0;  // received, and not taken by the reader
    bool errors_emitted = false;
    std::uint64_t bytes = 0;
    std::string error;  // empty: none
  };

  // A file that was read for targets or exclusions.
  struct List {
    std::string name;    // as it was given; "-" for standard input
    std::string role;    // "targets" or "exclude"
    std::string digest;  // of its bytes as they came: "sha256:", and 64 hexadecimal digits
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;  // addresses, blocks and ranges that it gave
  };

  // Where a scan ran, and who has started it; empty where nobody says.
  struct Origin {
    std::string host;
    std::string kernel;   // its release
    std::string machine;  // "x86_64"
    std::string scheduler;
    std::string job;
    std::string task;
    std::optional<std::uint64_t> attempt;
    std::vector<std::string> arguments = {};  // behind `echoscan scan`, of the first leg
  };

  // One of the shards that a summary is merged of.
  struct Part {
    std::uint32_t shard = 0;
    std::string scan_id;
    std::string file;  // its summary
    Origin origin;
    std::string outcome;
    std::int64_t started_ms = 0;
    std::int64_t ended_ms = 0;
    std::uint64_t legs = 0;
    std::uint64_t targets = 0;
    std::uint64_t sent = 0;
    std::uint64_t replied = 0;
    std::uint64_t lines = 0;
  };

  // Of several shards, by `echoscan merge`; empty in a scan's own summary.
  struct Merge {
    std::vector<Part> shards;
    std::vector<std::uint32_t> missing;
    std::optional<double> covered;  // the share of the order's steps that the shards have walked
  };

  // One run of the scan: a scan that was resumed has several.
  struct Leg {
    std::int64_t start_ms = 0;
    std::int64_t end_ms = 0;
    std::string outcome;           // "killed" where nobody could say more
    std::uint64_t sent = 0;        // of one that was killed, as far as its checkpoint knew
    std::uint64_t sent_again = 0;  // of those, ones that an earlier leg may have sent
  };

  // What happened to the scan from outside, and what followed.
  struct Event {
    double seconds = 0;  // since the start
    std::string what;
    std::string consequence;
  };

  std::string version;
  std::string scan_id;  // as its results have it; empty: of several scans
  std::string outcome;  // "finished", or what ended it early
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  Origin origin;
  std::string notes;          // the user's; empty: none
  std::string user_metadata;  // the same: text of a JSON object
  Targets targets;
  std::vector<List> lists;  // in the order in which they were read
  Order order;
  Ledger ledger;
  Response response;
  Passes passes;
  std::optional<Control> control;  // none without --control
  std::vector<Label> labels;       // most targets first; empty when no target has a label
  std::vector<Way> ways;           // most targets of all shards first
  Sending sending;
  Receiving receiving;
  Rtt rtt;
  Output output;
  std::vector<Leg> legs;  // the last is the present one
  std::vector<Event> events;
  std::uint64_t events_left_out = 0;
  std::uint64_t messages_dropped = 0;  // for standard error, until the summary was made
  Merge merge;
};

// What so many replies of so many that were probed say of a population: share and interval.
Summary::Response response_of(std::uint64_t replied, std::uint64_t probed,
                              std::uint64_t population);

// Gives a control group its verdict, or why there is none, from its counts.
void settle(Summary::Control& control);

// One JSON object, indented, newline at the end.
std::string summary_json(const Summary& summary);

// Reads a summary that summary_json() wrote; else returns a clause that names the key that is
// missing or has a wrong value. Keys that this version does not know are ignored. Whether the sums
// agree is for faults_of() to check.
tl::expected<Summary, std::string> read_summary(std::string_view json);

}  // namespace echoscan
