// Frames in words: what a row of reply_cases.cpp changes about a faultless reply, or about a
// router's error, and the bytes that this makes.
//
// They are built without bpf/match_reply.h, so that the code under test is not its own judge: the
// checksum is a plain RFC 1071, the quote is laid out by hand. Only the proofs come from probe.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/bpf/reply_cases.h"

namespace echoscan {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint32_t kUs = 0xc0000201;      // 192.0.2.1
inline constexpr std::uint32_t kTarget = 0x0a010203;  // 10.1.2.3
inline constexpr std::uint32_t kRouter = 0xc6336401;  // 198.51.100.1
inline constexpr std::uint8_t kPass = 2;
inline constexpr std::size_t kPayloadBytesMax =
    std::size_t{MATCH_ICMP_BYTES_MAX} - PROBE_ICMP_BYTES;

inline void put16(Bytes& bytes, unsigned value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

inline void put32(Bytes& bytes, std::uint32_t value) {
  put16(bytes, value >> 16);
  put16(bytes, value & 0xffff);
}

// RFC 1071, word by word.
inline std::uint16_t checksum(const Bytes& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2)
    sum += static_cast<std::uint32_t>(bytes[i] << 8) + (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

inline void set_checksum(Bytes& bytes, std::size_t at) {
  const std::uint16_t sum = checksum(bytes);
  bytes[at] = static_cast<std::uint8_t>(sum >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(sum);
}

inline std::uint32_t cookie_of(std::uint32_t target) {
  const match_config config = case_config();
  return probe_cookie(&config.key, target);
}

inline Bytes our_payload(std::uint32_t target = kTarget, std::uint8_t version = PROBE_VERSION,
                         std::uint64_t key_change = 0) {
  match_config config = case_config();
  config.key.tag[0] ^= key_change;
  Bytes payload;
  put32(payload, static_cast<std::uint32_t>(kCaseSentNs >> 32));
  put32(payload, static_cast<std::uint32_t>(kCaseSentNs));
  put32(payload, target);
  put32(payload, probe_tag(&config.key, target, kCaseSentNs, kPass));
  payload.push_back(kPass);
  payload.push_back(version);
  return payload;
}

// One frame in words; the defaults are a faultless reply to a probe of ours.
struct Frame {
  std::vector<unsigned> vlan_ethertypes;
  unsigned ethertype = 0x0800;
  unsigned ip_version = 4;
  Bytes ip_options;
  int ip_length_excess = 0;
  unsigned fragment = 0x4000;
  std::uint8_t ttl = 57;
  std::uint8_t protocol = 1;
  std::uint32_t source = kTarget;
  std::uint32_t destination = kUs;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  std::uint32_t cookie = cookie_of(kTarget);  // in an error: its second word
  Bytes payload = our_payload();              // in an error: the quote
  unsigned ip_checksum_error = 0;
  unsigned icmp_checksum_error = 0;
  std::size_t padding = 0;

  [[nodiscard]] Bytes bytes() const {
    Bytes icmp = {icmp_type, icmp_code, 0, 0};
    put32(icmp, cookie);
    icmp.insert(icmp.end(), payload.begin(), payload.end());
    set_checksum(icmp, 2);
    icmp[3] = static_cast<std::uint8_t>(icmp[3] ^ icmp_checksum_error);

    const std::size_t header = 20 + ip_options.size();
    Bytes ip = {static_cast<std::uint8_t>(ip_version << 4 | header / 4), 0};
    put16(ip, static_cast<unsigned>(static_cast<int>(header + icmp.size()) + ip_length_excess));
    put16(ip, 0x1234);
    put16(ip, fragment);
    ip.push_back(ttl);
    ip.push_back(protocol);
    put16(ip, 0);
    put32(ip, source);
    put32(ip, destination);
    ip.insert(ip.end(), ip_options.begin(), ip_options.end());
    set_checksum(ip, 10);
    ip[11] = static_cast<std::uint8_t>(ip[11] ^ ip_checksum_error);

    Bytes frame(12, 0x02);
    for (const unsigned vlan : vlan_ethertypes) {
      put16(frame, vlan);
      put16(frame, 0x0064);
    }
    put16(frame, ethertype);
    frame.insert(frame.end(), ip.begin(), ip.end());
    frame.insert(frame.end(), icmp.begin(), icmp.end());
    frame.resize(frame.size() + padding);
    return frame;
  }
};

// What an error quotes; by default a whole probe of ours, as it was sent.
struct Quote {
  unsigned ip_version = 4;
  unsigned header_words = 0;  // 0: what the options make it
  Bytes ip_options;
  unsigned total_length = 46;
  unsigned fragment = 0x4000;
  std::uint8_t ttl = 3;
  std::uint8_t protocol = 1;
  std::uint32_t source = kUs;
  std::uint32_t destination = kTarget;
  std::uint8_t icmp_type = 8;
  std::uint8_t icmp_code = 0;
  std::uint32_t cookie = cookie_of(kTarget);
  Bytes payload = our_payload();
  std::size_t bytes_max = 2000;  // the rest is not quoted
  Bytes extension;               // behind the quote

  [[nodiscard]] Bytes bytes() const {
    const auto words = header_words == 0 ? 5 + ip_options.size() / 4 : header_words;
    Bytes quote = {static_cast<std::uint8_t>(ip_version << 4 | words), 0};
    put16(quote, total_length);
    put16(quote, 0);
    put16(quote, fragment);
    quote.push_back(ttl);
    quote.push_back(protocol);
    put16(quote, 0xbeef);  // routers change the header and leave its checksum
    put32(quote, source);
    put32(quote, destination);
    quote.insert(quote.end(), ip_options.begin(), ip_options.end());
    quote.push_back(icmp_type);
    quote.push_back(icmp_code);
    put16(quote, 0xdead);
    put32(quote, cookie);
    quote.insert(quote.end(), payload.begin(), payload.end());
    quote.resize(std::min(quote.size(), bytes_max));
    quote.insert(quote.end(), extension.begin(), extension.end());
    return quote;
  }
};

}  // namespace echoscan
