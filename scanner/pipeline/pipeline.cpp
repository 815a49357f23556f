#include "scanner/pipeline/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <thread>

#include "scanner/pipeline/control.h"
#include "scanner/process/limits.h"

namespace echoscan {
namespace {

namespace asio = boost::asio;

constexpr std::int64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kBlockStepsMax = 4096;
constexpr std::size_t kRepeatersListed = 10;

// How many steps a block has: about 10 ms' worth of the rate, so that a slow scan's senders finish
// close together.
std::uint64_t block_steps(ProbeRate rate_pps) {
  if (rate_pps == Pacer::kUnlimited) return kBlockStepsMax;
  return std::clamp<std::uint64_t>(rate_pps.whole_pps() / 100, 1, kBlockStepsMax);
}

// The rate that the pacer has to keep over all queues; unlimited when the queues keep it by
// themselves, which all do or none, since they are of one kind.
ProbeRate rate_left_to_pace(const std::vector<Queue>& queues, ProbeRate rate_pps) {
  const bool is_kept = std::ranges::all_of(queues, &Queue::keeps_rate);
  return is_kept ? Pacer::kUnlimited : rate_pps;
}

std::uint64_t nanoseconds(double seconds) {
  return static_cast<std::uint64_t>(seconds * 1e9);
}

Control::Limits limits_of(const PaceConfig& pace, double link_timeout_s, std::uint64_t seed) {
  Control::Limits limits;
  // It says after how long a scan that sends nothing is a silent one: the slowest counts.
  limits.rate_pps = pace.control_rate_pps != 0 ? pace.control_rate_pps : pace.rate_pps;
  if (pace.max_runtime_s) limits.max_runtime_ns = nanoseconds(*pace.max_runtime_s);
  limits.max_results = pace.max_results;
  limits.min_hit_rate = pace.min_hit_rate;
  limits.cooldown_ns = nanoseconds(pace.cooldown_s);
  limits.link_timeout_s = link_timeout_s;
  limits.seed = seed;
  return limits;
}

SenderFigures figures_of(const SenderCounters& counters) {
  return {.drawn = counters.drawn.get(),
          .handed_over = counters.handed_over.get(),
          .first_pass = counters.first_pass.get(),
          .passed_over = counters.passed_over.get(),
          .way_lost = counters.way_lost.get(),
          .retried = counters.retried.get(),
          .gone_back = counters.gone_back.get(),
          .refused = counters.refused.get(),
          .lost_again = counters.lost_again.get(),
          .in_doubt = counters.in_doubt.get(),
          .answered_earlier = counters.answered_earlier.get(),
          .drawn_again = counters.drawn_again.get(),
          .replied_already = counters.replied_already.get(),
          .paused_output_ns = counters.paused_output_ns.get(),
          .paused_receiver_ns = counters.paused_receiver_ns.get(),
          .paused_link_ns = counters.paused_link_ns.get(),
          .paused_pass_ns = counters.paused_pass_ns.get()};
}

TransmitterFigures figures_of(const Queue& queue, const Transmitter& part) {
  const TransmitCounters& counters = part.counters();
  return {.queue = queue.number,
          .cpu = queue.cpu,
          .mode = part.mode(),
          .sent = counters.sent.get(),
          .refused = counters.refused.get(),
          .unconfirmed = counters.unconfirmed.get(),
          .unroutable = counters.unroutable.get(),
          .lost_again = counters.lost_again.get(),
          .ended = counters.ended(),
          .refusals = counters.refusals.get(),
          .kicks = counters.kicks.get(),
          .last_error = part.last_error()};
}

ReceiverFigures figures_of(const ReplySource& source, const ReceiverCounters& counters) {
  return {.mode = source.mode(),
          .frames = source.outcomes(),
          .dropped_unseen = source.dropped_unseen(),
          .is_backlogged = source.is_backlogged(),
          .records = counters.records.get(),
          .replied = counters.replied.get(),
          .repeats = counters.repeats.get(),
          .errors = counters.errors.get(),
          .error_repeats = counters.error_repeats.get(),
          .unlisted = counters.unlisted.get(),
          .errored_and_replied = counters.errored_and_replied.get(),
          .off_target = counters.off_target.get(),
          .elsewhere = counters.elsewhere.get(),
          .in_cooldown = counters.in_cooldown.get(),
          .without_rtt = counters.without_rtt.get(),
          .round_trip_ns = counters.round_trip_ns.get(),
          .proved_ns = counters.proved_ns.get()};
}

OutputFigures figures_of(const ResultWriter& writer, const ReceiverCounters& counters) {
  return {.lines = writer.lines(),
          .error_lines = counters.errors_written.get(),
          .repeat_lines = counters.repeats_written.get(),
          .lines_lost = writer.lines_lost(),
          .bytes = writer.bytes_written(),
          .is_limit = writer.is_limit(),
          .error = writer.error()};
}

// Replies come in by the interface that their way leads out of, as a rule.
Arrivals arrivals_of(std::span<const WayShare> ways, const ReplySource& source) {
  Arrivals arrivals{source.interfaces(), {0}};
  for (const WayShare& way : ways) {
    const auto found = std::ranges::find(arrivals.interfaces, way.interface_name);
    arrivals.by_way.push_back(static_cast<std::uint8_t>(
        found == arrivals.interfaces.end() ? 0 : found - arrivals.interfaces.begin()));
  }
  return arrivals;
}

}  // namespace

Pipeline::Pipeline(const TargetPlan& plan, const ScanConfig& config,
                   const std::vector<Queue>& queues, const NextHops& next_hops, ReplySource& source,
                   const GeoTable& geo, ByteSink& sink, const Link& link, Clock& clock,
                   const Resumption* resumption)
    : pace_(config.pace),
      path_(config.path),
      output_(config.output),
      queues_(queues),
      next_hops_(next_hops),
      source_(source),
      link_(link),
      clock_(clock),
      started_ns_(clock.now_ns()),
      probe_count_(plan.target_count * config.order.passes),
      seed_(plan.seed),
      passes_(config.order.passes),
      labels_(plan.labels),
      ways_(plan.ways.map),
      without_way_(plan.unroutable_count * config.order.passes),
      // Earlier legs' answers are not all this one's, and each of several passes wants its own.
      wants_first_replies_alone_(resumption == nullptr &&
                                 (passes_ == 1 || config.order.retries > 0) &&
                                 !config.output.emission.errors && !config.output.emission.repeats),
      format_(config.output.syntax, config.output.fields),
      writer_(sink),
      receiver_(plan.targets, {plan.shard.index, plan.scan_id}, source, geo, format_, writer_,
                clock, state_, plan.labels, plan.ways.map, arrivals_of(plan.ways.shares, source),
                config.output.emission),
      blocks_(make_blocks(plan, config, resumption)),
      pacer_(rate_left_to_pace(queues, config.pace.rate_pps), started_ns_) {
  for (const Queue& queue : queues_)
    senders_.push_back(std::make_unique<Sender>(
        TargetCursor(plan.targets, plan.permutation), blocks_, pacer_, *queue.transmitter, clock,
        source, writer_, state_, plan.labels, plan.ways.map, *next_hops.current, queue.rate_pps));
  set_pass_rules(plan, config);
  if (resumption) {
    reached_ = resumption->reached;
    sent_earlier_ = resumption->sent;
    first_pass_earlier_ = resumption->first_pass;
    answers_.emplace(plan.targets, histories_ ? passes_ : 1);
    receiver_.begin_behind(resumption->first_start_ms * kMillisecondNs);
  }
  for (const auto& sender : senders_) {
    progress_.push_back(std::make_unique<OrderProgress>(Sender::kHistory));
    sender->keep_progress(progress_.back().get(), answers_ ? &*answers_ : nullptr);
  }
  const std::string header = sink.continues_earlier() ? "" : format_.header();
  std::copy(header.begin(), header.end(), writer_.room(header.size()).begin());
  writer_.append(header.size(), 0);
}

void Pipeline::set_pass_rules(const TargetPlan& plan, const ScanConfig& config) {
  if (PassHistories::are_kept_for(passes_)) {
    histories_.emplace(plan.targets.size(), passes_, plan.labels, plan.ways.map);
    receiver_.keep_histories(&*histories_);
  }
  if (passes_ > 1) receiver_.tell_passes();
  PassRules rules;
  const double gap_s = pass_gap_s(config.order, config.pace);
  if (passes_ > 1 && gap_s > 0)
    rules.gate = &pass_gate_.emplace(senders_.size(), passes_, nanoseconds(gap_s));
  if (config.order.retries > 0) {
    rules.targets = &plan.targets;
    rules.replied = &receiver_.replied();
  }
  if (config.order.control_percent)
    rules.control = &control_group_.emplace(plan, *config.order.control_percent,
                                            config.pace.control_rate_pps, started_ns_);
  for (std::size_t i = 0; i < senders_.size(); ++i) senders_[i]->follow(rules, i);
}

ShardBlocks Pipeline::make_blocks(const TargetPlan& plan, const ScanConfig& config,
                                  const Resumption* resumption) {
  const std::uint64_t steps = block_steps(config.pace.rate_pps);
  if (!resumption) return {plan.steps.begin, plan.steps.end, config.order.passes, steps};
  return {plan.steps, steps, resumption->pending, resumption->reached};
}

// Targets come in the order of the seed, so that each is a miss or two, which are a third of the
// time when they are waited for one by one.
std::size_t Pipeline::restore(std::span<const ReadResult> results) {
  for (const ReadResult& result : results)
    if (const std::optional<std::uint64_t> index = receiver_.prefetch(result))
      answers_->prefetch(*index);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const ReadResult& result = results[i];
    const std::optional<std::uint64_t> index = receiver_.restore(result);
    if (!index) return i;
    // Where passes are told apart, marks say which one was answered.
    if (!result.is_error && !result.is_repeat && !answers_->tells_passes_apart())
      answers_->add(*index);
    receiver_.count_line(result.is_error, result.is_repeat);
    ++lines_restored_;
  }
  return results.size();
}

