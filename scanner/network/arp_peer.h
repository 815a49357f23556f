// ARP (RFC 826) for the addresses of our own: questions, what is heard, and the answers to others.
//
// On a card that the kernel does not drive nobody answers for the scan's address: the gateway would
// ask for it in vain, and drop the replies. Pure: frames in, frames out, so that a test needs no
// card. Whether the gateway is asked again, and when another machine is believed, is decided where
// it is for every method (pipeline/next_hop_watch.h). With a VLAN frames carry its tag (IEEE
// 802.1Q), and untagged ones are heard all the same, since cards may take the tag off. Rejected: to
// hand ARP to the kernel by a tap, which needs an address and a route there, and whose stack would
// answer the scan's replies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "scanner/network/mac_address.h"
#include "scanner/network/source_pool.h"
#include "targets/address.h"

namespace echoscan {

// A message as RFC 826 has it, for IPv4 over Ethernet.
struct ArpMessage {
  bool is_reply = false;  // else it is a question
  MacAddress sender_mac;
  Ipv4 sender;
  MacAddress target_mac;  // of a question: nobody's
  Ipv4 target;

  // An announcement is a reply as well, to everybody or to itself.
  [[nodiscard]] bool is_answer_to(const MacAddress& mac) const {
    return is_reply && target_mac == mac;
  }
};

// Ethernet's shortest frame, and 4 bytes for a tag.
struct ArpFrame {
  std::array<std::uint8_t, 64> bytes{};
  std::size_t length = 60;

  [[nodiscard]] std::span<const std::uint8_t> span() const {
    return std::span(bytes).first(length);
  }
};

inline constexpr MacAddress kEverybodysMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

// The frame of a message, which goes from its sender to `to`.
ArpFrame write_arp(const ArpMessage& message, const MacAddress& to,
                   std::optional<std::uint16_t> vlan = {});
// What a frame says; nothing when it is no ARP for IPv4 over Ethernet, or of another VLAN than that
// named.
std::optional<ArpMessage> read_arp(std::span<const std::uint8_t> frame,
                                   std::optional<std::uint16_t> vlan = {});

class ArpPeer {
 public:
  // It asks from `address`, and answers for that one and those of the pool.
  ArpPeer(const MacAddress& mac, Ipv4 address, std::optional<std::uint16_t> vlan,
          SourcePool sources = {})
      : mac_(mac), address_(address), vlan_(vlan), sources_(std::move(sources)) {}

  // Asks the machine with that MAC alone, or all on the link, who has the address.
  [[nodiscard]] ArpFrame question(Ipv4 address, const std::optional<MacAddress>& to) const;
  // What a frame says, unless it is our own that has come back.
  [[nodiscard]] std::optional<ArpMessage> hear(std::span<const std::uint8_t> frame) const;
  // What is to be answered; nothing unless it asks for an address of ours.
  [[nodiscard]] std::optional<ArpFrame> answer(const ArpMessage& message) const;
  [[nodiscard]] const MacAddress& mac() const { return mac_; }

 private:
  MacAddress mac_;
  Ipv4 address_;
  std::optional<std::uint16_t> vlan_;
  SourcePool sources_;
};

}  // namespace echoscan
