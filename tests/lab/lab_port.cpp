// A far end behind a port of DPDK: another process, which the scanner reaches by a socket that both
// map memory over (vhost-user, memif), and nothing else does. It answers ARP for the gateway, looks
// at each probe, and answers some.
//
//   lab_port DEVICE DPDK-ARGUMENTS FIRST COUNT ONE_IN
//
// Asked are COUNT addresses from FIRST on; those that ONE_IN divides answer. Says `ready` when it
// listens, and when it is told to end (SIGTERM) a JSON object: `asked` probes that are well-formed,
// of them `again` for an address that had had one and `elsewhere` for none of these; `bad` are not
// well-formed; `others` are no IPv4. `pps` is over the time from the first probe to the last.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpf/probe.h"
#include "scanner/network/arp_peer.h"
#include "scanner/network/dpdk_port.h"
#include "scanner/process/clock.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"
#include "targets/address.h"

namespace echoscan {
namespace {

constexpr Ipv4 kNear{0xc0000201};
constexpr Ipv4 kGateway{0xc0000202};
// What cannot be answered yet; with more in hand it receives nothing, and the scanner finds the
// port full.
constexpr std::size_t kPendingMax = 4096;
constexpr std::uint64_t kNapNs = 50'000;
constexpr int kArpTriesMax = 1000;

std::atomic<bool> is_told_to_end = false;

void end(int) {
  is_told_to_end = true;
}

using Frame = std::array<std::uint8_t, PROBE_FRAME_BYTES>;

// By RFC 1071 alone, and not by what has written the probe.
bool has_good_sum(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2)
    sum += std::uint32_t{bytes[i]} << 8 | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

// An echo request of the shortest frame's length, from the near end to us.
bool is_well_formed(std::span<const std::uint8_t> frame, const MacAddress& own) {
  constexpr std::uint16_t kIpBytes = PROBE_FRAME_BYTES - PROBE_ETHERNET_BYTES;
  if (frame.size() != PROBE_FRAME_BYTES) return false;
  const std::span<const std::uint8_t> ip = frame.subspan(PROBE_IP_OFFSET);
  const std::span<const std::uint8_t> icmp = frame.subspan(PROBE_ICMP_OFFSET);
  return std::ranges::equal(frame.first(own.bytes.size()), own.bytes) && ip[0] == 0x45 &&
         wire_load16(&ip[WIRE_IP_LENGTH_OFFSET]) == kIpBytes && ip[WIRE_IP_TTL_OFFSET] > 0 &&
         ip[WIRE_IP_PROTOCOL_OFFSET] == WIRE_PROTOCOL_ICMP &&
         wire_load32(&ip[WIRE_IP_SOURCE_OFFSET]) == kNear.value &&
         icmp[0] == WIRE_ICMP_ECHO_REQUEST && icmp[1] == 0 &&
         has_good_sum(ip.first(PROBE_IPV4_BYTES)) && has_good_sum(icmp);
}

// The host's answer: both ends change places, and the checksum takes the other type in.
Frame answer_to(std::span<const std::uint8_t> probe) {
  constexpr std::size_t kMacBytes = 6;
  constexpr std::size_t kAddressBytes = 4;
  Frame answer;
  std::ranges::copy(probe, answer.begin());
  std::swap_ranges(answer.begin(), answer.begin() + kMacBytes, answer.begin() + kMacBytes);
  const auto source = answer.begin() + PROBE_IP_OFFSET + WIRE_IP_SOURCE_OFFSET;
  std::swap_ranges(source, source + kAddressBytes, source + kAddressBytes);
  answer[PROBE_ICMP_OFFSET] = WIRE_ICMP_ECHO_REPLY;
  std::uint8_t* const checksum = &answer[PROBE_ICMP_CHECKSUM_OFFSET];
  const std::uint32_t sum = wire_load16(checksum) + (std::uint32_t{WIRE_ICMP_ECHO_REQUEST} << 8);
  wire_store16(checksum, static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16)));
  return answer;
}

class FarPort {
 public:
  FarPort(std::shared_ptr<DpdkPort> port, Ipv4 first, std::uint64_t count, std::uint32_t one_in)
      : port_(std::move(port)),
        arp_(port_->interface().mac, kGateway, std::nullopt),
        first_(first),
        one_in_(one_in),
        is_asked_(count) {}

  // False when nothing has come, and nothing could be answered.
  bool turn() {
    const bool has_answered = send_pending();
    if (pending_.size() > kPendingMax) return has_answered;
    std::array<dpdk_frame, DPDK_BATCH_MAX> frames;
    const std::size_t count =
        port_->api().receive(port_->number(), 0, frames.data(), frames.size());
    if (count == 0) return has_answered;
    const std::uint64_t now_ns = clock_.now_ns();
    const std::uint64_t asked_before = asked_;
    for (const dpdk_frame& frame : std::span(frames).first(count))
      take({frame.bytes, frame.length});
    if (asked_ == asked_before) return true;
    if (asked_before == 0) begin_ns_ = now_ns;
    end_ns_ = now_ns;
    return true;
  }

