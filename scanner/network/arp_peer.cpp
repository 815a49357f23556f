#include "scanner/network/arp_peer.h"

#include <linux/if_ether.h>
#include <net/if_arp.h>

#include <algorithm>

#include "bpf/wire.h"

namespace echoscan {
namespace {

// Offsets of RFC 826's fields for IPv4 over Ethernet, from the EtherType on.
constexpr std::size_t kHardware = 2;
constexpr std::size_t kProtocol = 4;
constexpr std::size_t kLengths = 6;
constexpr std::size_t kOperation = 8;
constexpr std::size_t kSenderMac = 10;
constexpr std::size_t kSenderAddress = 16;
constexpr std::size_t kTargetMac = 20;
constexpr std::size_t kTargetAddress = 26;
constexpr std::size_t kMessageEnd = 30;
constexpr std::uint16_t kIpv4OverEthernet = 0x0604;  // 6 bytes of MAC, 4 of address
constexpr std::size_t kTagBytes = 4;
constexpr std::uint16_t kVlanMask = 0x0fff;

MacAddress mac_at(const std::uint8_t* bytes) {
  MacAddress mac;
  std::copy_n(bytes, mac.bytes.size(), mac.bytes.begin());
  return mac;
}

}  // namespace

ArpFrame write_arp(const ArpMessage& message, const MacAddress& to,
                   std::optional<std::uint16_t> vlan) {
  ArpFrame frame;
  std::ranges::copy(to.bytes, frame.bytes.begin());
  std::ranges::copy(message.sender_mac.bytes, frame.bytes.begin() + 6);
  std::uint8_t* p = frame.bytes.data() + WIRE_ETHERTYPE_OFFSET;
  if (vlan) {
    wire_store16(p, WIRE_ETHERTYPE_VLAN);
    wire_store16(p + 2, *vlan);
    p += kTagBytes;
    frame.length += kTagBytes;
  }
  wire_store16(p, ETH_P_ARP);
  wire_store16(p + kHardware, ARPHRD_ETHER);
  wire_store16(p + kProtocol, ETH_P_IP);
  wire_store16(p + kLengths, kIpv4OverEthernet);
  wire_store16(p + kOperation, message.is_reply ? ARPOP_REPLY : ARPOP_REQUEST);
  std::ranges::copy(message.sender_mac.bytes, p + kSenderMac);
  wire_store32(p + kSenderAddress, message.sender.value);
  std::ranges::copy(message.target_mac.bytes, p + kTargetMac);
  wire_store32(p + kTargetAddress, message.target.value);
  return frame;
}

std::optional<ArpMessage> read_arp(std::span<const std::uint8_t> frame,
                                   std::optional<std::uint16_t> vlan) {
  std::size_t begin = WIRE_ETHERTYPE_OFFSET;
  if (frame.size() < begin + kMessageEnd) return std::nullopt;
  if (wire_load16(frame.data() + begin) == WIRE_ETHERTYPE_VLAN) {
    const int tag = wire_load16(frame.data() + begin + 2) & kVlanMask;
    // Tag 0 is a priority and no VLAN.
    if (tag != 0 && tag != vlan) return std::nullopt;
    begin += kTagBytes;
    if (frame.size() < begin + kMessageEnd) return std::nullopt;
  }
  const std::uint8_t* p = frame.data() + begin;
  const std::uint16_t operation = wire_load16(p + kOperation);
  if (wire_load16(p) != ETH_P_ARP || wire_load16(p + kHardware) != ARPHRD_ETHER ||
      wire_load16(p + kProtocol) != ETH_P_IP || wire_load16(p + kLengths) != kIpv4OverEthernet ||
      (operation != ARPOP_REPLY && operation != ARPOP_REQUEST))
    return std::nullopt;
  return ArpMessage{operation == ARPOP_REPLY, mac_at(p + kSenderMac),
                    Ipv4{wire_load32(p + kSenderAddress)}, mac_at(p + kTargetMac),
                    Ipv4{wire_load32(p + kTargetAddress)}};
}

ArpFrame ArpPeer::question(Ipv4 address, const std::optional<MacAddress>& to) const {
  return write_arp({false, mac_, address_, {}, address}, to.value_or(kEverybodysMac), vlan_);
}

std::optional<ArpMessage> ArpPeer::hear(std::span<const std::uint8_t> frame) const {
  std::optional<ArpMessage> message = read_arp(frame, vlan_);
  if (message && message->sender_mac == mac_) return std::nullopt;
  return message;
}

std::optional<ArpFrame> ArpPeer::answer(const ArpMessage& message) const {
  const bool is_ours = message.target == address_ || sources_.contains(message.target);
  if (message.is_reply || !is_ours) return std::nullopt;
  return write_arp({true, mac_, message.target, message.sender_mac, message.sender},
                   message.sender_mac, vlan_);
}

}  // namespace echoscan
