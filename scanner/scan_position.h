// A place in a scan: everything that says which probes have been sent and which have not.
//
// The order is a function of (digest, seed); the shard and the number of targets that all shards
// together probe say which exponents are this scan's; pass and step say how far it is. What lies
// before the place has been sent, what lies behind has not, whatever the number of queues and
// threads. The text form is one line without spaces, strictly read:
// "sha256=5b4d...,seed=42,first=79000000,shard=0/4,pass=0,step=1234567".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "targets/shard.h"

namespace echoscan {

struct ScanPosition {
  std::string digest;  // of the ranges, 64 hexadecimal digits
  std::uint64_t seed = 0;
  std::uint64_t first = 0;  // how many targets of the order all shards together probe
  Shard shard;
  std::uint32_t pass = 0;  // from 0
  std::uint64_t step = 0;  // the exponent to go on at

  friend bool operator==(const ScanPosition&, const ScanPosition&) = default;
};

std::string to_string(const ScanPosition& position);
// nullopt for anything that to_string did not write.
std::optional<ScanPosition> parse_scan_position(std::string_view text);

}  // namespace echoscan
