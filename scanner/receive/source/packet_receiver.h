// Receiving without BPF: an AF_PACKET socket with a memory-mapped ring, for where XDP is refused.
//
// It is also for tunnels, whose packets have no Ethernet header for the XDP program to look at;
// they get one, in the gap that the kernel leaves in front of them. TPACKET_V3 blocks and a classic
// filter (IPv4, ICMP) bring the frames; the same match_reply.h that runs in XDP proves them, so
// that both ways find the same hosts. CAP_NET_RAW is enough. It is the slower way: each frame is
// copied, and the kernel's stack sees it as well. The kernel counts the frames that the ring has no
// room for (dropped_unseen). Frames carry a CLOCK_REALTIME stamp of their arrival, which
// ArrivalClock brings to CLOCK_MONOTONIC. receive() belongs to one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "bpf/match_reply.h"
#include "scanner/network/interface.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/process/mapped_memory.h"
#include "scanner/receive/reply_source.h"
#include "scanner/receive/source/arrival_clock.h"

namespace echoscan {

class PacketReceiver : public ReplySource {
 public:
  // The kernel hands a block over when it is full, or after kBlockTimeoutMs with a frame in it: so
  // many times that long a receiver may be away at a low rate, and at a high one until 32 MiB are
  // full, which takes 1 M replies a second 0.2 s. With 128 blocks of a millisecond each, a receiver
  // that was away for 128 ms lost replies at any rate.
  static constexpr unsigned kBlockBytes = 1U << 16;
  static constexpr unsigned kBlockCount = 512;
  static constexpr unsigned kBlockTimeoutMs = 8;

  // Receives on `interface` from now on, with a ring of `block_count` blocks. Throws
  // std::system_error.
  PacketReceiver(const Interface& interface, const match_config& config,
                 unsigned block_count = kBlockCount);
  ~PacketReceiver() override;

  std::size_t receive(std::span<reply> replies) override;
  void stop() override;
  [[nodiscard]] frame_counters outcomes() const override;
  [[nodiscard]] std::uint64_t dropped_unseen() const override;
  // Every echo reply: the kernel's stack gets each frame as well.
  [[nodiscard]] std::uint64_t passed_on() const override;
  // When more than a quarter of the blocks waits: they are filled in turn, so that one says it.
  [[nodiscard]] bool is_backlogged() const override;
  [[nodiscard]] std::string mode() const override { return "AF_PACKET ring"; }

 private:
  // Matches the frame at next_frame_ and steps over it; true when `out` is a proved answer.
  bool take_frame(reply& out);
  void release_block();

  bool has_ethernet_;
  FileDescriptor socket_;
  match_config config_;
  unsigned block_count_;
  MappedMemory ring_;
  std::atomic<unsigned> block_ = 0;  // the next to be emptied
  std::uint32_t frames_left_ = 0;    // in the block under way
  std::uint8_t* next_frame_ = nullptr;
  MonotonicClock clock_;
  ArrivalClock arrival_clock_;
  struct Tally;
  std::unique_ptr<Tally> tally_;
  mutable std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace echoscan
