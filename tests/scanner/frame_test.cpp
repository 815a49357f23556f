// The frame and probe_batch: every byte of a probe, one by one and in batches, on each instruction
// set that this machine has.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "bpf/match_reply.h"
#include "scanner/network/mac_address.h"
#include "scanner/transmit/frame.h"
#include "scanner/transmit/probe_batch.h"

namespace echoscan::frame_test {
namespace {

constexpr Ipv4 kSource{0xc0000201};

std::uint16_t sum16(const std::uint8_t* bytes, std::size_t count) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; i += 2)
    sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// RFC 791 and 792 byte by byte, and both checksums for many targets: zmap folds one carry too few
// and sends one probe in 39,000 that nobody can answer.
TEST(FrameTemplate, EveryFrameIsWellFormed) {
  probe_key key{{1, 2}, {3, 4}};
  const FrameAddresses addresses{parse_mac("02:00:00:00:00:01").value(),
                                 parse_mac("02:00:00:00:00:02").value(), kSource};
  const FrameTemplate frame_template(addresses, key);
  std::array<std::uint8_t, PROBE_FRAME_BYTES> frame;
  frame_template.fill(frame);
  std::uint64_t sent_ns = 1;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    const Target target{Ipv4{i * 2654435761U}, static_cast<std::uint8_t>(i)};
    sent_ns = sent_ns * 6364136223846793005U + 1442695040888963407U;
    frame_template.patch(frame, target, sent_ns);
    ASSERT_EQ(sum16(frame.data() + 14, 20), 0xffff) << i;
    ASSERT_EQ(sum16(frame.data() + 34, 26), 0xffff) << i;
  }
  frame_template.patch(frame, {Ipv4{0x0a010203}, 1}, 0x1122334455667788);
  const std::uint8_t expected[] = {2, 0, 0,    0, 0, 2,  2, 0, 0,    0, 0,  1,
                                   8, 0, 0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 1};
  EXPECT_EQ(std::memcmp(frame.data(), expected, sizeof(expected)), 0);
  const std::uint32_t cookie = probe_cookie(&key, 0x0a010203);
  EXPECT_EQ(wire_load32(frame.data() + 26), kSource.value);
  EXPECT_EQ(wire_load32(frame.data() + 30), 0x0a010203U);
  EXPECT_EQ(wire_load16(frame.data() + 34), 0x0800U);
  EXPECT_EQ(wire_load32(frame.data() + 38), cookie);
  EXPECT_EQ(wire_load64(frame.data() + 42), 0x1122334455667788U);
  EXPECT_EQ(wire_load32(frame.data() + 50), 0x0a010203U);
  EXPECT_EQ(wire_load32(frame.data() + 54), probe_tag(&key, 0x0a010203, 0x1122334455667788, 1));
  EXPECT_EQ(frame[58], 1);
  EXPECT_EQ(frame[59], PROBE_VERSION);
}

// All of them, since a carry in the header's sum is easily lost.
TEST(FrameTemplate, EveryTtlAndTosHasItsChecksum) {
  for (unsigned value = 0; value < 256; ++value) {
    FrameAddresses addresses{{}, {}, kSource};
    addresses.ttl = static_cast<std::uint8_t>(value);
    addresses.tos = static_cast<std::uint8_t>(255 - value);
    const FrameTemplate frame_template(addresses, {});
    std::array<std::uint8_t, PROBE_FRAME_BYTES> frame;
    frame_template.fill(frame);
    frame_template.patch(frame, {Ipv4{0xffff0000 + value}}, value);
    EXPECT_EQ(frame[15], 255 - value);
    EXPECT_EQ(frame[22], value);
    std::uint32_t sum = 0;
    for (std::size_t word = 14; word < 34; word += 2) sum += wire_load16(frame.data() + word);
    sum = (sum & 0xffff) + (sum >> 16);
    EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffU) << value;
  }
}

// As a host turns a probe around: what it echoes is proved whatever is behind the proof.
frame_outcome outcome_of_reply(std::vector<std::uint8_t> frame, const probe_key& key) {
  std::swap_ranges(frame.begin() + 26, frame.begin() + 30, frame.begin() + 30);
  frame[34] = 0;
  const unsigned sum = wire_load16(&frame[36]) + 0x0800U;
  wire_store16(&frame[36], static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16)));
  const match_config config{key, kSource.value, 0};
  reply found{};
  return match_reply(frame.data(), frame.data() + frame.size(), &config, &found);
}

