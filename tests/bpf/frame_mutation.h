// What may happen to a frame on the way, and how to repair its checksums: for the fuzzer and for
// the comparison of the two compilations of match_reply.h.
//
// A changed byte breaks a checksum, so that nothing behind the checksums would ever be reached. So
// half of the mutated frames get both checksums computed anew. Mutations follow a seed, so that a
// failure can be repeated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "tests/bpf/case_frame.h"

namespace echoscan {

// Where the IPv4 header starts; the frame's end when there is none.
inline std::size_t ip_offset(const Bytes& frame) {
  std::size_t at = 12;
  for (int tags = 0; tags < 3 && at + 2 <= frame.size(); ++tags, at += 4) {
    const unsigned ethertype = static_cast<unsigned>(frame[at] << 8) | frame[at + 1];
    if (ethertype == 0x0800) return at + 2;
    if (ethertype != 0x8100 && ethertype != 0x88a8) break;
  }
  return frame.size();
}

// Computes both checksums anew, as far as the frame has something to compute them over.
inline void repair_checksums(Bytes& frame) {
  const std::size_t ip = ip_offset(frame);
  if (frame.size() < ip + 20) return;
  const std::size_t header_bytes = (frame[ip] & 0x0fU) * 4;
  const std::size_t ip_bytes = static_cast<std::size_t>(frame[ip + 2] << 8) | frame[ip + 3];
  const auto repair = [&frame](std::size_t from, std::size_t to, std::size_t at) {
    frame[at] = frame[at + 1] = 0;
    const std::uint16_t sum = checksum(Bytes(frame.begin() + static_cast<std::ptrdiff_t>(from),
                                             frame.begin() + static_cast<std::ptrdiff_t>(to)));
    frame[at] = static_cast<std::uint8_t>(sum >> 8);
    frame[at + 1] = static_cast<std::uint8_t>(sum);
  };
  if (header_bytes < 20 || ip + header_bytes > frame.size()) return;
  repair(ip, ip + header_bytes, ip + 10);
  if (ip_bytes < header_bytes + 8 || ip + ip_bytes > frame.size()) return;
  repair(ip + header_bytes, ip + ip_bytes, ip + header_bytes + 2);
}

class FrameMutator {
 public:
  explicit FrameMutator(std::uint64_t seed) : random_(seed) {}

  // One to three changes: bytes flipped or set, the end cut or moved, lengths made to fit or not.
  Bytes mutate(Bytes frame) {
    for (std::uint64_t changes = 1 + random_() % 3; changes > 0; --changes) change(frame);
    if (random_() % 2 == 0) repair_checksums(frame);
    return frame;
  }

 private:
  void change(Bytes& frame) {
    if (frame.empty()) frame.push_back(0);
    const std::size_t at = random_() % std::min<std::size_t>(frame.size(), 128);
    const std::size_t ip = ip_offset(frame);
    switch (random_() % 6) {
      case 0:
        frame[at] = static_cast<std::uint8_t>(frame[at] ^ 1U << random_() % 8);
        break;
      case 1:
        frame[at] = static_cast<std::uint8_t>(random_());
        break;
      case 2:
        frame.resize(random_() % (frame.size() + 1));
        break;
      case 3:
        frame.resize(frame.size() + random_() % 64, 0x55);
        break;
      case 4:  // the total length becomes what the frame has
        if (ip + 4 > frame.size()) break;
        frame[ip + 2] = static_cast<std::uint8_t>((frame.size() - ip) >> 8);
        frame[ip + 3] = static_cast<std::uint8_t>(frame.size() - ip);
        break;
      default:  // a header grows or shrinks: the frame's own, or a quoted one
        if (ip + 29 > frame.size()) break;
        frame[ip + random_() % 2 * 28] = static_cast<std::uint8_t>(0x40 | random_() % 16);
        break;
    }
  }

  std::mt19937_64 random_;
};

}  // namespace echoscan
