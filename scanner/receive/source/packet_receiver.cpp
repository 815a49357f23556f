#include "scanner/receive/source/packet_receiver.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "scanner/process/clock.h"
#include "scanner/process/counter.h"
#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

std::size_t ring_bytes(unsigned block_count) {
  return std::size_t{PacketReceiver::kBlockBytes} * block_count;
}

// Lets ICMP over IPv4 through; match_reply does the rest. Offsets are from the IPv4 header,
// wherever that is. A packet that the kernel has given to an interface on top of this one (a VLAN,
// a macvlan) comes by here as well, and is that one's: both may be watched.
void set_icmp_filter(int socket, int interface_index) {
  constexpr auto kInterface = static_cast<unsigned>(SKF_AD_OFF + SKF_AD_IFINDEX);
  constexpr auto kEtherType = static_cast<unsigned>(SKF_AD_OFF + SKF_AD_PROTOCOL);
  constexpr auto kProtocol = static_cast<unsigned>(SKF_NET_OFF + WIRE_IP_PROTOCOL_OFFSET);
  std::array<sock_filter, 8> code{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kInterface),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(interface_index), 0, 5),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kEtherType),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 3),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kProtocol),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WIRE_PROTOCOL_ICMP, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  set_socket_option(socket, SOL_SOCKET, SO_ATTACH_FILTER, program, "attach the ICMP filter");
}

// Puts the Ethernet header that match_reply looks for in front of a packet that has none: the
// kernel leaves 16 bytes there.
const std::uint8_t* put_ethernet(std::uint8_t* packet) {
  constexpr std::array<std::uint8_t, PROBE_ETHERNET_BYTES> kHeader = {
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, WIRE_ETHERTYPE_IPV4 >> 8, WIRE_ETHERTYPE_IPV4 & 0xff};
  static_assert(kHeader.size() <= 16);
  std::copy(kHeader.begin(), kHeader.end(), packet - kHeader.size());
  return packet - kHeader.size();
}

tpacket_block_desc* block_at(const MappedMemory& ring, unsigned block) {
  return reinterpret_cast<tpacket_block_desc*>(ring.as<std::uint8_t>() +
                                               std::size_t{block} * PacketReceiver::kBlockBytes);
}

}  // namespace

struct PacketReceiver::Tally {
  Counter seen;
  std::array<Counter, FRAME_OUTCOME_COUNT> outcome;
};

PacketReceiver::PacketReceiver(const Interface& interface, const match_config& config,
                               unsigned block_count)
    : has_ethernet_(interface.is_ethernet || interface.is_loopback),
      // SOCK_DGRAM: the kernel takes off whatever a tunnel has for a header.
      socket_(socket(AF_PACKET, (has_ethernet_ ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC, 0)),
      config_(config),
      block_count_(block_count),
      tally_(std::make_unique<Tally>()) {
  if (!socket_) throw_system_error("open a packet socket");
  set_icmp_filter(socket_.get(), interface.index);
  set_socket_option(socket_.get(), SOL_PACKET, PACKET_VERSION, int{TPACKET_V3},
                    "select TPACKET_V3");
  set_socket_option(socket_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, int{1},
                    "ignore outgoing frames");
  tpacket_req3 request{};
  request.tp_block_size = kBlockBytes;
  request.tp_block_nr = block_count_;
  request.tp_frame_size = TPACKET_ALIGNMENT << 7;
  request.tp_frame_nr = kBlockBytes / request.tp_frame_size * block_count_;
  request.tp_retire_blk_tov = kBlockTimeoutMs;
  set_socket_option(socket_.get(), SOL_PACKET, PACKET_RX_RING, request, "make the receive ring");
  ring_ = MappedMemory::shared(socket_.get(), ring_bytes(block_count_));
  if (!ring_) throw_system_error("map the receive ring");

  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = interface.index;
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw_system_error("bind the packet socket");
}

PacketReceiver::~PacketReceiver() = default;

std::size_t PacketReceiver::receive(std::span<reply> replies) {
  arrival_clock_.look(clock_.now_ns(), realtime_offset_ns());
  std::size_t filled = 0;
  while (filled < replies.size()) {
    if (!next_frame_) {
      tpacket_block_desc* block = block_at(ring_, block_);
      const std::uint32_t status = __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);
      if ((status & TP_STATUS_USER) == 0) {
        arrival_clock_.note_empty();
        break;
      }
      // All of the block's frames were stamped before this.
      arrival_clock_.look(clock_.now_ns(), realtime_offset_ns());
      frames_left_ = block->hdr.bh1.num_pkts;
      assert(block->hdr.bh1.offset_to_first_pkt < kBlockBytes);
      next_frame_ = reinterpret_cast<std::uint8_t*>(block) + block->hdr.bh1.offset_to_first_pkt;
    }
    for (; frames_left_ > 0 && filled < replies.size(); --frames_left_)
      if (take_frame(replies[filled])) ++filled;
    if (frames_left_ == 0) release_block();
  }
  return filled;
}

