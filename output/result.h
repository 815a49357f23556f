// A result: one reply to one probe, as it leaves the program in whatever format.
//
// `target` is the address that was probed, `responder` the one that answered (zmap's saddr); the
// two differ when a host answers from another address. Plain data that owns nothing, so that
// results can be batched. What later fields (country) need lives beside this struct, not in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "targets/address.h"

namespace echoscan {

// The longest label; a longer one is cut in the results.
inline constexpr std::size_t kLabelBytesMax = 128;

struct Result {
  std::int64_t received_us = 0;  // microseconds since 1970: nanoseconds do not survive jq's doubles
  Ipv4 target;
  Ipv4 responder;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  bool repeat = false;    // the target had answered before
  bool cooldown = false;  // received after the last probe had been sent
  std::optional<std::uint64_t>
      rtt_ns;  // absent when the reply's payload does not prove the send time
  std::uint8_t ttl = 0;
  // What the lists call the target, as it stands there; empty when it has no label. Points into
  // whoever read the lists, for as long as the scan lasts.
  std::string_view label;
  std::uint32_t shard = 0;
};

}  // namespace echoscan
