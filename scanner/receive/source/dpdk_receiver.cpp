#include "scanner/receive/source/dpdk_receiver.h"

#include <array>
#include <utility>

#include "scanner/process/limits.h"

namespace echoscan {
namespace {

constexpr unsigned kEmptyPollsMax = 16;
constexpr std::uint64_t kNapNs = 50'000;
// A thread that was away for so long has lost its CPU to others.
constexpr std::uint64_t kAwayNs = 1'000'000;
// Then the part of the card's queues that probes may leave for, since others' answers come besides.
constexpr std::uint64_t kRoomShare = 16;
static_assert(kNapNs >= MonotonicClock::kTimerGrainNs);

}  // namespace

DpdkReceiver::DpdkReceiver(std::shared_ptr<const DpdkPort> port, std::shared_ptr<PortArp> arp,
                           const match_config& config)
    : port_(std::move(port)),
      arp_(std::move(arp)),
      config_(config),
      dropped_before_(dropped_by_port()),
      records_(kRecords),
      polled_ns_(clock_.now_ns()),
      thread_([this] { poll(); }) {}

DpdkReceiver::~DpdkReceiver() {
  DpdkReceiver::stop();
}

void DpdkReceiver::stop() {
  is_stopped_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

void DpdkReceiver::poll() {
  name_thread("dpdk poll");
  reduce_timer_slack();
  port_->enter_thread();
  const auto queues = static_cast<std::uint16_t>(port_->receive_queues());
  unsigned empty_polls = 0;
  while (!is_stopped_.load(std::memory_order_relaxed)) {
    std::size_t count = 0;
    const std::uint64_t sent = port_->sent();
    for (std::uint16_t queue = 0; queue < queues; ++queue) count += take_burst(queue);
    sent_at_poll_.store(sent, std::memory_order_relaxed);
    polled_ns_.store(clock_.now_ns(), std::memory_order_relaxed);
    empty_polls = count > 0 ? 0 : empty_polls + 1;
    if (empty_polls > kEmptyPollsMax) clock_.wait_until(clock_.now_ns() + kNapNs);
  }
}

std::size_t DpdkReceiver::take_burst(std::uint16_t queue) {
  std::array<dpdk_frame, DPDK_BATCH_MAX> frames;
  const std::size_t count =
      port_->api().receive(port_->number(), queue, frames.data(), frames.size());
  if (count == 0) return 0;
  const std::uint64_t now_ns = clock_.now_ns();
  for (const dpdk_frame& frame : std::span(frames).first(count)) take_frame(frame, now_ns);
  return count;
}

void DpdkReceiver::take_frame(const dpdk_frame& frame, std::uint64_t now_ns) {
  reply record{};
  frame_outcome outcome = match_reply(frame.bytes, frame.bytes + frame.length, &config_, &record);
  if (outcome == FRAME_NOT_IPV4 && arp_) arp_->take({frame.bytes, frame.length});
  if (outcome_is_result(outcome)) {
    record.received_ns = now_ns;
    if (!records_.put(record)) outcome = FRAME_RING_FULL;
  }
  tally_.seen.add(1);
  tally_.outcome[outcome].add(1);
}

bool DpdkReceiver::is_backlogged() const {
  if (records_.size() > records_.capacity() / 4) return true;
  const std::uint64_t ahead = port_->sent() - sent_at_poll_.load(std::memory_order_relaxed);
  if (ahead * kRoomShare <= port_->receive_room()) return false;
  const std::uint64_t away_since_ns = polled_ns_.load(std::memory_order_relaxed);
  return MonotonicClock().now_ns() > away_since_ns + kAwayNs &&
         !is_stopped_.load(std::memory_order_relaxed);
}

frame_counters DpdkReceiver::outcomes() const {
  frame_counters sum{};
  sum.seen = tally_.seen.get();
  for (std::size_t i = 0; i < tally_.outcome.size(); ++i) sum.outcome[i] = tally_.outcome[i].get();
  return sum;
}

std::uint64_t DpdkReceiver::dropped_by_port() const {
  const std::optional<dpdk_port_counters> counters = port_->counters();
  return counters ? counters->rx_missed + counters->rx_no_buffer : 0;
}

std::uint64_t DpdkReceiver::dropped_unseen() const {
  const std::uint64_t dropped = dropped_by_port();
  return dropped - std::min(dropped, dropped_before_);
}

}  // namespace echoscan
