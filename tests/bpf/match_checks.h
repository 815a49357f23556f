// What holds for any frame that was matched, whatever was in it: the fuzzer checks it after each
// input.
//
// A result is proved once more, by other means than match_reply.h's: the target's cookie stands in
// the frame, and the checksum of RFC 1071, computed a byte at a time, is right. A violation ends
// the process, so that the fuzzer notices.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include "tests/bpf/frame_mutation.h"
#include "tests/targets/list_checks.h"

namespace echoscan {

inline bool contains_word(const Bytes& frame, std::uint32_t value) {
  Bytes word;
  put32(word, value);
  return std::search(frame.begin(), frame.end(), word.begin(), word.end()) != frame.end();
}

inline void check_result(const Bytes& frame, frame_outcome outcome, const reply& found) {
  require(found.outcome == outcome, "the record carries its outcome");
  require(found.arrival == 0 && found.unused == 0, "nothing stands where nothing is");
  require(contains_word(frame, cookie_of(found.target)), "the target's cookie is in the frame");
  require(contains_word(frame, found.responder), "the sender is in the frame");
  const bool is_error = outcome == FRAME_ERROR;
  require((found.icmp_type == 0) != is_error, "an error is no echo reply");
  require(is_error || found.quoted_ttl == 0, "a reply quotes nothing");
  require(is_error || found.icmp_code == 0, "an echo reply has no code");
  require((found.responder == found.target) ==
                  (outcome == FRAME_REPLY || outcome == FRAME_REPLY_ALTERED) ||
              is_error,
          "off target is who says so and is not the target");
  if (found.sent_ns != 0) {
    const match_config config = case_config();
    require(contains_word(frame, probe_tag(&config.key, found.target, found.sent_ns, found.pass)),
            "a send time has its tag in the frame");
  }
  Bytes repaired = frame;
  repair_checksums(repaired);
  // 0 and 0xffff are the same sum, which the one writes and the other may not.
  const std::size_t ip = ip_offset(frame);
  const std::size_t header_bytes = (frame[ip] & 0x0fU) * 4;
  for (const std::size_t at : {ip + 10, ip + header_bytes + 2}) {
    const bool is_same = frame[at] == repaired[at] && frame[at + 1] == repaired[at + 1];
    const bool is_zero =
        repaired[at] == 0 && repaired[at + 1] == 0 && frame[at] == 0xff && frame[at + 1] == 0xff;
    require(is_same || is_zero, "a result's checksums are right");
  }
}

// Matches the frame in memory of its exact size, so that a sanitizer sees when a byte too many is
// read.
inline frame_outcome match_exactly(const Bytes& frame, reply& found) {
  const match_config config = case_config();
  const auto memory = std::make_unique<std::uint8_t[]>(frame.size());
  std::copy(frame.begin(), frame.end(), memory.get());
  return match_reply(memory.get(), memory.get() + frame.size(), &config, &found);
}

inline void check_match(const Bytes& frame) {
  reply found{};
  const frame_outcome outcome = match_exactly(frame, found);
  require(outcome < FRAME_OUTCOME_COUNT, "an outcome is one of the list");
  require(outcome != FRAME_RING_FULL, "who matches knows no ring");
  if (outcome_is_result(outcome)) check_result(frame, outcome, found);
}

}  // namespace echoscan
