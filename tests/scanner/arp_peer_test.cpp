// arp_peer: what it asks, hears and answers, byte by byte and with a VLAN's tag, and what it leaves
// alone.
#include "scanner/network/arp_peer.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace echoscan::arp_peer_test {
namespace {

constexpr MacAddress kOurs{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kGateways{{2, 0, 0, 0, 0, 2}};
constexpr Ipv4 kOurAddress{0xc0000201};
constexpr Ipv4 kGateway{0xc0000202};

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(const ArpFrame& frame) {
  return {frame.bytes.begin(), frame.bytes.begin() + static_cast<std::ptrdiff_t>(frame.length)};
}

// RFC 826, written by hand: a question of the first operation, an answer of the second.
Bytes by_hand(std::uint8_t operation, const MacAddress& to, const MacAddress& from, Ipv4 sender,
              const MacAddress& target_mac, Ipv4 target, Bytes tag = {}) {
  Bytes bytes(to.bytes.begin(), to.bytes.end());
  const auto put = [&bytes](auto&& more) { bytes.insert(bytes.end(), more.begin(), more.end()); };
  const auto put_address = [&put](Ipv4 address) {
    put(std::array<std::uint8_t, 4>{static_cast<std::uint8_t>(address.value >> 24),
                                    static_cast<std::uint8_t>(address.value >> 16),
                                    static_cast<std::uint8_t>(address.value >> 8),
                                    static_cast<std::uint8_t>(address.value)});
  };
  put(from.bytes);
  put(tag);
  put(Bytes{8, 6, 0, 1, 8, 0, 6, 4, 0, operation});
  put(from.bytes);
  put_address(sender);
  put(target_mac.bytes);
  put_address(target);
  bytes.resize(60 + tag.size());
  return bytes;
}

const Bytes kTag42 = {0x81, 0, 0, 42};

TEST(ArpPeer, AsksEverybodyOrOneAlone) {
  const ArpPeer peer(kOurs, kOurAddress, {});
  EXPECT_EQ(bytes_of(peer.question(kGateway, std::nullopt)),
            by_hand(1, kEverybodysMac, kOurs, kOurAddress, {}, kGateway));
  EXPECT_EQ(bytes_of(peer.question(kGateway, kGateways)),
            by_hand(1, kGateways, kOurs, kOurAddress, {}, kGateway));
}

TEST(ArpPeer, AnswersForEachAddressOfAPoolAndForNoOther) {
  const ArpPeer peer(kOurs, kOurAddress, {}, SourcePool::parse("192.0.2.1,192.0.2.9-11").value());
  for (std::uint32_t last = 0; last < 256; ++last) {
    const Ipv4 asked{0xc0000200 + last};
    const auto answer = peer.answer({false, kGateways, kGateway, {}, asked});
    ASSERT_EQ(answer.has_value(), last == 1 || (last >= 9 && last <= 11)) << last;
    if (answer) {
      EXPECT_EQ(bytes_of(*answer), by_hand(2, kGateways, kOurs, asked, kGateways, kGateway));
    }
  }
}

TEST(ArpPeer, LearnsFromAnswers) {
  const ArpPeer peer(kOurs, kOurAddress, {});
  const auto heard = peer.hear(by_hand(2, kOurs, kGateways, kGateway, kOurs, kOurAddress));
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->sender, kGateway);
  EXPECT_EQ(heard->sender_mac, kGateways);
  EXPECT_TRUE(heard->is_answer_to(kOurs));
  EXPECT_FALSE(peer.answer(*heard));
  // An announcement is no answer to us, though it says as much.
  const auto announced =
      peer.hear(by_hand(2, kEverybodysMac, kGateways, kGateway, kGateways, kGateway));
  ASSERT_TRUE(announced);
  EXPECT_FALSE(announced->is_answer_to(kOurs));
}

TEST(ArpPeer, AnswersWhoAsksForItsAddressAndNobodyElse) {
  const ArpPeer peer(kOurs, kOurAddress, {});
  const auto asked = peer.hear(by_hand(1, kEverybodysMac, kGateways, kGateway, {}, kOurAddress));
  ASSERT_TRUE(asked);
  EXPECT_FALSE(asked->is_answer_to(kOurs));
  const auto answer = peer.answer(*asked);
  ASSERT_TRUE(answer);
  EXPECT_EQ(bytes_of(*answer), by_hand(2, kGateways, kOurs, kOurAddress, kGateways, kGateway));
  const auto other =
      peer.hear(by_hand(1, kEverybodysMac, kGateways, kGateway, {}, Ipv4{0xc0000203}));
  ASSERT_TRUE(other);
  EXPECT_FALSE(peer.answer(*other));
  // Our own question, come back by a switch.
  EXPECT_FALSE(peer.hear(bytes_of(peer.question(kGateway, std::nullopt))));
}

TEST(ArpPeer, SpeaksOnItsVlanAlone) {
  const ArpPeer peer(kOurs, kOurAddress, 42);
  EXPECT_EQ(bytes_of(peer.question(kGateway, std::nullopt)),
            by_hand(1, kEverybodysMac, kOurs, kOurAddress, {}, kGateway, kTag42));
  const auto asked =
      peer.hear(by_hand(1, kEverybodysMac, kGateways, kGateway, {}, kOurAddress, kTag42));
  ASSERT_TRUE(asked);
  EXPECT_EQ(bytes_of(peer.answer(*asked).value()),
            by_hand(2, kGateways, kOurs, kOurAddress, kGateways, kGateway, kTag42));
  // Its priority is no part of the VLAN; where the card has taken the tag off, there is none.
  EXPECT_TRUE(peer.hear(
      by_hand(1, kEverybodysMac, kGateways, kGateway, {}, kOurAddress, {0x81, 0, 0xe0, 42})));
  EXPECT_TRUE(peer.hear(by_hand(1, kEverybodysMac, kGateways, kGateway, {}, kOurAddress)));
  const Bytes of_43 =
      by_hand(1, kEverybodysMac, kGateways, kGateway, {}, kOurAddress, {0x81, 0, 0, 43});
  EXPECT_FALSE(peer.hear(of_43));
  EXPECT_FALSE(ArpPeer(kOurs, kOurAddress, {}).hear(of_43));
}

TEST(ArpPeer, ReadsNothingBeyondAFramesEnd) {
  const Bytes tagged = by_hand(1, kEverybodysMac, kGateways, kGateway, {}, kOurAddress, kTag42);
  const Bytes untagged = by_hand(1, kEverybodysMac, kGateways, kGateway, {}, kOurAddress);
  // Exact copies, so that the sanitizer sees each byte behind them.
  for (std::size_t bytes = 0; bytes < 60; ++bytes) {
    const Bytes cut(untagged.begin(), untagged.begin() + static_cast<std::ptrdiff_t>(bytes));
    EXPECT_EQ(read_arp(cut).has_value(), bytes >= 42) << bytes;
    const Bytes cut_tagged(tagged.begin(), tagged.begin() + static_cast<std::ptrdiff_t>(bytes));
    EXPECT_EQ(read_arp(cut_tagged, 42).has_value(), bytes >= 46) << bytes;
  }
  // Each field that makes it something else.
  for (std::size_t at = 12; at <= 20; ++at) {
    Bytes other = untagged;
    other[at] ^= 0x10;
    EXPECT_FALSE(read_arp(other)) << at;
  }
}

}  // namespace
}  // namespace echoscan::arp_peer_test