  void print() const {
    const double seconds = to_seconds(end_ns_ - begin_ns_);
    fmt::print(
        "{{\"asked\":{},\"again\":{},\"elsewhere\":{},\"bad\":{},\"others\":{},\"answered\":{},"
        "\"seconds\":{:.6f},\"pps\":{:.0f}}}\n",
        asked_, again_, elsewhere_, bad_, others_, answered_, seconds,
        seconds > 0 ? static_cast<double>(asked_) / seconds : 0);
  }

 private:
  void take(std::span<const std::uint8_t> frame) {
    if (frame.size() < PROBE_ETHERNET_BYTES ||
        wire_load16(&frame[WIRE_ETHERTYPE_OFFSET]) != WIRE_ETHERTYPE_IPV4) {
      ++others_;
      answer_arp(frame);
      return;
    }
    if (!is_well_formed(frame, port_->interface().mac)) {
      ++bad_;
      return;
    }
    ++asked_;
    const std::uint32_t target = wire_load32(&frame[PROBE_IP_DESTINATION_OFFSET]);
    const std::uint64_t place = std::uint64_t{target} - first_.value;
    if (target < first_.value || place >= is_asked_.size()) {
      ++elsewhere_;
      return;
    }
    if (is_asked_[place]) ++again_;
    is_asked_[place] = true;
    if (target % one_in_ == 0) pending_.push_back(answer_to(frame));
  }

  void answer_arp(std::span<const std::uint8_t> frame) {
    const std::optional<ArpMessage> message = arp_.hear(frame);
    if (!message) return;
    const std::optional<ArpFrame> answer = arp_.answer(*message);
    for (int tries = 0; answer && !port_->send_copy(answer->span()) && tries < kArpTriesMax;
         ++tries)
      clock_.wait_until(clock_.now_ns() + kNapNs);
  }

  bool send_pending() {
    std::size_t done = 0;
    while (done < pending_.size()) {
      std::array<std::uint8_t*, DPDK_BATCH_MAX> frames;
      const std::size_t wanted = std::min<std::size_t>(pending_.size() - done, frames.size());
      const std::size_t taken = port_->api().take_frames(port_->number(), 0, frames.data(), wanted);
      for (std::size_t i = 0; i < taken; ++i) std::ranges::copy(pending_[done + i], frames[i]);
      const std::size_t sent = taken > 0 ? port_->api().send_frames(port_->number(), 0, taken) : 0;
      done += sent;
      if (sent < wanted) break;
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(done));
    answered_ += done;
    return done > 0;
  }

  std::shared_ptr<DpdkPort> port_;
  ArpPeer arp_;
  Ipv4 first_;
  std::uint32_t one_in_;
  std::vector<bool> is_asked_;
  std::vector<Frame> pending_;
  MonotonicClock clock_;
  std::uint64_t asked_ = 0;
  std::uint64_t again_ = 0;
  std::uint64_t elsewhere_ = 0;
  std::uint64_t bad_ = 0;
  std::uint64_t others_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t begin_ns_ = 0;
  std::uint64_t end_ns_ = 0;
};

int run(const std::string& device, const std::string& arguments, Ipv4 first, std::uint64_t count,
        std::uint32_t one_in) {
  const std::shared_ptr<DpdkPort> port = DpdkPort::find(device, arguments);
  port->open(1, PROBE_FRAME_BYTES);
  port->enter_thread();
  FarPort far(port, first, count, one_in);
  signal(SIGTERM, end);
  fmt::print("ready\n");
  std::fflush(stdout);
  MonotonicClock clock;
  while (!is_told_to_end)
    if (!far.turn()) clock.wait_until(clock.now_ns() + kNapNs);
  far.print();
  return 0;
}

}  // namespace
}  // namespace echoscan

int main(int argc, char** argv) {
  const auto first = argc == 6 ? echoscan::parse_ipv4(argv[3]) : std::nullopt;
  const unsigned long count = argc == 6 ? std::strtoul(argv[4], nullptr, 10) : 0;
  const unsigned long one_in = argc == 6 ? std::strtoul(argv[5], nullptr, 10) : 0;
  if (!first || count == 0 || one_in == 0) {
    fmt::print(stderr, "usage: lab_port DEVICE DPDK-ARGUMENTS FIRST COUNT ONE_IN\n");
    return 2;
  }
  echoscan::set_up_log(echoscan::LogLevel::warning);
  try {
    return echoscan::run(argv[1], argv[2], *first, count, static_cast<std::uint32_t>(one_in));
  } catch (const echoscan::UserError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.code());
  }
}
