// Receiving by DPDK: a thread that asks the card, proves each frame and hands its record on.
//
// No interrupt says that something has come, so that a thread of its own asks. As long as frames
// come it asks without a pause; then it naps for 50 us between questions, so that on a machine of
// two CPUs the sender has one: a reply's stamp is late by as much. It matches by the text that XDP
// runs (match_reply.h), stamps once a burst, and gives what is no IPv4 to the card's ARP. Records
// cross to the receiver's thread by a ring; when that is full, they are counted and dropped.
// Senders wait when it fills, and when this thread gets no CPU while they send what could fill the
// card's queues: their answers, and those that are still on their way.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "bpf/match_reply.h"
#include "scanner/network/dpdk_port.h"
#include "scanner/network/port_arp.h"
#include "scanner/process/clock.h"
#include "scanner/process/counter.h"
#include "scanner/process/handover_ring.h"
#include "scanner/receive/reply_source.h"

namespace echoscan {

class DpdkReceiver : public ReplySource {
 public:
  static constexpr std::size_t kRecords = std::size_t{1} << 17;  // 4 MiB

  // Receives on an opened port from now on. `arp` may be null. Throws std::system_error.
  DpdkReceiver(std::shared_ptr<const DpdkPort> port, std::shared_ptr<PortArp> arp,
               const match_config& config);
  ~DpdkReceiver() override;

  std::size_t receive(std::span<reply> replies) override { return records_.take(replies); }
  void stop() override;
  [[nodiscard]] frame_counters outcomes() const override;
  // Those that found the card's queues full, or no memory.
  [[nodiscard]] std::uint64_t dropped_unseen() const override;
  // The kernel sees nothing of that card.
  [[nodiscard]] std::uint64_t passed_on() const override { return 0; }
  [[nodiscard]] bool is_backlogged() const override;
  [[nodiscard]] std::string mode() const override { return port_->mode(); }

 private:
  void poll();
  // Takes what one queue has; returns how many frames.
  std::size_t take_burst(std::uint16_t queue);
  void take_frame(const dpdk_frame& frame, std::uint64_t now_ns);
  [[nodiscard]] std::uint64_t dropped_by_port() const;

  std::shared_ptr<const DpdkPort> port_;
  std::shared_ptr<PortArp> arp_;
  match_config config_;
  MonotonicClock clock_;
  std::uint64_t dropped_before_;
  HandoverRing<reply> records_;
  std::atomic<bool> is_stopped_ = false;
  // When the card was asked last, and how many probes had left by then.
  std::atomic<std::uint64_t> polled_ns_;
  std::atomic<std::uint64_t> sent_at_poll_ = 0;
  // The thread's own.
  struct alignas(kCacheLineBytes) Tally {
    Counter seen;
    std::array<Counter, FRAME_OUTCOME_COUNT> outcome;
  };
  Tally tally_;
  std::thread thread_;
};

}  // namespace echoscan
