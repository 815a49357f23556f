// bpf/ as user space compiles it: SipHash against its paper, the probe's layout, and the table of
// frames.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <set>

#include "bpf/live_queue.h"
#include "bpf/match_reply.h"
#include "tests/bpf/match_checks.h"

namespace echoscan::bpf_test {
namespace {

// Appendix A of the SipHash paper: key 00 01 ... 0f, message 00 01 ... 0e.
TEST(SipHash, VectorOfThePaper) {
  const std::uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  const __u64 words[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  EXPECT_EQ(siphash24(reinterpret_cast<const __u64*>(key), words, 2), 0xa129ca6149be45e5U);
}

// From the reference implementation's vectors: the same key, messages of 4 and of 13 bytes 00 01 02
// ...
TEST(SipHash, CookieAndTagAreTheHashesOfTheirMessages) {
  const match_config config = case_config();
  EXPECT_EQ(probe_cookie(&config.key, 0x00010203), static_cast<__u32>(0xcf2794e0277187b7));

  probe_key key = config.key;
  std::memcpy(key.tag, key.cookie, sizeof(key.tag));
  EXPECT_EQ(probe_tag(&key, 0x08090a0b, 0x0001020304050607, 0x0c),
            static_cast<__u32>(0x14ea5627c0843d90));
}

// However its hash is divided, the tag is that of the payload's bytes: send time, target, pass.
TEST(SipHash, TheTagIsOfTheBytesOnTheWire) {
  std::mt19937_64 random(20261129);
  for (int i = 0; i < 10'000; ++i) {
    probe_key key{};
    for (__u64& half : key.tag) half = random();
    const auto target = static_cast<__u32>(random());
    const __u64 sent_ns = random() >> random() % 64;
    const auto pass = static_cast<__u8>(random());
    std::array<std::uint8_t, 16> message{};
    for (std::size_t byte = 0; byte < 8; ++byte)
      message[byte] = static_cast<std::uint8_t>(sent_ns >> (56 - 8 * byte));
    for (std::size_t byte = 0; byte < 4; ++byte)
      message[8 + byte] = static_cast<std::uint8_t>(target >> (24 - 8 * byte));
    message[12] = pass;
    message[15] = 13;  // the message's length
    __u64 words[2] = {};
    for (std::size_t byte = 0; byte < message.size(); ++byte)
      words[byte / 8] |= __u64{message[byte]} << 8 * (byte % 8);
    ASSERT_EQ(probe_tag(&key, target, sent_ns, pass),
              static_cast<__u32>(siphash24(key.tag, words, 2)));
  }
}

TEST(SipHash, CookieAndTagDependOnEverything) {
  const match_config config = case_config();
  const __u32 cookie = probe_cookie(&config.key, 1);
  EXPECT_NE(cookie, probe_cookie(&config.key, 2));
  probe_key other = config.key;
  other.cookie[1] ^= 1;
  EXPECT_NE(cookie, probe_cookie(&other, 1));
  const __u32 tag = probe_tag(&config.key, 1, 2, 3);
  EXPECT_NE(tag, probe_tag(&config.key, 2, 2, 3));
  EXPECT_NE(tag, probe_tag(&config.key, 1, 3, 3));
  EXPECT_NE(tag, probe_tag(&config.key, 1, 2, 4));
}

TEST(LiveQueue, AnEntryIsOfItsLapOnly) {
  for (const std::uint64_t at : {std::uint64_t{0}, std::uint64_t{LIVE_RING_TARGETS - 1},
                                 std::uint64_t{LIVE_RING_TARGETS}, std::uint64_t{1} << 40}) {
    const __u64 entry = live_entry(0xfffefdfc, 255, 1, 63, at);
    EXPECT_EQ(live_entry_target(entry), 0xfffefdfcU);
    EXPECT_EQ(live_entry_pass(entry), 255);
    EXPECT_TRUE(live_entry_is_again(entry));
    EXPECT_EQ(live_entry_next_hop(entry), 63);
    EXPECT_TRUE(live_entry_is_at(entry, at));
    EXPECT_FALSE(live_entry_is_at(entry, at + LIVE_RING_TARGETS));
    EXPECT_FALSE(live_entry_is_at(0, at));
  }
}

TEST(MatchReply, TableOfFrames) {
  const match_config config = case_config();
  for (const ReplyCase& row : reply_cases()) {
    // A buffer of the frame's exact size, so that a sanitizer sees any byte read beyond it.
    const auto frame = std::make_unique<std::uint8_t[]>(row.frame.size());
    std::copy(row.frame.begin(), row.frame.end(), frame.get());
    reply found{};
    const frame_outcome outcome =
        match_reply(frame.get(), frame.get() + row.frame.size(), &config, &found);
    EXPECT_EQ(outcome, row.outcome) << row.what;
    if (outcome_is_result(row.outcome)) {
      EXPECT_EQ(std::memcmp(&found, &row.expected, sizeof(reply)), 0) << row.what;
    }
  }
}

// A scan from several addresses out of one interface: replies may come to any of them, errors may
// quote any, and the cookie proves them as ever. Nothing else changes.
TEST(MatchReply, WithoutASourceOnlyTheAddressesOfOursAreNotLookedAt) {
  match_config config = case_config();
  config.source = 0;
  std::size_t others = 0;
  for (const ReplyCase& row : reply_cases()) {
    const auto frame = std::make_unique<std::uint8_t[]>(row.frame.size());
    std::copy(row.frame.begin(), row.frame.end(), frame.get());
    reply found{};
    const frame_outcome outcome =
        match_reply(frame.get(), frame.get() + row.frame.size(), &config, &found);
    frame_outcome expected = row.outcome;
    if (row.what == "to another address") expected = FRAME_REPLY;
    if (row.what == "error to another address" || row.what == "error about another's probe")
      expected = FRAME_ERROR;
    others += expected == row.outcome ? 0 : 1;
    EXPECT_EQ(outcome, expected) << row.what;
  }
  EXPECT_EQ(others, 3U);
}

// Every prefix of a result is read without passing its end, and none is taken for the whole.
TEST(MatchReply, NoPrefixOfAResultIsAResult) {
  const match_config config = case_config();
  for (const ReplyCase& row : reply_cases()) {
    if (!outcome_is_result(row.outcome) || row.what.find("padded") != std::string::npos) continue;
    for (std::size_t bytes = 0; bytes < row.frame.size(); ++bytes) {
      const auto frame = std::make_unique<std::uint8_t[]>(bytes);
      std::copy_n(row.frame.begin(), bytes, frame.get());
      reply found{};
      EXPECT_FALSE(
          outcome_is_result(match_reply(frame.get(), frame.get() + bytes, &config, &found)))
          << row.what << " cut to " << bytes;
    }
  }
}

// The fuzzer's corpus is the table: `match_corpus` writes what is missing.
TEST(MatchReply, CorpusIsTheTable) {
  const std::string folder = ECHOSCAN_SOURCE_DIR "/tests/corpus/match_reply_fuzz/";
  std::set<std::string> names;
  for (const ReplyCase& row : reply_cases()) {
    EXPECT_TRUE(names.insert(corpus_name(row)).second) << row.what;
    std::ifstream in(folder + corpus_name(row), std::ios::binary);
    ASSERT_TRUE(in) << corpus_name(row);
    const Bytes frame{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(frame, row.frame) << row.what;
  }
  // What the fuzzer found is named by libFuzzer, and stays.
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(names.contains(name) || name.starts_with("crash-")) << name;
  }
}

// The checks that the fuzzer makes, on inputs that follow a seed: in every build, without clang.
TEST(MatchReply, WhatHoldsForAnyFrame) {
  FrameMutator mutator(1);
  std::array<int, FRAME_OUTCOME_COUNT> seen{};
  for (const ReplyCase& row : reply_cases()) {
    check_match(row.frame);
    for (int i = 0; i < 500; ++i) {
      const Bytes frame = mutator.mutate(row.frame);
      check_match(frame);
      reply found{};
      ++seen[match_exactly(frame, found)];
    }
  }
  for (int outcome = 0; outcome < FRAME_OUTCOME_COUNT; ++outcome) {
    EXPECT_TRUE(seen[static_cast<std::size_t>(outcome)] > 0 || outcome == FRAME_RING_FULL)
        << outcome;
  }
}

TEST(FrameOutcomes, TableHasEveryOutcomeButTheRing) {
  bool covered[FRAME_OUTCOME_COUNT] = {};
  for (const ReplyCase& row : reply_cases()) covered[row.outcome] = true;
  for (int outcome = 0; outcome < FRAME_OUTCOME_COUNT; ++outcome) {
    EXPECT_EQ(covered[outcome], outcome != FRAME_RING_FULL) << outcome;
  }
}

}  // namespace
}  // namespace echoscan::bpf_test
