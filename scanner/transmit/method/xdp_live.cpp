#include "scanner/transmit/method/xdp_live.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>

#include "scanner/process/limits.h"
#include "scanner/transmit/pacer.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kQuitPollNs = 1'000'000;
constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kBacklogMin = 64;

std::uint64_t load(const __u64& value) {
  return __atomic_load_n(&value, __ATOMIC_ACQUIRE);
}

live_bucket make_bucket(const PaceShape::Bucket& shape) {
  return {shape.token_ticks, shape.depth_ticks, 0};
}

live_target live_target_at(std::uint64_t at, const Target& target, const TargetProof& proof) {
  return {live_entry(target.address.value, target.pass, target.is_again, target.next_hop, at),
          live_proof(proof.cookie, proof.ip_checksum, at)};
}

// Under a real-time policy (chrt) a thread that never sleeps needs a lower priority than the
// threads it waits for: at the same one it would keep its own sender off the CPU for ever.
void step_below_the_sender() {
  int policy = SCHED_OTHER;
  sched_param parameters{};
  pthread_getschedparam(pthread_self(), &policy, &parameters);
  if (policy != SCHED_FIFO && policy != SCHED_RR) return;
  --parameters.sched_priority;
  if (parameters.sched_priority == 0) policy = SCHED_OTHER;
  pthread_setschedparam(pthread_self(), policy, &parameters);
}

// Only kEndSignal may end the call: signals that are meant for others (SIGINT, SIGTERM) are
// blocked.
void prepare_thread(int cpu) {
  sigset_t blocked;
  sigfillset(&blocked);
  sigdelset(&blocked, LiveProgram::kEndSignal);
  pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
  step_below_the_sender();
}

}  // namespace

XdpLiveTransmitter::XdpLiveTransmitter(std::shared_ptr<LiveProgram> program, unsigned number,
                                       const FrameTemplate& frame_template, Clock& clock)
    : program_(std::move(program)),
      queue_(program_->queue(number)),
      number_(number),
      template_(frame_template),
      clock_(clock) {}

XdpLiveTransmitter::~XdpLiveTransmitter() {
  quit();
}

tl::expected<std::vector<std::unique_ptr<Transmitter>>, Refusal> XdpLiveTransmitter::open(
    const Interface& interface, const FrameTemplate& frame_template,
    std::span<const QueueSetup> queues, const ReplyRings& reply_rings, Clock& clock) {
  std::vector<int> cpus;
  for (const QueueSetup& setup : queues) cpus.push_back(setup.cpu);
  const tl::expected<std::shared_ptr<LiveProgram>, Refusal> program =
      LiveProgram::load(interface, frame_template, cpus, reply_rings);
  if (!program) return tl::make_unexpected(program.error());
  std::vector<std::unique_ptr<Transmitter>> transmitters;
  for (unsigned number = 0; number < cpus.size(); ++number) {
    std::unique_ptr<XdpLiveTransmitter> opened(
        new XdpLiveTransmitter(*program, number, frame_template, clock));
    opened->set_rate(queues[number]);
    opened->thread_ = std::thread(
        [&, self = opened.get()] { self->run_calls(interface, frame_template, cpus[number]); });
    opened->has_proof_.wait(false);
    if (const tl::expected<void, Refusal>& proof = opened->proof_; !proof)
      return refused(fmt::format("CPU {}: {}", cpus[number], proof.error().reason),
                     proof.error().error);
    transmitters.push_back(std::move(opened));
  }
  return transmitters;
}

// The references are valid until has_proof_ is set.
void XdpLiveTransmitter::run_calls(const Interface& interface, const FrameTemplate& frame_template,
                                   int cpu) {
  name_thread(fmt::format("live {}", number_));
  prepare_thread(cpu);
  proof_ = program_->prove_path(interface, number_, frame_template);
  has_proof_.store(true);
  has_proof_.notify_one();
  while (true) {
    order_.wait(Order::rest);
    const Order order = order_.load();
    if (order == Order::quit) return;
    if (order == Order::rest) continue;
    // The flag is set before the order is read again, so that whoever changes the order after that
    // sees that there is a call to end.
    is_in_call_.store(true);
    int error = 0;
    if (order_.load() == Order::run) {
      queue_.first_run = (queue_.runs | (LIVE_BATCH - 1)) + 1;  // a call starts with a batch
      queue_.runs = queue_.first_run;
      error = program_->run();
      counters_.kicks.add(1);
    }
    is_in_call_.store(false);
    if (error == 0 || error == EINTR) continue;
    // Rare after the proof: there was no page, or the interface went away. The next order to run
    // tries again.
    last_error_.store(error, std::memory_order_relaxed);
    Order was = Order::run;
    order_.compare_exchange_strong(was, Order::rest);
  }
}

// A signal that comes just before the call is lost, so whoever wants a call to end gives the order
// again and again until it has ended.
void XdpLiveTransmitter::give_order(Order order) {
  if (order_.exchange(order) != order) {
    rested_ns_ = clock_.now_ns();
    rests_for_receiver_ = order == Order::rest && load(queue_.held_runs) != held_at_progress_;
    note_progress();
    order_.notify_one();
  }
  if (order != Order::run && is_in_call_.load())
    pthread_kill(thread_.native_handle(), LiveProgram::kEndSignal);
}

