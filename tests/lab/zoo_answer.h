// The frames with which a host of the zoo answers a request.
//
// Built here from scratch, byte by byte with a checksum by the book, and not with the scanner's own
// FrameTemplate or matcher: what is under test must not be its own judge. One frame a host; the
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

// At least 60 bytes, as the wire wants.
std::vector<std::uint8_t> make_answer(const Request& request, const Host& host);

}  // namespace echoscan::zoo
