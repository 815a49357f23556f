// A pool of sources: its text, whom it gives which source (against a second implementation), and
// the frames that come of it, sent and answered.
#include "scanner/network/source_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bpf/match_reply.h"
#include "scanner/transmit/frame.h"

namespace echoscan::source_pool_test {
namespace {

SourcePool pool_of(const std::string& text, std::uint64_t seed = 0) {
  tl::expected<SourcePool, std::string> pool = SourcePool::parse(text);
  EXPECT_TRUE(pool) << text << ": " << (pool ? "" : pool.error());
  if (pool) pool->set_seed(seed);
  return pool.value_or(SourcePool());
}

std::string refusal_of(const std::string& text) {
  const tl::expected<SourcePool, std::string> pool = SourcePool::parse(text);
  return pool ? "" : pool.error();
}

TEST(SourcePool, IsWrittenAsPeopleWriteAddresses) {
  const std::vector<std::array<std::string, 2>> texts = {
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.8/29", "192.0.2.8/29"},
      {"192.0.2.1-192.0.2.20", "192.0.2.1-192.0.2.20"},
      {"192.0.2.1-20", "192.0.2.1-192.0.2.20"},
      {"192.0.2.9,192.0.2.1", "192.0.2.1,192.0.2.9"},
      {" 192.0.2.9 , 192.0.2.8 ", "192.0.2.8/31"},
      {"192.0.2.0/30,192.0.2.2-7,192.0.2.1", "192.0.2.0/29"},
      {"10.0.0.0/16", "10.0.0.0/16"},
      {"198.51.100.7,192.0.2.8/29,192.0.2.20", "192.0.2.8/29,192.0.2.20,198.51.100.7"}};
  for (const auto& [text, expected] : texts) {
    EXPECT_EQ(to_string(pool_of(text)), expected) << text;
    EXPECT_EQ(pool_of(text), pool_of(expected));
  }
  EXPECT_EQ(pool_of("10.0.0.0/16").size(), SourcePool::kSizeMax);
  EXPECT_TRUE(SourcePool().empty());
  EXPECT_FALSE(pool_of("192.0.2.1,192.0.2.3").contains(Ipv4{0xc0000202}));
  EXPECT_TRUE(pool_of("192.0.2.1,192.0.2.3").contains(Ipv4{0xc0000203}));
  EXPECT_NE(pool_of("192.0.2.1-3"), pool_of("192.0.2.1-4"));
}

TEST(SourcePool, RefusesWhatIsNoPool) {
  const std::vector<std::array<std::string, 2>> wrong = {
      {"", "is not an IPv4 address"},
      {",", "is not an IPv4 address"},
      {"192.0.2.1,", "is not an IPv4 address"},
      {"192.0.2.1,,192.0.2.2", "is not an IPv4 address"},
      {"192.0.2.1;192.0.2.2", "is not an IPv4 address"},
      {"eth0", "is not an IPv4 address"},
      {"2001:db8::1", "IPv6 addresses are not probed"},
      {"192.0.2.1/24", "host bits are set; the network is 192.0.2.0/24"},
      {"192.0.2.0/33", "prefix length"},
      {"192.0.2.9-192.0.2.1", ""},
      {"192.0.2.1,10.0.0.0/15", "131073 addresses are more than the 65536"},
      {"10.0.0.0-10.1.0.0", "65537 addresses are more than the 65536"},
      {"0.0.0.0", "no host has 0.0.0.0"},
      {"0.0.0.0/0", "no host has 0.0.0.0"},
      {"192.0.2.1,224.0.0.1", "no host has 224.0.0.1"},
      {"223.255.255.255-224.0.0.0", "no host has 224.0.0.0"},
      {"255.255.255.255", "no host has 255.255.255.255"}};
  for (const auto& [text, clause] : wrong) {
    EXPECT_NE(refusal_of(text), "") << text;
    EXPECT_NE(refusal_of(text).find(clause), std::string::npos) << text << ": " << refusal_of(text);
  }
}

// SipHash-2-4 after its paper, a byte at a time; the product has it by words.
std::uint64_t reference_hash(std::uint64_t k0, std::uint64_t k1,
                             const std::vector<unsigned>& bytes) {
  std::uint64_t a = k0 ^ 0x736f6d6570736575;
  std::uint64_t b = k1 ^ 0x646f72616e646f6d;
  std::uint64_t c = k0 ^ 0x6c7967656e657261;
  std::uint64_t d = k1 ^ 0x7465646279746573;
  const auto rotate = [](std::uint64_t& value, int bits) {
    value = value << bits | value >> (64 - bits);
  };
  const auto rounds = [&](int count) {
    for (; count > 0; --count) {
      a += b, rotate(b, 13), b ^= a, rotate(a, 32);
      c += d, rotate(d, 16), d ^= c;
      a += d, rotate(d, 21), d ^= a;
      c += b, rotate(b, 17), b ^= c, rotate(c, 32);
    }
  };
  for (std::size_t begin = 0; begin <= bytes.size(); begin += 8) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i)
      if (begin + i < bytes.size()) word |= std::uint64_t{bytes[begin + i]} << (8 * i);
    if (begin + 8 > bytes.size()) word |= static_cast<std::uint64_t>(bytes.size()) << 56;
    d ^= word;
    rounds(2);
    a ^= word;
  }
  c ^= 0xff;
  rounds(4);
  return a ^ b ^ c ^ d;
}

