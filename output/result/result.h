// A result: one reply to one probe, or one error about it, as it leaves the program in whatever
// format.
//
// `target` is the address that was probed, `responder` the one that answered (zmap's saddr). They
// differ when a host answers from another address, and in errors, which routers send. Texts are
// views into tables that outlive the scan (the geo table, the target lists), so that a result is
// plain data; an empty text is written as absent. output/result/result_field.h says how each member
// is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "output/result/scan_id.h"
#include "targets/address.h"

namespace echoscan {

// What kind of answer it is, in zmap's words.
enum class Classification : std::uint8_t {
  echoreply,
  unreach,
  sourcequench,
  redirect,
  timxceed,
  paramprob,
};
inline constexpr std::size_t kClassifications = 6;

// The classification of an ICMP type that can be a result.
constexpr Classification classification_of(std::uint8_t icmp_type) {
  switch (icmp_type) {
    case 0:
      return Classification::echoreply;
    case 3:
      return Classification::unreach;
    case 4:
      return Classification::sourcequench;
    case 5:
      return Classification::redirect;
    case 11:
      return Classification::timxceed;
    default:
      return Classification::paramprob;
  }
}

struct Result {
  std::int64_t received_us = 0;  // microseconds since 1970: nanoseconds do not survive jq's doubles
  Ipv4 target;
  Ipv4 responder;
  Classification classification = Classification::echoreply;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  bool repeat = false;      // not the target's first reply, or not its first error
  bool cooldown = false;    // received after the last probe had been sent
  bool off_target = false;  // an echo reply from another address than the target
  bool rtt_trusted = true;  // false when the reply's payload does not prove the send time
  std::uint8_t ttl = 0;
  std::optional<std::uint8_t> quoted_ttl;  // of our probe, as an error quotes it
  std::optional<std::uint64_t> rtt_ns;     // absent when not proved
  std::optional<std::uint8_t> pass;        // that was answered; absent likewise, or with one pass
  std::uint32_t asn = 0;                   // 0 when not known
  std::uint32_t shard = 0;
  std::string_view country;  // ISO 3166-1 alpha-2
  std::string_view city;
  std::string_view as_org;
  std::string_view label;      // of the target, by its list
  std::string_view interface;  // that it came in by, where that is not its way's
  ScanId scan_id;
};

// What all results of a scan have in common.
struct ResultOrigin {
  std::uint32_t shard = 0;
  ScanId scan_id = {};
};

}  // namespace echoscan