bool Pipeline::restore(const AnswerMark& mark) {
  if (mark.is_reply()) {
    const unsigned pass = mark.icmp_code;
    if (!histories_ || pass >= passes_) return false;
    const std::optional<std::uint64_t> index = receiver_.restore_pass(mark.target, pass);
    if (index) answers_->add(*index, pass);
    return true;
  }
  ReadResult result;
  result.target = mark.target;
  result.is_error = true;
  result.icmp_type = mark.icmp_type;
  result.icmp_code = mark.icmp_code;
  return receiver_.restore(result).has_value();
}

void Pipeline::continue_behind(std::uint64_t bytes) {
  writer_.continue_behind(lines_restored_, bytes);
}

void Pipeline::keep_marks(AnswerMarks* answers, LineMarks* lines) {
  answer_marks_ = answers;
  line_marks_ = lines;
  receiver_.keep_marks(answers, lines);
}

// Blocks that a sender takes behind what it has published are pending as a whole.
CheckpointView Pipeline::checkpoint_view() const {
  CheckpointView view;
  std::uint64_t claimed_blocks = OrderProgress::kEveryBlock;
  for (const auto& progress : progress_) {
    OrderProgress::Published published = progress->published();
    claimed_blocks = std::min(claimed_blocks, published.claimed_blocks);
    view.pending.insert(view.pending.end(), published.pending.begin(), published.pending.end());
  }
  claimed_blocks = std::min(claimed_blocks, blocks_.claimed());
  for (const StepRange& steps : blocks_.steps_from(claimed_blocks)) view.pending.push_back(steps);
  make_step_set(view.pending);
  view.reached = std::max(reached_, blocks_.end_of(blocks_.claimed()));
  // Between the sending's end and the note of it, a look says that all has left just now.
  const std::uint64_t began_ns = state_.cooldown_began_ns.load(std::memory_order_relaxed);
  view.at_ns = clock_.now_ns();
  view.left_ns = began_ns != 0 ? began_ns : view.at_ns;
  view.is_backlogged = source_.is_backlogged();
  view.lines = writer_.lines();
  view.lines_in_place = writer_.lines_in_place();
  view.bytes_in_place = writer_.packed_bytes_in_place();
  if (line_marks_) view.lines_in_place = std::min(view.lines_in_place, line_marks_->in_place());
  view.answers = answer_marks_ ? answer_marks_->count() : 0;
  view.answers_in_place = answer_marks_ ? answer_marks_->in_place() : 0;
  for (const auto& sender : senders_) {
    const SenderCounters& counters = sender->counters();
    view.in_doubt += counters.in_doubt.get();
    view.sent_again += counters.drawn_again.get();
  }
  view.sent = snapshot().probes_sent();
  return view;
}

