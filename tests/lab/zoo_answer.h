// The frames with which a host of the zoo answers a request.
//
// They are built from scratch, byte by byte with a plain checksum, and not with the scanner's own
// FrameTemplate or matcher: what is under test must not be its own judge. A host has one frame; its
// repeats are that frame again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tests/lab/zoo_host.h"

namespace echoscan::zoo {

// An echo request as it came in, Ethernet header first; nullopt when it is not one.
struct Request {
  std::span<const std::uint8_t> ethernet;  // 14 bytes
  std::span<const std::uint8_t> ip;        // 20 bytes, without options
  std::span<const std::uint8_t> icmp;      // header and payload
  std::uint32_t source = 0;
  std::uint32_t target = 0;
};
std::optional<Request> parse_request(std::span<const std::uint8_t> frame);

// The frame; at least 60 bytes, which Ethernet demands.
std::vector<std::uint8_t> make_answer(const Request& request, const Host& host);

}  // namespace echoscan::zoo
