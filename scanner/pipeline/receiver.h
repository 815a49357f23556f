// The receiver: drains the reply source, tells first answers from repeats and replies from errors,
// and writes a line for each result that is asked for.
//
// One thread serves all rings: 5 to 15 % of targets answer, so 10 M probes a second bring about 1 M
// replies, for which 500 ns each are enough. The thread polls the rings instead of being woken for
// each record: every kPollNs while replies come in numbers, every kIdlePollNs while they do not.
// (The kernel stamps arrivals, so that a late poll lengthens no round-trip time.) It goes on
// through the cooldown, and drains what is left at the end. When the backlog of lines leaves no
// room, replies stay in the rings, where a loss is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "bpf/reply.h"
#include "output/aggregate/result_reader.h"
#include "output/geo/geo_table.h"
#include "output/result/result_format.h"
#include "output/result/result_writer.h"
#include "output/summary/rtt_histogram.h"
#include "output/summary/time_bins.h"
#include "scanner/options/emission.h"
#include "scanner/pipeline/answer_marks.h"
#include "scanner/pipeline/error_tally.h"
#include "scanner/pipeline/line_marks.h"
#include "scanner/pipeline/pass_histories.h"
#include "scanner/pipeline/repeat_tally.h"
#include "scanner/pipeline/scan_state.h"
#include "scanner/pipeline/target_bitmap.h"
#include "scanner/process/clock.h"
#include "scanner/process/counter.h"
#include "scanner/receive/reply_source.h"
#include "targets/label_tally.h"
#include "targets/target_set.h"

namespace echoscan {

// By which interface replies come in.
struct Arrivals {
  std::span<const std::string> interfaces = {};  // by a reply's `arrival`; empty: there is one
  std::vector<std::uint8_t> by_way = {};         // as expected, by the label of the target's way
};

class Receiver {
 public:
  static constexpr std::uint64_t kPollNs = 1'000'000;
  static constexpr std::uint64_t kIdlePollNs = 4'000'000;
  static constexpr std::size_t kBusyBatch = 64;
  static constexpr std::size_t kBatchSize = 1024;

  // All must outlive the receiver. `origin` is what results carry.
  Receiver(const TargetSet& targets, const ResultOrigin& origin, ReplySource& source,
           const GeoTable& geo, const ResultFormat& format, ResultWriter& writer, Clock& clock,
           const ScanState& state, const LabelMap& labels, const LabelMap& ways,
           Arrivals arrivals = {}, const Emission& emission = {});

  // These before run(). What no line says is marked, and what lines leave unsaid; either may be
  // null, and must outlive the receiver.
  void keep_marks(AnswerMarks* answers, LineMarks* lines) {
    answer_marks_ = answers;
    line_marks_ = lines;
  }
  // The scan has several passes: results say which they answer.
  void tell_passes() { tells_passes_ = true; }
  // Which passes each target answers is noted there, which must outlive the receiver.
  void keep_histories(PassHistories* histories) { histories_ = histories; }
  // The scan began with another leg at that time, CLOCK_REALTIME.
  void begin_behind(std::int64_t first_start_ns);
  // Brings nearer what restore() will look at; the target's index.
  std::optional<std::uint64_t> prefetch(const ReadResult& result) const;
  // Counts again what an earlier leg has found. The target's index; nullopt: no target of this scan
  // can have that, or not once more.
  std::optional<std::uint64_t> restore(const ReadResult& result);
  // That the target, of which restore() knows a reply, has answered the pass; its index. nullopt:
  // it knows none.
  std::optional<std::uint64_t> restore_pass(Ipv4 target, unsigned pass);
  // That there is a line of it.
  void count_line(bool is_error, bool is_repeat) {
    if (is_repeat) counters_.repeats_written.add(1);
    if (is_error && !is_repeat) counters_.errors_written.add(1);
  }

  // Receives until it is told to stop and nothing is left. If the results cannot be written, it
  // calls `on_output_failure` once, on this thread.
  void run(const std::function<void()>& on_output_failure);

  [[nodiscard]] const ReceiverCounters& counters() const { return counters_; }
  // Who has replied so far, by the index in the set.
  [[nodiscard]] const TargetBitmap& replied() const { return replied_; }
  // After run() has returned.
  [[nodiscard]] const RttHistogram& rtt() const { return rtt_; }
  [[nodiscard]] const LabelTally& replied_by_label() const { return replied_by_label_; }
  [[nodiscard]] const LabelTally& replied_by_way() const { return replied_by_way_; }
  [[nodiscard]] const ErrorTally& errors() const { return errors_; }
  [[nodiscard]] const RepeatTally& repeats() const { return repeats_; }
  // Replies from another address than the target's, by that address.
  [[nodiscard]] const RepeatTally& responders() const { return responders_; }
  // First replies by the time since the receiver was built, and those that came after the last
  // probe by the time since that.
  [[nodiscard]] const TimeBins& replied_by_time() const { return replied_by_time_; }
  [[nodiscard]] const TimeBins& replied_late() const { return replied_late_; }
  [[nodiscard]] const ReadBack& read_back() const { return read_back_; }

 private:
  // Takes one batch, and returns how many records it had.
  std::size_t receive_batch();
  void take(const reply& reply);
  // Returns the target's label.
  std::string_view note_first_reply(const reply& reply, std::uint64_t index);
  [[nodiscard]] std::optional<std::uint64_t> proved_rtt_ns(const reply& reply) const;
  // The interface that it came in by; empty where that is the one of the target's way.
  [[nodiscard]] std::string_view elsewhere(const reply& reply) const;
  void note_first_error(std::uint8_t icmp_type, std::uint8_t icmp_code, std::uint64_t index);
  void note_pass(const reply& reply, std::uint64_t index);
  bool restore_reply(const ReadResult& result, std::uint64_t index);
  void write(const reply& reply, bool is_repeat, std::string_view label,
             std::string_view interface);
  [[nodiscard]] bool is_late(const reply& reply) const {
    return sending_ended_ns_ != 0 && reply.received_ns > sending_ended_ns_;
  }
  // Whether lines that nobody takes are to be left.
  [[nodiscard]] bool is_abandoned() const {
    return state_.abandon_output.load(std::memory_order_relaxed);
  }
  void mark_line(const Result& result);
  void flush(int wait_ms, const std::function<void()>& on_output_failure);

  const TargetSet& targets_;
  const ResultOrigin origin_;
  ReplySource& source_;
  const GeoTable& geo_;
  const ResultFormat& format_;
  ResultWriter& writer_;
  Clock& clock_;
  const ScanState& state_;
  const Arrivals arrivals_;
  const Emission emission_;
  const std::uint64_t started_ns_;
  TargetBitmap replied_;
  TargetBitmap errored_;
  std::vector<reply> batch_;
  std::int64_t realtime_offset_ns_ = 0;
  std::uint64_t sending_ended_ns_ = 0;
  RttHistogram rtt_;
  ReceiverCounters counters_;
  LabelTally replied_by_label_;
  LabelTally replied_by_way_;
  ErrorTally errors_;
  RepeatTally repeats_;
  RepeatTally responders_;
  TimeBins replied_by_time_;
  TimeBins replied_late_;
  AnswerMarks* answer_marks_ = nullptr;
  LineMarks* line_marks_ = nullptr;
  PassHistories* histories_ = nullptr;
  bool tells_passes_ = false;
  ReadBack read_back_;
  std::int64_t first_start_ns_ = 0;  // of the first leg, when this is another
  std::uint64_t earlier_ns_ = 0;     // from then to the start of this leg
};

}  // namespace echoscan