// The addresses of a pool as a set, made as its text is.
struct RandomPool {
  std::string text;
  std::set<std::uint32_t> addresses;
  std::vector<std::uint32_t> ascending;

  explicit RandomPool(std::mt19937_64& random) {
    for (std::uint64_t parts = 1 + random() % 5; parts > 0; --parts) {
      const auto first = static_cast<std::uint32_t>(0x01000000 + random() % 0xd0000000);
      const auto size = static_cast<std::uint32_t>(1 + random() % 60);
      text +=
          (text.empty() ? "" : ",") + to_string(AddressRange{Ipv4{first}, Ipv4{first + size - 1}});
      for (std::uint32_t i = 0; i < size; ++i) addresses.insert(first + i);
    }
    ascending.assign(addresses.begin(), addresses.end());
  }
  [[nodiscard]] std::uint32_t source_of(std::uint64_t seed, std::uint32_t target) const {
    const std::uint64_t hash =
        reference_hash(seed, 0x656372756f73,  // "source"
                       {target >> 24, target >> 16 & 0xff, target >> 8 & 0xff, target & 0xff});
    return ascending[(hash & 0xffffffff) * ascending.size() / (std::uint64_t{1} << 32)];
  }
};

TEST(SourcePool, ATargetsSourceIsThatOfTheReference) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    const RandomPool expected(random);
    const std::uint64_t seed = random();
    const SourcePool pool = pool_of(expected.text, seed);
    ASSERT_EQ(pool.size(), expected.addresses.size()) << expected.text;
    ASSERT_TRUE(std::ranges::equal(pool.addresses(), expected.addresses, {}, &Ipv4::value));
    for (int i = 0; i < 20; ++i) {
      const auto target = static_cast<std::uint32_t>(random());
      ASSERT_EQ(pool.source_of(Ipv4{target}).value, expected.source_of(seed, target))
          << expected.text << " " << seed << " " << target;
    }
  }
}

// Neighbours as targets, as most scans have them: each source has its share within 5 deviations.
TEST(SourcePool, SourcesShareTheTargets) {
  for (const std::string text :
       {"192.0.2.1-2", "192.0.2.1-7", "192.0.2.0/28,198.51.100.9", "10.0.0.0/20"}) {
    for (const std::uint64_t seed : {0U, 1U, 0xffffffffU}) {
      const SourcePool pool = pool_of(text, seed);
      const std::uint32_t targets = static_cast<std::uint32_t>(pool.size()) * 1000;
      std::map<Ipv4, double> counts;
      for (std::uint32_t i = 0; i < targets; ++i) ++counts[pool.source_of(Ipv4{0x0a000000 + i})];
      ASSERT_EQ(counts.size(), pool.size()) << text;
      const double deviation = std::sqrt(1000.0 * (1 - 1.0 / static_cast<double>(pool.size())));
      for (const auto& [source, count] : counts)
        EXPECT_NEAR(count, 1000, 5.5 * deviation)
            << text << " " << seed << " " << to_string(source);
    }
  }
}