// Data of 18 to 1,472 bytes, so an odd number of them half of the time; by patch() and by batches.
TEST(FrameTemplate, EverySizeHasItsLengthItsPaddingAndItsChecksum) {
  std::mt19937_64 random(9);
  const probe_key key{{5, 6}, {7, 8}};
  for (std::size_t data_bytes = 18; data_bytes <= 1472; ++data_bytes) {
    std::vector<std::uint8_t> padding(data_bytes - 18);
    for (std::uint8_t& byte : padding) byte = static_cast<std::uint8_t>(random());
    if (data_bytes % 7 == 0) std::ranges::fill(padding, std::uint8_t{0xff});
    const FrameTemplate frame_template({{}, {}, kSource}, key, padding);
    ASSERT_EQ(frame_template.frame_bytes(), 42 + data_bytes);
    std::vector<std::vector<std::uint8_t>> frames(5);
    std::vector<std::uint8_t*> pointers;
    std::vector<Target> targets;
    for (std::vector<std::uint8_t>& frame : frames) {
      frame.resize(42 + data_bytes);
      frame_template.fill(frame);
      pointers.push_back(frame.data());
      targets.push_back({Ipv4{static_cast<std::uint32_t>(random())}, 1});
    }
    const std::uint64_t sent_ns = random();
    frame_template.patch_batch(pointers, targets, sent_ns);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      std::vector<std::uint8_t> alone(42 + data_bytes);
      frame_template.fill(alone);
      frame_template.patch(FrameBuffer(alone.data(), PROBE_FRAME_BYTES), targets[i], sent_ns);
      ASSERT_EQ(alone, frames[i]) << data_bytes;
      ASSERT_EQ(wire_load16(&alone[16]), 28 + data_bytes);
      ASSERT_TRUE(std::equal(padding.begin(), padding.end(), alone.begin() + 60)) << data_bytes;
      ASSERT_EQ(sum16(alone.data() + 14, 20), 0xffff) << data_bytes;
      ASSERT_EQ(outcome_of_reply(alone, key), FRAME_REPLY) << data_bytes;
      alone.push_back(0);  // of an odd message the last byte is half a word
      ASSERT_EQ(sum16(alone.data() + 34, (8 + data_bytes + 1) & ~std::size_t{1}), 0xffff)
          << data_bytes;
    }
  }
}

TEST(FrameTemplate, PathTestGoesToOurselves) {
  const FrameAddresses addresses{parse_mac("02:00:00:00:00:01").value(),
                                 parse_mac("02:00:00:00:00:02").value(), kSource};
  std::array<std::uint8_t, PROBE_FRAME_BYTES> frame;
  FrameTemplate(addresses, {}).fill_path_test(frame);
  EXPECT_EQ(std::memcmp(frame.data(), addresses.source_mac.bytes.data(), 6), 0);
  EXPECT_EQ(std::memcmp(frame.data() + 6, addresses.source_mac.bytes.data(), 6), 0);
  EXPECT_EQ(wire_load16(frame.data() + 12), 0x88b5);
}

// The copies for other CPUs than the best are run too; all of them against the header's text.
TEST(ProbeBatch, EveryInstructionSetComputesTheHeadersCookies) {
  std::mt19937_64 random(5);
  ASSERT_FALSE(probe_batch_versions().empty());
  EXPECT_STREQ(probe_batch_versions().back().instruction_set, "portable");
  for (const ProbeBatchVersion& version : probe_batch_versions()) {
    SCOPED_TRACE(version.instruction_set);
    for (int round = 0; round < 2000; ++round) {
      const ProbeConstants constants{{{random(), random()}, {random(), random()}},
                                     static_cast<std::uint32_t>(random()),
                                     {0x1234, 0x5678},
                                     round % 2 == 1};
      const std::uint64_t sent_ns = random();
      const std::size_t count = 1 + random() % ProbeBatch::kSize;
      ProbeBatch batch{};
      for (std::size_t i = 0; i < count; ++i) {
        batch.address[i] = static_cast<std::uint32_t>(random());
        batch.pass[i] = static_cast<std::uint8_t>(random());
        batch.source[i] = static_cast<std::uint32_t>(random());
      }
      version.compute(constants, sent_ns, count, batch);
      for (std::size_t i = 0; i < count; ++i) {
        std::array<std::uint8_t, ProbeBatch::kPatchWords * 8> bytes;
        for (std::size_t word = 0; word < ProbeBatch::kPatchWords; ++word)
          std::memcpy(bytes.data() + word * 8, &batch.words[word][i], 8);
        const auto address = static_cast<std::uint32_t>(batch.address[i]);
        const auto pass = static_cast<std::uint8_t>(batch.pass[i]);
        const auto source = static_cast<std::uint32_t>(batch.source[i]);
        ASSERT_EQ(wire_load32(&bytes[2]), constants.has_pool ? source : constants.source);
        ASSERT_EQ(wire_load32(&bytes[6]), address);
        ASSERT_EQ(wire_load32(&bytes[14]),
                  probe_cookie(&constants.key, address) ^ (constants.has_pool ? source : 0));
        ASSERT_EQ(wire_load64(&bytes[18]), sent_ns);
        ASSERT_EQ(wire_load32(&bytes[26]), address);
        ASSERT_EQ(wire_load32(&bytes[30]), probe_tag(&constants.key, address, sent_ns, pass));
        ASSERT_EQ(bytes[34], pass);
        ASSERT_EQ(bytes[35], PROBE_VERSION);
      }
    }
  }
}

