#include "scanner/transmit/method/xdp_live.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "scanner/transmit/pacer.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kSecondNs = 1'000'000'000;

std::uint64_t load(const __u64& value) {
  return __atomic_load_n(&value, __ATOMIC_ACQUIRE);
}

live_bucket make_bucket(const PaceShape::Bucket& shape) {
  return {shape.token_ticks, shape.depth_ticks, 0};
}

// Under a real-time policy (chrt) a thread that never sleeps has to stand below those it waits for:
// at the same priority it would keep its own sender off the CPU for ever.
void step_below_the_sender() {
  int policy = SCHED_OTHER;
  sched_param parameters{};
  pthread_getschedparam(pthread_self(), &policy, &parameters);
  if (policy != SCHED_FIFO && policy != SCHED_RR) return;
  --parameters.sched_priority;
  if (parameters.sched_priority == 0) policy = SCHED_OTHER;
  pthread_setschedparam(pthread_self(), policy, &parameters);
}

// Whoever else is signalled (SIGINT, SIGTERM) must not end the call: only kEndSignal may come.
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
                                       Clock& clock)
    : program_(std::move(program)),
      queue_(program_->queue(number)),
      number_(number),
      clock_(clock) {}

XdpLiveTransmitter::~XdpLiveTransmitter() {
  quit();
}

std::vector<std::unique_ptr<Transmitter>> XdpLiveTransmitter::open(
    const Interface& interface, const FrameTemplate& frame_template, std::span<const int> cpus,
    Clock& clock, std::string& reason) {
  LiveProgram::Attempt attempt = LiveProgram::load(interface, frame_template, cpus);
  reason = attempt.reason;
  if (!attempt.program) return {};
  std::vector<std::unique_ptr<Transmitter>> transmitters;
  for (unsigned number = 0; number < cpus.size(); ++number) {
    std::unique_ptr<XdpLiveTransmitter> opened(
        new XdpLiveTransmitter(attempt.program, number, clock));
    opened->thread_ = std::thread(
        [&, self = opened.get()] { self->run_calls(interface, frame_template, cpus[number]); });
    opened->has_proof_.wait(false);
    if (!opened->proof_.empty()) {
      reason = fmt::format("CPU {}: {}", cpus[number], opened->proof_);
      return {};
    }
    transmitters.push_back(std::move(opened));
  }
  return transmitters;
}

// The references are good until has_proof_ is set.
void XdpLiveTransmitter::run_calls(const Interface& interface, const FrameTemplate& frame_template,
                                   int cpu) {
  prepare_thread(cpu);
  proof_ = program_->prove_path(interface, number_, frame_template);
  has_proof_.store(true);
  has_proof_.notify_one();
  while (true) {
    order_.wait(Order::rest);
    const Order order = order_.load();
    if (order == Order::quit) return;
    if (order == Order::rest) continue;
    // In this order: whoever changes the order later sees that there is a call to end.
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
    // Not to be expected after the proof: a page could not be had, the interface went away. The
    // next order to run tries again.
    last_error_.store(error, std::memory_order_relaxed);
    Order was = Order::run;
    order_.compare_exchange_strong(was, Order::rest);
  }
}

// A signal that comes just before the call is lost: whoever wants the call to end gives the order
// again until it has.
void XdpLiveTransmitter::give_order(Order order) {
  if (order_.exchange(order) != order) {
    rested_ns_ = clock_.now_ns();
    progress_run_ = load(queue_.runs);
    order_.notify_one();
  }
  if (order != Order::run && is_in_call_.load())
    pthread_kill(thread_.native_handle(), LiveProgram::kEndSignal);
}

void XdpLiveTransmitter::quit() {
  if (!thread_.joinable()) return;
  give_order(Order::quit);
  while (is_in_call_.load()) {
    clock_.wait_until(clock_.now_ns() + kMillisecondNs);
    give_order(Order::quit);
  }
  thread_.join();
}

bool XdpLiveTransmitter::pace(std::uint64_t rate_pps) {
  if (rate_pps != Pacer::kUnlimited)
    rewind_ = std::min<std::uint64_t>(kRewindTargets, rate_pps * kBacklogNs / kSecondNs + 1);
  if (rate_pps < kPaceMinPps) return rate_pps == Pacer::kUnlimited;
  const PaceShape shape(rate_pps, LIVE_TICKS_PER_NS);
  queue_.pacer.average = make_bucket(shape.average);
  queue_.pacer.peak = make_bucket(shape.peak);
  backlog_ = std::min<std::uint64_t>(kBacklogMax, rate_pps * kBacklogNs / kSecondNs);
  return true;
}

