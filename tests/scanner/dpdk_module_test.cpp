// The module of --method dpdk, on devices that DPDK makes up: net_null takes all that is sent,
// net_ring brings it back. No privileges and no huge pages; one start of DPDK for all, as in any
// process.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "bpf/wire.h"
#include "scanner/network/dpdk_port.h"
#include "scanner/network/port_arp.h"
#include "scanner/network/port_link.h"
#include "scanner/process/clock.h"
#include "scanner/process/user_error.h"
#include "scanner/receive/source/dpdk_receiver.h"
#include "scanner/transmit/method/dpdk.h"

namespace echoscan::dpdk_module_test {
namespace {

constexpr const char* kDevices =
    "--no-huge --vdev=net_null0 --vdev=net_ring0 --vdev=net_ring1 --vdev=net_ring2 "
    "--vdev=net_ring3";
constexpr probe_key kKey{{1, 2}, {3, 4}};
constexpr Ipv4 kSource{0xc0000201};
constexpr Ipv4 kGateway{0xc0000202};
constexpr MacAddress kGateways{{2, 0, 0, 0, 0, 2}};
constexpr std::uint64_t kPatienceNs = 30'000'000'000;

std::shared_ptr<DpdkPort> open(const std::string& device, unsigned queues = 1,
                               std::size_t frame_bytes = PROBE_FRAME_BYTES) {
  const std::shared_ptr<DpdkPort> port = DpdkPort::find(device, kDevices);
  port->open(queues, frame_bytes);
  return port;
}

FrameTemplate frames_of(const DpdkPort& port) {
  return FrameTemplate({port.interface().mac, kGateways, kSource}, kKey);
}

std::array<Target, Transmitter::kBatchSize> targets(std::uint32_t first) {
  std::array<Target, Transmitter::kBatchSize> batch;
  for (std::uint32_t i = 0; i < batch.size(); ++i) batch[i] = {Ipv4{0x0a000000 + first + i}, 1};
  return batch;
}

// What comes back on a ring that nobody else receives from.
std::vector<std::vector<std::uint8_t>> receive(const DpdkPort& port) {
  std::array<dpdk_frame, DPDK_BATCH_MAX> frames;
  std::vector<std::vector<std::uint8_t>> received;
  const std::size_t count = port.api().receive(port.number(), 0, frames.data(), frames.size());
  for (const dpdk_frame& frame : std::span(frames).first(count))
    received.emplace_back(frame.bytes, frame.bytes + frame.length);
  return received;
}

// Turns a probe into its answer, as a host does.
void answer(std::vector<std::uint8_t>& frame) {
  std::swap_ranges(frame.begin() + 26, frame.begin() + 30, frame.begin() + 30);
  frame[34] = 0;
  const std::uint32_t sum = wire_load16(&frame[36]) + 0x0800U;
  wire_store16(&frame[36], static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16)));
}

void wait_for(const std::function<bool()>& is_true) {
  MonotonicClock clock;
  const std::uint64_t deadline_ns = clock.now_ns() + kPatienceNs;
  while (!is_true() && clock.now_ns() < deadline_ns) clock.wait_until(clock.now_ns() + 1'000'000);
  EXPECT_TRUE(is_true());
}