// A MAC that changes is that of the next frame, in buffers that were written before.
TEST(FrameTemplate, FramesGoToTheMacThatTheirNextHopHasNow) {
  const FrameTemplate frame_template(
      {parse_mac("02:00:00:00:00:01").value(), parse_mac("02:00:00:00:00:02").value(), kSource},
      {{5, 6}, {7, 8}});
  std::array<std::uint8_t, PROBE_FRAME_BYTES> frame;
  frame_template.fill(frame);
  const FrameTemplate copy = frame_template;
  for (std::size_t hop = 0; hop < NextHopTable::kMax; ++hop) {
    for (const char* mac : {"02:00:00:00:00:03", "fe:fd:fc:fb:fa:f9"}) {
      const std::uint32_t changes = copy.next_hops()->changes();
      frame_template.next_hops()->set(hop, parse_mac(mac).value());
      EXPECT_EQ(copy.next_hops()->changes(), changes + 1);
      copy.patch(frame, {Ipv4{1}, 0, false, static_cast<std::uint8_t>(hop)}, 1);
      MacAddress to;
      MacAddress from;
      std::copy_n(frame.data(), 6, to.bytes.data());
      std::copy_n(frame.data() + 6, 6, from.bytes.data());
      EXPECT_EQ(to_string(to), mac);
      EXPECT_EQ(to_string(from), "02:00:00:00:00:01");
    }
  }
}

// What a probe has before its time is known is what the whole probe has, for any number at once.
TEST(FrameTemplate, ProofsAreThoseOfTheProbes) {
  std::mt19937_64 random(20261128);
  for (std::size_t count = 1; count <= ProbeBatch::kSize; ++count) {
    FrameAddresses addresses{{}, {}, Ipv4{static_cast<std::uint32_t>(random())}};
    addresses.ttl = static_cast<std::uint8_t>(1 + random() % 255);
    addresses.tos = static_cast<std::uint8_t>(random());
    const probe_key key{{random(), random()}, {random(), random()}};
    const FrameTemplate frame_template(addresses, key);
    std::vector<Target> targets(count);
    for (Target& target : targets)
      target = {Ipv4{static_cast<std::uint32_t>(random())}, static_cast<std::uint8_t>(random())};
    std::vector<TargetProof> proofs(count);
    frame_template.prove(targets, proofs);
    std::array<std::uint8_t, PROBE_FRAME_BYTES> bytes{};
    const FrameBuffer frame(bytes.data(), PROBE_FRAME_BYTES);
    frame_template.fill(frame);
    for (std::size_t i = 0; i < count; ++i) {
      frame_template.patch(frame, targets[i], random());
      ASSERT_EQ(proofs[i].cookie, wire_load32(bytes.data() + PROBE_COOKIE_OFFSET)) << count;
      ASSERT_EQ(proofs[i].ip_checksum, wire_load16(bytes.data() + PROBE_IP_CHECKSUM_OFFSET));
    }
  }
}

// Whole frames, checksums included, and batches of every length across the size of one.
TEST(FrameTemplate, ABatchIsItsProbesOneByOne) {
  const FrameTemplate frame_template(
      {parse_mac("02:00:00:00:00:01").value(), parse_mac("02:00:00:00:00:02").value(), kSource},
      {{5, 6}, {7, 8}});
  std::mt19937_64 random(6);
  for (std::size_t hop = 1; hop < NextHopTable::kMax; ++hop) {
    const auto low = static_cast<std::uint8_t>(hop);
    frame_template.next_hops()->set(hop, {{2, 0, 0, 0, 1, low}});
  }
  for (std::size_t count = 0; count <= 3 * ProbeBatch::kSize; ++count) {
    std::vector<std::array<std::uint8_t, PROBE_FRAME_BYTES>> frames(count);
    std::vector<std::uint8_t*> pointers;
    std::vector<Target> targets;
    for (auto& frame : frames) {
      frame_template.fill(frame);
      pointers.push_back(frame.data());
      targets.push_back({Ipv4{static_cast<std::uint32_t>(random())},
                         static_cast<std::uint8_t>(random()), false,
                         static_cast<std::uint8_t>(random() % NextHopTable::kMax)});
    }
    const std::uint64_t sent_ns = random();
    frame_template.patch_batch(pointers, targets, sent_ns);
    for (std::size_t i = 0; i < count; ++i) {
      std::array<std::uint8_t, PROBE_FRAME_BYTES> expected;
      frame_template.fill(expected);
      frame_template.patch(expected, targets[i], sent_ns);
      ASSERT_EQ(frames[i], expected) << i << " of " << count;
    }
  }
}

}  // namespace
}  // namespace echoscan::frame_test
