#include "tests/lab/zoo_answer.h"

#include <algorithm>

#include "bpf/probe.h"

namespace echoscan::zoo {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Span = std::span<const std::uint8_t>;

constexpr std::size_t kFrameBytesMin = 60;
constexpr std::size_t kIcmpSumAt = 2;
constexpr std::size_t kIpSumAt = 10;
constexpr unsigned kEchoReply = 0;
constexpr unsigned kTimestampReply = 14;
constexpr unsigned kMoreFragments = 0x2000;
constexpr std::uint32_t kNeverProbed = 0xc6336400;   // 198.51.100.0/24
constexpr std::uint32_t kSomebodyElse = 0xcb007100;  // 203.0.113.0/24

// RFC 1071 by the book.
void set_checksum(std::span<std::uint8_t> bytes, std::size_t at) {
  bytes[at] = bytes[at + 1] = 0;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2)
    sum += static_cast<std::uint32_t>(bytes[i] << 8) + (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  bytes[at] = static_cast<std::uint8_t>(~sum >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(~sum);
}

void put16(std::span<std::uint8_t> bytes, std::size_t at, unsigned value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void put32(std::span<std::uint8_t> bytes, std::size_t at, std::uint32_t value) {
  put16(bytes, at, value >> 16);
  put16(bytes, at + 2, value & 0xffff);
}

std::uint32_t read32(Span bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 |
                                    bytes[at + 3]);
}

Bytes echo_reply(const Request& request) {
  Bytes icmp(request.icmp.begin(), request.icmp.end());
  icmp[0] = kEchoReply;
  return icmp;
}

// What a router says of the request: its own 8 bytes, then the request as it came to it.
Bytes error(const Request& request, const Host& host) {
  Bytes quote(request.ip.begin(), request.ip.end());
  quote[8] = host.quoted_ttl;
  if (host.quoted_option_bytes > 0) {
    // No-operation options, for which a router on the way made room.
    quote.insert(quote.end(), host.quoted_option_bytes, 1);
    quote[0] = static_cast<std::uint8_t>(0x40 | quote.size() / 4);
    put16(quote, 2, static_cast<unsigned>(quote.size() + request.icmp.size()));
  }
  set_checksum(quote, kIpSumAt);
  const std::size_t quoted = std::min<std::size_t>(request.icmp.size(), host.quoted_icmp_bytes_max);
  quote.insert(quote.end(), request.icmp.begin(),
               request.icmp.begin() + static_cast<std::ptrdiff_t>(quoted));
  Bytes icmp{host.icmp_type, host.icmp_code, 0, 0, 0, 0, 0, 0};
  if (host.icmp_type == 3 && host.icmp_code == 4) put16(icmp, 6, 1400);
  if (host.icmp_type == 5) put32(icmp, 4, host.saddr ^ 1);
  icmp.insert(icmp.end(), quote.begin(), quote.end());
  return icmp;
}

// A reply to another scan, under that scan's keys: faultless but for them.
Bytes stale_reply(const Request& request, const Host& host) {
  const probe_key other{{host.salt, 1}, {host.salt, 2}};
  constexpr std::uint64_t kThen = 1'000'000'000;
  Bytes icmp(PROBE_ICMP_BYTES + PROBE_PAYLOAD_BYTES);
  put32(icmp, 4, probe_cookie(&other, request.target));
  put32(icmp, 8, static_cast<std::uint32_t>(kThen >> 32));
  put32(icmp, 12, static_cast<std::uint32_t>(kThen));
  put32(icmp, 16, request.target);
  put32(icmp, 20, probe_tag(&other, request.target, kThen, 0));
  icmp[25] = PROBE_VERSION;
  return icmp;
}

// The ICMP message of forms that are results.
Bytes message(const Request& request, const Host& host) {
  Bytes icmp = host.form == Form::error ? error(request, host) : echo_reply(request);
  const std::size_t payload_bytes = icmp.size() - PROBE_ICMP_BYTES;
  if (host.form == Form::cut && payload_bytes > 0)
    icmp.resize(PROBE_ICMP_BYTES + host.salt % payload_bytes);
  // Of an echoscan probe: any byte of its time, target, tag and pass.
  if (host.form == Form::altered && payload_bytes > 0)
    icmp[PROBE_ICMP_BYTES + host.salt % std::min<std::size_t>(payload_bytes, 17)] ^= 0x20;
  return icmp;
}

Bytes oddity(const Request& request, const Host& host) {
  Bytes icmp = echo_reply(request);
  switch (host.species) {
    case SPECIES_FORGED:
      icmp.resize(PROBE_ICMP_BYTES);
      [[fallthrough]];
    case SPECIES_WRONG_TARGET:
      put32(icmp, 4, host.salt);
      break;
    case SPECIES_FORGED_ERROR: {
      Host router = host;
      router.saddr = kNeverProbed;
      router.icmp_type = 3;
      router.icmp_code = 1;
      router.quoted_ttl = 9;
      router.quoted_icmp_bytes_max = host.salt % 2 == 0 ? 8 : 255;
      icmp = error(request, router);
      // Identifier and sequence number in the quote.
      put32(icmp, PROBE_ICMP_BYTES + PROBE_IPV4_BYTES + 4, host.salt);
      break;
    }
    case SPECIES_STALE:
      icmp = stale_reply(request, host);
      break;
    case SPECIES_SHORT:
      icmp.resize(4 + host.salt % 4);
      break;
    case SPECIES_OTHER_ICMP:
      icmp[0] = kTimestampReply;
      break;
    default:
      break;
  }
  return icmp;
}

std::uint32_t responder_of(const Host& host) {
  const bool is_stranger = host.species == SPECIES_FORGED || host.species == SPECIES_WRONG_TARGET ||
                           host.species == SPECIES_FORGED_ERROR;
  return is_stranger ? kNeverProbed | (host.salt & 0xff) : host.saddr;
}

}  // namespace

std::optional<Request> parse_request(Span frame) {
  constexpr std::size_t kHeaders = PROBE_ETHERNET_BYTES + PROBE_IPV4_BYTES + PROBE_ICMP_BYTES;
  if (frame.size() < kHeaders) return std::nullopt;
  Request request;
  request.ethernet = frame.first(PROBE_ETHERNET_BYTES);
  request.ip = frame.subspan(PROBE_ETHERNET_BYTES, PROBE_IPV4_BYTES);
  const std::size_t ip_bytes = static_cast<std::size_t>(request.ip[2] << 8 | request.ip[3]);
  if (ip_bytes < PROBE_IPV4_BYTES + PROBE_ICMP_BYTES ||
      PROBE_ETHERNET_BYTES + ip_bytes > frame.size())
    return std::nullopt;
  request.icmp =
      frame.subspan(PROBE_ETHERNET_BYTES + PROBE_IPV4_BYTES, ip_bytes - PROBE_IPV4_BYTES);
  request.source = read32(request.ip, 12);
  request.target = read32(request.ip, 16);
  return request;
}

Bytes make_answer(const Request& request, const Host& host) {
  Bytes icmp = host.form == Form::no_result ? oddity(request, host) : message(request, host);
  // Half an ICMP header has a checksum all the same.
  set_checksum(icmp, kIcmpSumAt);
  if (host.species == SPECIES_BAD_ICMP_SUM) icmp[kIcmpSumAt] ^= 0x10;

  Bytes frame(PROBE_ETHERNET_BYTES + PROBE_IPV4_BYTES);
  std::copy_n(request.ethernet.begin() + 6, 6, frame.begin());
  std::copy_n(request.ethernet.begin(), 6, frame.begin() + 6);
  put16(frame, 12, 0x0800);
  const std::span<std::uint8_t> ip = std::span(frame).subspan(PROBE_ETHERNET_BYTES);
  ip[0] = 0x45;
  put16(ip, 2, static_cast<unsigned>(PROBE_IPV4_BYTES + icmp.size()));
  put16(ip, 4, host.salt & 0xffff);
  if (host.species == SPECIES_FRAGMENT) put16(ip, 6, host.salt % 2 == 0 ? kMoreFragments : 185);
  ip[8] = host.ttl;
  ip[9] = 1;
  put32(ip, 12, responder_of(host));
  put32(ip, 16, host.species == SPECIES_NOT_TO_US ? kSomebodyElse | 77 : request.source);
  set_checksum(ip, kIpSumAt);
  if (host.species == SPECIES_BAD_IP_SUM) ip[kIpSumAt] ^= 0x10;
  frame.insert(frame.end(), icmp.begin(), icmp.end());
  frame.resize(std::max(frame.size(), kFrameBytesMin));
  return frame;
}

}  // namespace echoscan::zoo