TEST(DpdkModule, NullTakesAllOnEachQueue) {
  const std::shared_ptr<DpdkPort> port = open("net_null0", 2);
  EXPECT_EQ(port->interface().name, "net_null0");
  EXPECT_EQ(port->mode(), "DPDK net_null");
  EXPECT_TRUE(port->is_link_up());
  MonotonicClock clock;
  std::vector<std::thread> threads;
  for (unsigned queue = 0; queue < 2; ++queue)
    threads.emplace_back([&, queue] {
      DpdkTransmitter transmitter(port, queue, frames_of(*port), {}, clock);
      for (std::uint32_t i = 0; i < 10'000; ++i)
        ASSERT_EQ(transmitter.send(targets(i * 64)), Transmitter::kBatchSize) << i;
      EXPECT_EQ(transmitter.counters().sent.get(), 640'000U);
      EXPECT_TRUE(transmitter.settle());
    });
  // Meanwhile somebody else has something to say.
  const ArpPeer peer(port->interface().mac, kSource, {});
  for (int i = 0; i < 1000; ++i) port->send_copy(peer.question(kGateway, {}).span());
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(PortLink(port).tx_packets().value_or(0), 1'280'000U);
}

// The template's own text is what arrives, byte by byte, whichever buffer it was.
TEST(DpdkModule, FramesAreTheTemplates) {
  const std::shared_ptr<DpdkPort> port = open("net_ring0");
  MonotonicClock clock;
  DpdkTransmitter transmitter(port, 0, frames_of(*port), {}, clock);
  const FrameTemplate frame_template = frames_of(*port);
  for (std::uint32_t round = 0; round < 500; ++round) {
    const auto batch = targets(round * 64);
    // A question in between leaves its bytes in a buffer that comes back for a probe.
    if (round % 5 == 0) {
      ASSERT_TRUE(port->send_copy(
          ArpPeer(port->interface().mac, kSource, {}).question(kGateway, {}).span()));
      ASSERT_EQ(receive(*port).size(), 1U);
    }
    ASSERT_EQ(transmitter.send(batch), batch.size());
    const auto received = receive(*port);
    ASSERT_EQ(received.size(), batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ASSERT_EQ(received[i].size(), std::size_t{PROBE_FRAME_BYTES});
      std::array<std::uint8_t, PROBE_FRAME_BYTES> expected;
      frame_template.fill(expected);
      frame_template.patch(expected, batch[i], wire_load64(&received[i][PROBE_PAYLOAD_OFFSET]));
      ASSERT_TRUE(std::ranges::equal(received[i], expected)) << round << " " << i;
    }
  }
}

// A full queue takes no more; what it refused was never accepted, and goes when there is room.
TEST(DpdkModule, WhatIsNotTakenGoesBack) {
  const std::shared_ptr<DpdkPort> port = open("net_ring1", 1, PROBE_FRAME_BYTES + 4);
  MonotonicClock clock;
  DpdkTransmitter transmitter(port, 0, frames_of(*port), 42, clock);
  std::uint64_t sent = 0;
  std::size_t taken = 0;
  while ((taken = transmitter.send(targets(static_cast<std::uint32_t>(sent)))) > 0) sent += taken;
  EXPECT_GT(sent, 64U);
  EXPECT_EQ(transmitter.counters().sent.get(), sent);
  std::uint64_t received = 0;
  for (auto frames = receive(*port); !frames.empty(); frames = receive(*port))
    for (const std::vector<std::uint8_t>& frame : frames) {
      // Both MACs, the tag, and what the template has behind them.
      std::array<std::uint8_t, PROBE_FRAME_BYTES> expected;
      frames_of(*port).fill(expected);
      frames_of(*port).patch(expected, {Ipv4{0x0a000000 + static_cast<std::uint32_t>(received)}, 1},
                             wire_load64(&frame[PROBE_PAYLOAD_OFFSET + 4]));
      ASSERT_EQ(frame.size(), expected.size() + 4);
      ASSERT_TRUE(std::equal(expected.begin(), expected.begin() + 12, frame.begin())) << received;
      ASSERT_EQ(wire_load32(&frame[12]), 0x8100002aU);
      ASSERT_TRUE(std::equal(expected.begin() + 12, expected.end(), frame.begin() + 16));
      ++received;
    }
  EXPECT_EQ(received, sent);
  EXPECT_GT(transmitter.send(targets(0)), 0U);
}

TEST(DpdkModule, RepliesAreProvedAndStampedAndArpAnswered) {
  const std::shared_ptr<DpdkPort> port = open("net_ring2");
  const auto arp =
      std::make_shared<PortArp>(port, ArpPeer(port->interface().mac, kSource, std::nullopt));
  DpdkReceiver receiver(port, arp, {kKey, kSource.value, 0});
  MonotonicClock clock;
  const FrameTemplate frame_template = frames_of(*port);
  const std::uint64_t sent_ns = clock.now_ns();
  for (std::uint32_t i = 0; i < 100; ++i) {
    std::vector<std::uint8_t> frame(PROBE_FRAME_BYTES);
    frame_template.fill(FrameBuffer(frame.data(), PROBE_FRAME_BYTES));
    frame_template.patch(FrameBuffer(frame.data(), PROBE_FRAME_BYTES), {Ipv4{0x0a000000 + i}, 1},
                         sent_ns);
    // Every other is still the request, which nobody asked for.
    if (i % 2 == 0) answer(frame);
    while (!port->send_copy(frame)) clock.wait_until(clock.now_ns() + 100'000);
  }
  // A gateway asks for us: the answer comes back on the ring, and is known as our own.
  const ArpPeer gateway(kGateways, kGateway, {});
  ASSERT_TRUE(port->send_copy(gateway.question(kSource, {}).span()));
  wait_for([&receiver] { return receiver.outcomes().seen >= 102; });
  receiver.stop();
  std::array<reply, 128> replies;
  ASSERT_EQ(receiver.receive(replies), 50U);
  for (std::uint32_t i = 0; i < 50; ++i) {
    EXPECT_EQ(replies[i].target, 0x0a000000 + 2 * i);
    EXPECT_EQ(replies[i].sent_ns, sent_ns);
    EXPECT_GE(replies[i].received_ns, sent_ns);
    EXPECT_LT(replies[i].received_ns, clock.now_ns());
  }
  const frame_counters outcomes = receiver.outcomes();
  EXPECT_EQ(outcomes.outcome[FRAME_REPLY], 50U);
  EXPECT_EQ(outcomes.outcome[FRAME_NOT_TO_US], 50U);
  EXPECT_EQ(outcomes.outcome[FRAME_NOT_IPV4], 2U);
  for (const ArpListener listener : {ArpListener::watch, ArpListener::survey}) {
    const std::optional<ArpMessage> heard = arp->next_heard(listener);
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->sender, kGateway);
    EXPECT_FALSE(arp->next_heard(listener));
  }
  EXPECT_EQ(receiver.passed_on(), 0U);
}

// More answers than the ring has room for: each is seen, and lost by name.
TEST(DpdkModule, AFullRingIsCounted) {
  const std::shared_ptr<DpdkPort> port = open("net_ring3");
  DpdkReceiver receiver(port, nullptr, {kKey, kSource.value, 0});
  MonotonicClock clock;
  const FrameTemplate frame_template = frames_of(*port);
  std::vector<std::uint8_t> frame(PROBE_FRAME_BYTES);
  frame_template.fill(FrameBuffer(frame.data(), PROBE_FRAME_BYTES));
  frame_template.patch(FrameBuffer(frame.data(), PROBE_FRAME_BYTES), {Ipv4{0x0a000001}, 1}, 1);
  answer(frame);
  constexpr std::uint64_t kFrames = DpdkReceiver::kRecords + 1000;
  for (std::uint64_t i = 0; i < kFrames; ++i)
    while (!port->send_copy(frame)) std::this_thread::yield();
  EXPECT_TRUE(receiver.is_backlogged());
  wait_for([&receiver] { return receiver.outcomes().seen >= kFrames; });
  receiver.stop();
  EXPECT_EQ(receiver.outcomes().outcome[FRAME_REPLY], DpdkReceiver::kRecords);
  EXPECT_EQ(receiver.outcomes().outcome[FRAME_RING_FULL], 1000U);
  std::vector<reply> replies(DpdkReceiver::kRecords + 1);
  EXPECT_EQ(receiver.receive(replies), DpdkReceiver::kRecords);
  EXPECT_FALSE(receiver.is_backlogged());
}

TEST(DpdkModule, APortThatIsNotThereIsNamed) {
  try {
    DpdkPort::find("net_null9", kDevices);
    FAIL() << "there is no net_null9";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("net_null9"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace echoscan::dpdk_module_test