struct Pipeline::Threads {
  Threads(Pipeline& pipeline, Control& control, Checkpointer* checkpointer) {
    try {
      receiving = std::thread([&] { receive(pipeline, control); });
      for (std::size_t i = 0; i < pipeline.senders_.size(); ++i)
        sending.push_back(std::thread([&, i] { send(pipeline, control, i); }));
      if (checkpointer) checkpointer->start();
    } catch (...) {
      // Those that have started wait for the gate still.
      open_gate(Gate::shut);
      join();
      throw;
    }
    open_gate(Gate::open);
  }
  ~Threads() { join(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  void receive(Pipeline& pipeline, Control& control) {
    if (!is_let_in()) return;
    name_thread("receiver");
    reduce_timer_slack();
    pipeline.receiver_.run(
        [&] { asio::post(events, [&] { control.on_output_failure(pipeline.output_failure()); }); });
    asio::post(events, [this] { is_received = true; });
  }
  void send(Pipeline& pipeline, Control& control, std::size_t index) {
    if (!is_let_in()) return;
    const bool is_good = pipeline.send(index);
    asio::post(events, [&control, is_good] { control.on_sender_end(is_good); });
    if (is_good) pipeline.senders_[index]->stand_by();
  }
  bool is_let_in() {
    gate.wait(Gate::waiting);
    return gate.load() == Gate::open;
  }
  enum class Gate { waiting, open, shut };
  void open_gate(Gate how) {
    gate.store(how);
    gate.notify_all();
  }
  void join() {
    for (std::thread& thread : sending) thread.join();
    sending.clear();
    if (receiving.joinable()) receiving.join();
  }

  asio::io_context events;
  // Without it a context that has nothing to do for a moment takes nothing more.
  asio::executor_work_guard<asio::io_context::executor_type> is_open{events.get_executor()};
  bool is_received = false;
  // No probe leaves before all threads are there: a limit on processes may refuse the last one.
  std::atomic<Gate> gate = Gate::waiting;
  std::vector<std::thread> sending;
  std::thread receiving;
};

ScanOutcome Pipeline::run(StopSignals& signals, Status& status, Checkpointer* checkpointer) {
  status.begin(started_ns_);
  Control::Limits limits = limits_of(pace_, path_.link_timeout_s, seed_);
  limits.wants_first_replies_alone = wants_first_replies_alone_;
  Control control(limits, senders_.size(), link_, source_, next_hops_, state_, status,
                  [this] { return snapshot(); });
  // Link and reply filter are seen before the first probe.
  control.tick(clock_.now_ns());

  // The other threads post what happens to this one, which looks every tick. From here nothing on
  // the data's way allocates, and nothing throws.
  senders_running_.store(senders_.size());
  Threads threads(*this, control, checkpointer);
  while (threads.events.poll(), !threads.is_received) {
    while (const std::optional<int> signal = signals.take()) control.on_signal(*signal);
    control.tick(clock_.now_ns());
    clock_.wait_until(clock_.now_ns() + Control::kTickNs);
  }
  threads.join();
  for (const auto& sender : senders_) sender->note_late_loss();
  control.settle(clock_.now_ns());
  events_ = control.events();
  kernel_replies_ = control.reply_balance().kernel_replies();
  unseen_replies_ = control.reply_balance().unseen_replies();
  return outcome_of(control);
}

ScanOutcome Pipeline::outcome_of(const Control& control) const {
  if (writer_.has_failed()) return output_failure();
  if (writer_.lines_lost() > 0)
    return OutputAbandoned{output_.path, writer_.lines_lost(), writer_.lines()};
  return control.outcome();
}

bool Pipeline::send(std::size_t index) {
  const Queue& queue = queues_[index];
  name_thread(fmt::format("sender {}", index));
  if (!queue.has_thread) pin_to(queue.cpu);
  reduce_timer_slack();
  const bool is_good = senders_[index]->run();
  // The last sender notes the time here, since the control would notice its end a tick late.
  if (senders_running_.fetch_sub(1) == 1)
    state_.sending_ended_ns.store(clock_.now_ns(), std::memory_order_relaxed);
  return is_good;
}

OutputFailed Pipeline::output_failure() const {
  return {output_.path, writer_.error()};
}

Snapshot Pipeline::snapshot() const {
  Snapshot snapshot;
  snapshot.taken_ns = clock_.now_ns();
  snapshot.started_ns = started_ns_;
  snapshot.sending_ended_ns = state_.sending_ended_ns.load(std::memory_order_relaxed);
  snapshot.probes = probe_count_;
  snapshot.sent_earlier = sent_earlier_;
  snapshot.first_pass_earlier = first_pass_earlier_;
  snapshot.without_way = without_way_;
  for (const auto& sender : senders_) snapshot.senders.push_back(figures_of(sender->counters()));
  for (const Queue& queue : queues_)
    for (const Transmitter* part : queue.transmitter->parts()) {
      TransmitterFigures figures = figures_of(queue, *part);
      // An uplink that stands by is a queue of the scan once something was sent there.
      const bool is_used = figures.ended + figures.refusals + figures.kicks > 0;
      if (is_used || part == queue.transmitter->parts().front())
        snapshot.transmitters.push_back(std::move(figures));
    }
  snapshot.replied_by_way = receiver_.replied_by_way().counts();
  snapshot.handed_over_by_way.resize(snapshot.replied_by_way.size());
  for (const auto& sender : senders_)
    for (LabelId way = 0; way < snapshot.handed_over_by_way.size(); ++way)
      snapshot.handed_over_by_way[way] += sender->handed_over().by_way.count(way);
  snapshot.receiver = figures_of(source_, receiver_.counters());
  snapshot.output = figures_of(writer_, receiver_.counters());
  return snapshot;
}

template <typename Use>
void Pipeline::for_each_given_up(const Use& use) const {
  for (const auto& sender : senders_) use(sender->given_up());
  for (const Queue& queue : queues_)
    for (const Transmitter* part : queue.transmitter->parts()) use(part->given_up());
}

std::vector<std::uint64_t> Pipeline::sent_by(const LabelMap& labels,
                                             LabelTally HandedOver::*handed_over) const {
  LabelTally given_up(labels);
  for_each_given_up([&given_up](std::span<const Target> targets) {
    for (const Target& target : targets) given_up.add(target.address);
  });
  std::vector<std::uint64_t> sent(given_up.counts().size());
  for (LabelId label = 0; label < sent.size(); ++label) {
    for (const auto& sender : senders_)
      sent[label] += (sender->handed_over().*handed_over).count(label);
    sent[label] -= given_up.count(label);
  }
  return sent;
}

void Pipeline::tally_passes(Tallies& tallies) const {
  tallies.given_up_by_pass.resize(passes_);
  for_each_given_up([&tallies](std::span<const Target> targets) {
    tallies.given_up += targets.size();
    for (const Target& target : targets) ++tallies.given_up_by_pass[target.pass];
  });
  tallies.handed_over_by_pass.resize(passes_);
  for (const auto& sender : senders_)
    for (unsigned pass = 0; pass < passes_; ++pass)
      tallies.handed_over_by_pass[pass] += sender->handed_over().by_pass[pass];
  if (!histories_) return;
  tallies.histories = histories_->counts();
  tallies.histories_by_label = histories_->counts_by_label();
  tallies.histories_by_way = histories_->counts_by_way();
  if (control_group_) tallies.control = control_group_->answers(*histories_, tallies.steps_left);
}

Tallies Pipeline::tallies() const {
  Tallies tallies;
  tallies.steps_left = checkpoint_view().pending;
  tally_passes(tallies);
  tallies.sent_by_label = sent_by(labels_, &HandedOver::by_label);
  tallies.replied_by_label = receiver_.replied_by_label().counts();
  tallies.sent_by_way = sent_by(ways_, &HandedOver::by_way);
  tallies.replied_by_way = receiver_.replied_by_way().counts();
  tallies.errors = receiver_.errors().rows();
  tallies.top_repeaters = receiver_.repeats().top(kRepeatersListed);
  tallies.repeats = receiver_.repeats().total();
  tallies.off_target_replies = receiver_.responders().total();
  tallies.top_responders = receiver_.responders().top(kRepeatersListed);
  tallies.read_back = receiver_.read_back();
  tallies.rtt = receiver_.rtt();
  tallies.replied_by_time = receiver_.replied_by_time();
  tallies.replied_late = receiver_.replied_late();
  tallies.events = events_.events();
  tallies.events_left_out = events_.left_out();
  tallies.kernel_replies = kernel_replies_;
  tallies.unseen_replies = unseen_replies_;
  return tallies;
}

}  // namespace echoscan