void XdpLiveTransmitter::quit() {
  if (!thread_.joinable()) return;
  give_order(Order::quit);
  while (is_in_call_.load()) {
    clock_.wait_until(clock_.now_ns() + kQuitPollNs);
    give_order(Order::quit);
  }
  thread_.join();
}

void XdpLiveTransmitter::set_rate(const QueueSetup& setup) {
  if (setup.rate_pps == Pacer::kUnlimited) return;
  backlog_ =
      std::clamp(setup.rate_pps.whole_pps() * kBacklogNs / kSecondNs, kBacklogMin, kBacklogMax);
  if (!setup.keeps_rate) return;
  const PaceShape shape(setup.rate_pps, LIVE_TICKS_PER_NS);
  queue_.pacer.average = make_bucket(shape.average);
  queue_.pacer.peak = make_bucket(shape.peak);
}

void XdpLiveTransmitter::note_progress() {
  progress_run_ = load(queue_.runs);
  held_at_progress_ = load(queue_.held_runs);
}

// A full ring takes nothing until a quarter of it is free, so that the sender sleeps and fills in
// turns of milliseconds. Who hands targets over has seen that the receiver keeps up again.
std::size_t XdpLiveTransmitter::send(std::span<const Target> batch) {
  if (rests_for_receiver_) give_order(Order::run);
  const std::uint64_t waiting = tail_ - load(queue_.head);
  assert(waiting <= LIVE_RING_TARGETS);
  if (is_full_ && waiting > backlog_ - backlog_ / 4) return 0;
  const std::size_t count =
      std::min({batch.size(), std::size_t{ProbeBatch::kSize}, std::size_t{backlog_ - waiting}});
  is_full_ = waiting + count == backlog_;
  copy_next_hops();
  std::array<TargetProof, ProbeBatch::kSize> proofs;
  template_.prove(batch.first(count), proofs);
  for (std::size_t i = 0; i < count; ++i) {
    const live_target target = live_target_at(tail_, batch[i], proofs[i]);
    live_target& slot = queue_.ring[tail_ % LIVE_RING_TARGETS];
    __atomic_store_n(&slot.proof, target.proof, __ATOMIC_RELAXED);
    __atomic_store_n(&slot.entry, target.entry, __ATOMIC_RELAXED);
    ++tail_;
  }
  if (order_.load(std::memory_order_relaxed) != Order::run) give_order(Order::run);
  read_counters();
  return count;
}

// What is in the ring already takes the new MAC as well.
void XdpLiveTransmitter::copy_next_hops() {
  const NextHopTable& next_hops = *template_.next_hops();
  if (next_hops.changes() == next_hop_changes_) return;
  next_hop_changes_ = next_hops.changes();
  for (std::size_t i = 0; i < LIVE_NEXT_HOPS; ++i)
    __atomic_store_n(&queue_.frame_heads[i], next_hops.frame_head(i), __ATOMIC_RELAXED);
}

void XdpLiveTransmitter::read_counters() {
  const std::uint64_t sent = load(queue_.sent);
  if (sent != counters_.sent.get()) note_progress();
  counters_.sent.add(sent - counters_.sent.get());
  counters_.refusals.add(load(queue_.refused) - counters_.refusals.get());
  counters_.unconfirmed.add(load(queue_.unconfirmed) - counters_.unconfirmed.get());
  if (const __u32 error = __atomic_load_n(&queue_.error, __ATOMIC_RELAXED); error != 0)
    last_error_.store(static_cast<int>(error), std::memory_order_relaxed);
}

bool XdpLiveTransmitter::settle() {
  rest_when_idle();
  const bool is_settled = counters_.sent.get() + counters_.unconfirmed.get() == tail_;
  // The call was ended for lack of progress: see whether the driver takes frames again.
  if (!is_settled && order_.load(std::memory_order_relaxed) == Order::rest && !is_in_call_.load() &&
      clock_.now_ns() - rested_ns_ > kRestNs)
    give_order(Order::run);
  return is_settled;
}

void XdpLiveTransmitter::rest_when_idle() {
  read_counters();
  const bool is_running = order_.load(std::memory_order_relaxed) == Order::run;
  if (is_running ? load(queue_.runs) - progress_run_ > kIdleRuns : is_in_call_.load())
    give_order(Order::rest);
}

void XdpLiveTransmitter::rest() {
  give_order(Order::rest);
  read_counters();
}

// The call has ended: nobody else writes to the queue now.
void XdpLiveTransmitter::give_up() {
  quit();
  read_counters();
  assert(queue_.head <= tail_ && queue_.again_count <= LIVE_BULK_MAX);
  const auto target_of = [](const live_target& target) {
    const __u64 entry = target.entry;
    return Target{Ipv4{live_entry_target(entry)}, live_entry_pass(entry),
                  live_entry_is_again(entry) != 0, live_entry_next_hop(entry)};
  };
  for (__u64 at = queue_.head; at < tail_; ++at)
    lose(target_of(queue_.ring[at % LIVE_RING_TARGETS]), counters_.refused);
  for (__u32 i = 0; i < queue_.again_count; ++i)
    lose(target_of(queue_.again[i]), counters_.refused);
  // The program counts unconfirmed targets, and remembers the last of them.
  for (__u64 i = 0; i < std::min<__u64>(queue_.unconfirmed, LIVE_BULK_MAX); ++i)
    given_up_.push_back(target_of(queue_.lost[i]));
}

}  // namespace echoscan