bool PacketReceiver::take_frame(reply& out) {
  const auto* block_begin = reinterpret_cast<const std::uint8_t*>(block_at(ring_, block_));
  assert(next_frame_ + sizeof(tpacket3_hdr) <= block_begin + kBlockBytes);
  tpacket3_hdr header;
  std::memcpy(&header, next_frame_, sizeof(header));
  std::uint8_t* packet = next_frame_ + header.tp_mac;
  const std::uint8_t* frame_end = packet + header.tp_snaplen;
  assert(packet > block_begin && frame_end <= block_begin + kBlockBytes);
  const std::uint8_t* frame = has_ethernet_ ? packet : put_ethernet(packet);
  next_frame_ += header.tp_next_offset;

  const frame_outcome outcome = match_reply(frame, frame_end, &config_, &out);
  tally_->seen.add(1);
  tally_->outcome[outcome].add(1);
  if (!outcome_is_result(outcome)) return false;
  const std::int64_t realtime_ns = std::int64_t{header.tp_sec} * 1'000'000'000 + header.tp_nsec;
  const std::optional<std::uint64_t> received_ns = arrival_clock_.when(realtime_ns);
  out.received_ns = received_ns.value_or(arrival_clock_.now_ns());
  if (!received_ns) out.sent_ns = 0;  // so that there is no round-trip time
  return true;
}

void PacketReceiver::release_block() {
  tpacket_block_desc* block = block_at(ring_, block_);
  __atomic_store_n(&block->hdr.bh1.block_status, std::uint32_t{TP_STATUS_KERNEL}, __ATOMIC_RELEASE);
  block_.store((block_ + 1) % block_count_, std::memory_order_relaxed);
  next_frame_ = nullptr;
}

bool PacketReceiver::is_backlogged() const {
  const unsigned next = block_.load(std::memory_order_relaxed);
  const tpacket_block_desc* block = block_at(ring_, (next + block_count_ / 4) % block_count_);
  const std::uint32_t status = __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_RELAXED);
  return (status & TP_STATUS_USER) != 0;
}

// Sets a filter that lets nothing through. Frames are counted as they are taken, so that those
// which are left in the ring do not make the counts disagree.
void PacketReceiver::stop() {
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &nothing};
  setsockopt(socket_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

frame_counters PacketReceiver::outcomes() const {
  frame_counters sum{};
  sum.seen = tally_->seen.get();
  for (int i = 0; i < FRAME_OUTCOME_COUNT; ++i)
    sum.outcome[i] = tally_->outcome[static_cast<std::size_t>(i)].get();
  return sum;
}

std::uint64_t PacketReceiver::passed_on() const {
  std::uint64_t sum = dropped_unseen();
  for (int i = 0; i < FRAME_OUTCOME_COUNT; ++i)
    if (outcome_may_be_echo_reply(static_cast<frame_outcome>(i)))
      sum += tally_->outcome[static_cast<std::size_t>(i)].get();
  return sum;
}

// The kernel resets its count with each reading.
std::uint64_t PacketReceiver::dropped_unseen() const {
  tpacket_stats_v3 stats{};
  socklen_t bytes = sizeof(stats);
  if (getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) == 0)
    dropped_.fetch_add(stats.tp_drops, std::memory_order_relaxed);
  return dropped_.load(std::memory_order_relaxed);
}

}  // namespace echoscan
