#include "scanner/network/arp_probe.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>
#include <system_error>
#include <utility>

#include "bpf/wire.h"
#include "scanner/network/neighbour.h"
#include "scanner/process/log.h"
#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

// Ethernet's shortest frame; the message takes 42 bytes of it.
constexpr std::size_t kFrameBytes = 60;
constexpr std::size_t kMessageEnd = 42;
// Offsets of RFC 826's fields for IPv4 over Ethernet.
constexpr std::size_t kHardware = 14;
constexpr std::size_t kProtocol = 16;
constexpr std::size_t kLengths = 18;
constexpr std::size_t kOperation = 20;
constexpr std::size_t kSenderMac = 22;
constexpr std::size_t kSenderAddress = 28;
constexpr std::size_t kTargetMac = 32;
constexpr std::size_t kTargetAddress = 38;
constexpr std::uint16_t kIpv4OverEthernet = 0x0604;  // 6 bytes of MAC, 4 of address
constexpr MacAddress kEverybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

using Frame = std::array<std::uint8_t, kFrameBytes>;

FileDescriptor open_arp_socket(int interface_index) {
  FileDescriptor opened(
      socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ARP)));
  if (!opened) throw_system_error("open a packet socket for ARP");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ARP);
  address.sll_ifindex = interface_index;
  if (bind(opened.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw_system_error("bind the packet socket for ARP");
  return opened;
}

Frame make_question(const Gateway& gateway, const MacAddress& to) {
  Frame frame{};
  std::ranges::copy(to.bytes, frame.begin());
  std::ranges::copy(gateway.interface_mac.bytes, frame.begin() + 6);
  wire_store16(frame.data() + WIRE_ETHERTYPE_OFFSET, ETH_P_ARP);
  wire_store16(frame.data() + kHardware, ARPHRD_ETHER);
  wire_store16(frame.data() + kProtocol, ETH_P_IP);
  wire_store16(frame.data() + kLengths, kIpv4OverEthernet);
  wire_store16(frame.data() + kOperation, ARPOP_REQUEST);
  std::ranges::copy(gateway.interface_mac.bytes, frame.begin() + kSenderMac);
  wire_store32(frame.data() + kSenderAddress, gateway.asked_from.value_or(Ipv4{}).value);
  wire_store32(frame.data() + kTargetAddress, gateway.address.value);
  return frame;
}

bool is_arp_for_ipv4(const Frame& frame) {
  return wire_load16(frame.data() + kHardware) == ARPHRD_ETHER &&
         wire_load16(frame.data() + kProtocol) == ETH_P_IP &&
         wire_load16(frame.data() + kLengths) == kIpv4OverEthernet;
}

// An announcement is a reply as well, to everybody or to itself.
bool is_answer_to(const Frame& frame, const MacAddress& mac) {
  return wire_load16(frame.data() + kOperation) == ARPOP_REPLY &&
         std::ranges::equal(std::span(frame).subspan(kTargetMac, mac.bytes.size()), mac.bytes);
}

}  // namespace

ArpProbe::ArpProbe(std::vector<Gateway> gateways) : gateways_(std::move(gateways)) {
  for (const Gateway& gateway : gateways_) open(gateway);
}

void ArpProbe::open(const Gateway& gateway) {
  if (sockets_.contains(gateway.interface_index)) return;
  sockets_.emplace(gateway.interface_index, Sockets{open_arp_socket(gateway.interface_index),
                                                    open_datagrams(gateway.interface_name)});
}

void ArpProbe::add(const Gateway& gateway) {
  gateways_.push_back(gateway);
  try {
    open(gateway);
  } catch (const std::system_error& error) {
    log_warning("the gateway {} cannot be watched: {}", to_string(gateway.address), error.what());
  }
}

void ArpProbe::ask(std::size_t gateway, const std::optional<MacAddress>& to) {
  const Gateway& asked = gateways_[gateway];
  const Frame frame = make_question(asked, to.value_or(kEverybody));
  const auto sockets = sockets_.find(asked.interface_index);
  if (sockets != sockets_.end())
    send(sockets->second.arp.get(), frame.data(), frame.size(), MSG_DONTWAIT);
}

void ArpProbe::have_kernel_ask(std::size_t gateway) {
  const auto sockets = sockets_.find(gateways_[gateway].interface_index);
  if (sockets != sockets_.end())
    send_datagram(sockets->second.datagram.get(), gateways_[gateway].address);
}

bool ArpProbe::kernel_sends_to(std::size_t gateway, const MacAddress& mac) {
  return echoscan::kernel_sends_to(gateways_[gateway].interface_index, gateways_[gateway].address,
                                   mac);
}

std::optional<GatewayProbe::Claim> ArpProbe::next_claim() {
  for (const auto& [interface_index, sockets] : sockets_) {
    Frame frame;
    sockaddr_ll from{};
    while (true) {
      socklen_t from_bytes = sizeof(from);
      const ssize_t bytes = recvfrom(sockets.arp.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                                     reinterpret_cast<sockaddr*>(&from), &from_bytes);
      if (bytes < 0) break;
      if (from.sll_pkttype == PACKET_OUTGOING || bytes < static_cast<ssize_t>(kMessageEnd) ||
          !is_arp_for_ipv4(frame))
        continue;
      const Ipv4 sender{wire_load32(frame.data() + kSenderAddress)};
      for (std::size_t i = 0; i < gateways_.size(); ++i) {
        if (gateways_[i].interface_index != interface_index || gateways_[i].address != sender)
          continue;
        Claim claim{i, {}, is_answer_to(frame, gateways_[i].interface_mac)};
        std::copy_n(frame.begin() + kSenderMac, 6, claim.mac.bytes.begin());
        return claim;
      }
    }
  }
  return std::nullopt;
}

}  // namespace echoscan