// Once full, the ring takes nothing before a quarter of it is free, so that the sender sleeps and
// fills in turns of milliseconds.
std::size_t XdpLiveTransmitter::send(std::span<const Target> batch) {
  if (is_rewinding_ && !rewind()) return 0;
  const std::uint64_t waiting = tail_ - load(queue_.head);
  if (is_full_ && waiting > backlog_ - backlog_ / 4) return 0;
  const std::size_t count = std::min<std::size_t>(batch.size(), backlog_ - waiting);
  is_full_ = count < batch.size();
  for (const Target& target : batch.first(count)) {
    __u64& slot = queue_.ring[tail_ % LIVE_RING_TARGETS];
    __atomic_store_n(&slot, live_entry(target.address.value, target.pass, tail_), __ATOMIC_RELAXED);
    ++tail_;
  }
  if (order_.load(std::memory_order_relaxed) != Order::run) give_order(Order::run);
  read_counters();
  return count;
}

void XdpLiveTransmitter::read_counters() {
  const std::uint64_t sent = load(queue_.sent);
  if (sent != counters_.sent.get()) progress_run_ = load(queue_.runs);
  counters_.sent.add(sent - counters_.sent.get());
  counters_.sent_again.add(load(queue_.refused) + rewound_ - counters_.sent_again.get());
  counters_.unconfirmed.add(load(queue_.unconfirmed) - counters_.unconfirmed.get());
  if (const __u32 error = __atomic_load_n(&queue_.error, __ATOMIC_RELAXED); error != 0)
    last_error_.store(static_cast<int>(error), std::memory_order_relaxed);
}

bool XdpLiveTransmitter::settle() {
  idle();
  if (is_link_down_ || (is_rewinding_ && !rewind())) return false;
  const bool is_settled = counters_.sent.get() + counters_.unconfirmed.get() == tail_;
  // Nothing left before the rest: see if the driver takes frames again.
  if (!is_settled && order_.load(std::memory_order_relaxed) == Order::rest && !is_in_call_.load() &&
      clock_.now_ns() - rested_ns_ > kRestNs)
    give_order(Order::run);
  return is_settled;
}

void XdpLiveTransmitter::idle() {
  read_counters();
  const bool is_running = order_.load(std::memory_order_relaxed) == Order::run;
  if (is_running ? load(queue_.runs) - progress_run_ > kIdleRuns : is_in_call_.load())
    give_order(Order::rest);
}

// At rest at once, or frames might leave by the new link before anybody has gone back.
void XdpLiveTransmitter::link_changed(bool is_up) {
  is_link_down_ = !is_up;
  is_rewinding_ = is_up;
  if (!is_up) give_order(Order::rest);
}

// Nobody else writes to the queue while there is no call. What was refused is in the ring as well,
// among the last: those in line again come only before anything new.
bool XdpLiveTransmitter::rewind() {
  give_order(Order::rest);
  if (is_in_call_.load()) return false;
  const std::uint64_t not_named = queue_.unconfirmed + (queue_.entered - queue_.flown);
  const std::uint64_t count = std::min<std::uint64_t>(rewind_, queue_.head - not_named);
  const std::uint64_t sent_before = queue_.sent;
  queue_.again_count = 0;
  queue_.head -= count;
  queue_.sent = queue_.head - not_named;
  rewound_ += sent_before - queue_.sent;
  is_rewinding_ = false;
  rested_ns_ = 0;
  return true;
}

void XdpLiveTransmitter::give_up() {
  quit();
  read_counters();
  counters_.refused.add(tail_ - counters_.sent.get() - counters_.unconfirmed.get());
  const auto name = [this](__u64 entry) {
    given_up_.push_back({Ipv4{live_entry_target(entry)}, live_entry_pass(entry)});
  };
  for (__u64 at = queue_.head; at < tail_; ++at) name(queue_.ring[at % LIVE_RING_TARGETS]);
  for (__u32 i = 0; i < queue_.again_count; ++i) name(queue_.again[i]);
  for (__u64 i = 0; i < std::min<__u64>(queue_.unconfirmed, LIVE_BULK_MAX); ++i)
    name(queue_.lost[i]);
}

}  // namespace echoscan