TEST(SourcePool, AnotherSeedGivesOtherSources) {
  const SourcePool pool = pool_of("192.0.2.0/24", 7);
  const SourcePool other = pool_of("192.0.2.0/24", 8);
  int same = 0;
  for (std::uint32_t i = 0; i < 25'600; ++i)
    same += pool.source_of(Ipv4{i}) == other.source_of(Ipv4{i});
  EXPECT_NEAR(same, 100, 50);
}

TEST(SourcePool, ASampleIsSpread) {
  const SourcePool pool = pool_of("192.0.2.0/24");
  EXPECT_EQ(spread_sample(pool.addresses(), 256).size(), 256U);
  const std::vector<Ipv4> sample = spread_sample(pool.addresses(), 3);
  EXPECT_EQ(sample, (std::vector<Ipv4>{{0xc0000200}, {0xc000027f}, {0xc00002ff}}));
  for (std::size_t most = 2; most < 256; ++most) {
    const std::vector<Ipv4> part = spread_sample(pool.addresses(), most);
    EXPECT_EQ(std::set<Ipv4>(part.begin(), part.end()).size(), most);
  }
}

constexpr probe_key kKey{{1, 2}, {3, 4}};

FrameTemplate template_of(const SourcePool& pool) {
  FrameAddresses addresses{{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, pool.addresses().front()};
  addresses.sources = pool;
  return FrameTemplate(addresses, kKey);
}

// RFC 1071, byte by byte.
std::uint32_t sum_of(const std::uint8_t* bytes, std::size_t count) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

using ProbeFrame = std::array<std::uint8_t, PROBE_FRAME_BYTES>;

TEST(SourcePool, EveryFrameHasItsSourceAndItsChecksums) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; ++round) {
    const RandomPool expected(random);
    const std::uint64_t seed = random();
    const FrameTemplate frame_template = template_of(pool_of(expected.text, seed));
    const std::size_t count = 1 + random() % 130;
    std::vector<ProbeFrame> frames(count);
    std::vector<std::uint8_t*> pointers;
    std::vector<Target> targets;
    for (ProbeFrame& frame : frames) {
      frame_template.fill(frame);
      pointers.push_back(frame.data());
      targets.push_back(
          {Ipv4{static_cast<std::uint32_t>(random())}, static_cast<std::uint8_t>(random())});
    }
    const std::uint64_t sent_ns = random();
    frame_template.patch_batch(pointers, targets, sent_ns);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t target = targets[i].address.value;
      const std::uint32_t source = wire_load32(&frames[i][26]);
      ASSERT_EQ(source, expected.source_of(seed, target));
      ASSERT_EQ(wire_load32(&frames[i][30]), target);
      ASSERT_EQ(wire_load32(&frames[i][38]), probe_cookie(&kKey, target) ^ source);
      ASSERT_EQ(sum_of(&frames[i][14], 20), 0xffffU);
      ASSERT_EQ(sum_of(&frames[i][34], 26), 0xffffU);
      ProbeFrame alone;
      frame_template.fill(alone);
      frame_template.patch(alone, targets[i], sent_ns);
      ASSERT_EQ(alone, frames[i]) << i << " of " << count;
    }
  }
}

// As a host turns it around.
ProbeFrame reply_to(ProbeFrame frame) {
  std::swap_ranges(frame.begin() + 26, frame.begin() + 30, frame.begin() + 30);
  frame[34] = 0;
  const std::uint32_t sum = wire_load16(&frame[36]) + 0x0800U;
  wire_store16(&frame[36], static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16)));
  return frame;
}

void set_checksum(std::uint8_t* begin, std::size_t bytes, std::size_t at) {
  wire_store16(begin + at, 0);
  wire_store16(begin + at, static_cast<std::uint16_t>(~sum_of(begin, bytes)));
}

// The same reply to another address, as well formed.
ProbeFrame sent_to(ProbeFrame reply, std::uint32_t destination) {
  wire_store32(&reply[30], destination);
  set_checksum(&reply[14], 20, 10);
  return reply;
}

// A router that quotes the header and 8 bytes of a probe from `source`, to `destination`.
std::vector<std::uint8_t> error_about(const ProbeFrame& probe, std::uint32_t source,
                                      std::uint32_t destination) {
  std::vector<std::uint8_t> error(probe.begin(), probe.begin() + 34);
  error.resize(42);
  error.insert(error.end(), probe.begin() + 14, probe.begin() + 42);
  wire_store32(&error[26], 0xc6336401);
  wire_store32(&error[30], destination);
  wire_store32(&error[54], source);
  wire_store16(&error[16], 56);
  error[34] = 3;
  error[35] = 1;
  set_checksum(&error[14], 20, 10);
  set_checksum(&error[34], 36, 2);
  return error;
}

template <typename Bytes>
frame_outcome match(const match_config& config, const Bytes& frame) {
  reply found{};
  return match_reply(frame.data(), frame.data() + frame.size(), &config, &found);
}

// What comes to another source of the pool than the target's is no proof, and nothing that is.
TEST(SourcePool, OnlyTheTargetsOwnSourceIsAnswered) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 300; ++round) {
    const RandomPool addresses(random);
    if (addresses.addresses.size() < 2) continue;
    const SourcePool pool = pool_of(addresses.text, random());
    const FrameTemplate frame_template = template_of(pool);
    const std::uint32_t first = pool.addresses().front().value;
    const std::uint32_t last = pool.addresses().back().value;
    const match_config config{kKey, first, last - first};
    const Ipv4 target{static_cast<std::uint32_t>(random())};
    ProbeFrame frame;
    frame_template.fill(frame);
    frame_template.patch(frame, {target, 3}, random());
    const ProbeFrame reply = reply_to(frame);
    const std::uint32_t own = pool.source_of(target).value;
    ASSERT_EQ(match(config, reply), FRAME_REPLY);
    ProbeFrame altered = reply;
    altered[44] ^= 1;
    set_checksum(&altered[34], 26, 2);
    ASSERT_EQ(match(config, altered), FRAME_REPLY_ALTERED);
    ProbeFrame elsewhere = reply;
    wire_store32(&elsewhere[26], target.value ^ 1);
    set_checksum(&elsewhere[14], 20, 10);
    ASSERT_EQ(match(config, elsewhere), FRAME_REPLY_OFF_TARGET);
    ASSERT_EQ(match(config, error_about(frame, own, own)), FRAME_ERROR);
    ASSERT_EQ(match(config, sent_to(reply, first - 1)), FRAME_NOT_TO_US);
    ASSERT_EQ(match(config, sent_to(reply, last + 1)), FRAME_NOT_TO_US);
    for (const Ipv4 other : pool.addresses()) {
      if (other.value == own) continue;
      ASSERT_EQ(match(config, sent_to(reply, other.value)), FRAME_WRONG_TARGET);
      ASSERT_EQ(match(config, sent_to(altered, other.value)), FRAME_STALE);
      ASSERT_EQ(match(config, sent_to(elsewhere, other.value)), FRAME_WRONG_TARGET);
      ASSERT_EQ(match(config, error_about(frame, other.value, other.value)), FRAME_ERROR_UNPROVED);
      ASSERT_EQ(match(config, error_about(frame, own, other.value)), FRAME_ERROR_UNPROVED);
      ASSERT_EQ(match(config, error_about(frame, other.value, own)), FRAME_ERROR_UNPROVED);
    }
  }
}

}  // namespace
}  // namespace echoscan::source_pool_test
