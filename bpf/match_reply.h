/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Parses one received frame and proves that it answers a probe of ours, or quotes one.
 *
 * Compiled twice from this text: into the XDP program and into the AF_PACKET receiver (and whatever
 * tests it), so that the two ways to receive cannot disagree. Cheap tests come first: the keyed
 * hash runs only for an echo reply or error to our address. The checksums come last, and only for
 * what is proved, since the verifier walks whatever follows their loop once for each turn of it:
 * 324,000 instructions this way, over a million with the hash behind the loop. Reads never pass
 * frame_end: the BPF verifier demands it, and user space profits. At most two VLAN tags are
 * skipped, as in 802.1ad; a message longer than MATCH_ICMP_BYTES_MAX, which is what fits into an
 * Ethernet MTU, cannot be an answer to 26 bytes.
 */
#ifndef ECHOSCAN_BPF_MATCH_REPLY_H
#define ECHOSCAN_BPF_MATCH_REPLY_H

#include "bpf/probe.h"
#include "bpf/reply.h"

#ifndef __bpf__
#include <string.h>
#endif

enum {
  MATCH_VLAN_TAGS_MAX = 2,
  MATCH_ICMP_BYTES_MAX = 1480,
  MATCH_ETHERTYPE_IPV4 = 0x0800,
  MATCH_ETHERTYPE_VLAN = 0x8100,
  MATCH_ETHERTYPE_SERVICE_VLAN = 0x88a8,
  MATCH_PROTOCOL_ICMP = 1,
  MATCH_ICMP_ECHO_REPLY = 0,
  MATCH_ICMP_UNREACHABLE = 3,
  MATCH_ICMP_SOURCE_QUENCH = 4,
  MATCH_ICMP_REDIRECT = 5,
  MATCH_ICMP_ECHO_REQUEST = 8,
  MATCH_ICMP_TIME_EXCEEDED = 11,
  MATCH_ICMP_PARAMETER_PROBLEM = 12,
};

/* What a reply is matched against; fixed for the whole scan. */
struct match_config {
  struct probe_key key;
  __u32 source; /* host order: the address that our probes come from */
  __u32 unused;
};

/*
 * Loads that need no alignment. In BPF they are plain loads: the verifier allows unaligned ones
 * from a packet, and clang would break a packed struct into single bytes. User space may not do
 * that; its memcpy compiles to one move.
 */
#ifdef __bpf__
#define MATCH_LOAD(bits)                                   \
  PROBE_INLINE __u##bits match_load##bits(const __u8* p) { \
    return probe_wire##bits(*(const __u##bits*)p);         \
  }
#else
#define MATCH_LOAD(bits)                                   \
  PROBE_INLINE __u##bits match_load##bits(const __u8* p) { \
    __u##bits value;                                       \
    memcpy(&value, p, sizeof(value));                      \
    return probe_wire##bits(value);                        \
  }
#endif
MATCH_LOAD(16)
MATCH_LOAD(32)
MATCH_LOAD(64)

/*
 * Hides a value's history from the optimiser. Without it clang computes the checksum loop's trip
 * count from frame_end, and arithmetic on that pointer is what the verifier forbids.
 */
#define MATCH_OPAQUE(value) __asm__ volatile("" : "+r"(value))

/* A one's complement sum brought down to 16 bits (RFC 1071); 0xffff over a good checksum. */
PROBE_INLINE __u32 match_fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (__u32)sum;
}

/* The folded sum over `bytes` bytes from p, at most 8 * words_max + 7 of them. 0, which is over no
 * good checksum, when they pass frame_end. */
PROBE_INLINE __u32 match_sum(const __u8* p, const __u8* frame_end, __u32 bytes, int words_max) {
  __u64 sum = 0;
  for (int i = 0; i < words_max; ++i) {
    MATCH_OPAQUE(bytes);
    MATCH_OPAQUE(p);
    if (bytes < 8) break;
    if (p + 8 > frame_end) return 0;
    const __u64 word = match_load64(p);
    sum += (word & 0xffffffff) + (word >> 32);
    p += 8;
    bytes -= 8;
  }
  if (bytes >= 4) {
    if (p + 4 > frame_end) return 0;
    sum += match_load32(p);
    p += 4;
    bytes -= 4;
  }
  if (bytes >= 2) {
    if (p + 2 > frame_end) return 0;
    sum += match_load16(p);
    p += 2;
    bytes -= 2;
  }
  if (bytes == 1) {
    if (p + 1 > frame_end) return 0;
    sum += (__u32)*p << 8;
  }
  return match_fold(sum);
}

/* Where the IPv4 header starts, past at most two VLAN tags; 0 with *outcome set when there is none.
 */
PROBE_INLINE const __u8* match_ethernet(const __u8* frame, const __u8* frame_end,
                                        enum frame_outcome* outcome) {
  const __u8* p = frame + 12;
  for (int tags = 0; tags <= MATCH_VLAN_TAGS_MAX; ++tags) {
    if (p + 2 > frame_end) {
      *outcome = FRAME_SHORT;
      return 0;
    }
    const __u16 ethertype = match_load16(p);
    if (ethertype == MATCH_ETHERTYPE_IPV4) return p + 2;
    if (ethertype != MATCH_ETHERTYPE_VLAN && ethertype != MATCH_ETHERTYPE_SERVICE_VLAN) break;
    p += 4;
  }
  *outcome = FRAME_NOT_IPV4;
  return 0;
}

/* Whether messages of that ICMP type quote the datagram that they are about (RFC 792). */
PROBE_INLINE int match_is_error(__u8 icmp_type) {
  return icmp_type == MATCH_ICMP_UNREACHABLE || icmp_type == MATCH_ICMP_SOURCE_QUENCH ||
         icmp_type == MATCH_ICMP_REDIRECT || icmp_type == MATCH_ICMP_TIME_EXCEEDED ||
         icmp_type == MATCH_ICMP_PARAMETER_PROBLEM;
}

/*
 * Finds the echo request that an error quotes; 0 when it quotes none of ours. `icmp` and *bytes are
 * the error's, and *bytes becomes the length of what is quoted of the request. The quoted total
 * length, flags and checksums prove nothing and are not looked at: there are stacks that quote them
 * in their own byte order, or as they were before a router changed them.
 */
PROBE_INLINE const __u8* match_quote(const __u8* icmp, const __u8* frame_end,
                                     const struct match_config* config, __u32* bytes,
                                     struct reply* reply) {
  const __u8* ip = icmp + PROBE_ICMP_BYTES;
  if (*bytes < PROBE_ICMP_BYTES + PROBE_IPV4_BYTES || ip + PROBE_IPV4_BYTES > frame_end) return 0;
  const __u32 header_bytes = (__u32)(ip[0] & 0x0f) * 4;
  if (ip[0] >> 4 != 4 || header_bytes < PROBE_IPV4_BYTES || ip[9] != MATCH_PROTOCOL_ICMP ||
      match_load32(ip + 12) != config->source)
    return 0;
  const __u8* request = ip + header_bytes;
  if (*bytes < PROBE_ICMP_BYTES + header_bytes + PROBE_ICMP_BYTES ||
      request + PROBE_ICMP_BYTES > frame_end)
    return 0;
  if (request[0] != MATCH_ICMP_ECHO_REQUEST || request[1] != 0) return 0;
  *bytes -= PROBE_ICMP_BYTES + header_bytes;
  reply->target = match_load32(ip + 16);
  reply->quoted_ttl = ip[8];
  return request;
}

/*
 * Proves an echo message, received or quoted, by its cookie and its payload, and fills in what the
 * proof covers. `echo` has at least PROBE_ICMP_BYTES before frame_end. The caller has set
 * reply->target to the address whose cookie is expected.
 */
PROBE_INLINE enum frame_outcome match_proof(const __u8* echo, const __u8* frame_end,
                                            __u32 echo_bytes, const struct match_config* config,
                                            struct reply* reply) {
  const __u32 cookie = match_load32(echo + 4);
  const int is_targets = cookie == probe_cookie(&config->key, reply->target);
  const __u8* payload = echo + PROBE_ICMP_BYTES;

  reply->sent_ns = 0;
  reply->pass = 0;
  if (echo_bytes < PROBE_ICMP_BYTES + PROBE_PAYLOAD_BYTES ||
      payload + PROBE_PAYLOAD_BYTES > frame_end)
    return is_targets ? FRAME_REPLY_ALTERED : FRAME_UNPROVED;

  const __u64 sent_ns = match_load64(payload);
  const __u32 target = match_load32(payload + 8);
  const __u32 tag = match_load32(payload + 12);
  const __u8 pass = payload[16];
  const int is_version = payload[17] == PROBE_VERSION;
  const int is_proved = is_version && tag == probe_tag(&config->key, target, sent_ns, pass);
  if (is_targets) {
    if (!is_proved || target != reply->target) return FRAME_REPLY_ALTERED;
  } else if (!is_proved) {
    return is_version && target == reply->target ? FRAME_STALE : FRAME_UNPROVED;
  } else if (cookie != probe_cookie(&config->key, target)) {
    return FRAME_WRONG_TARGET;
  }
  reply->target = target;
  reply->sent_ns = sent_ns;
  reply->pass = pass;
  return is_targets ? FRAME_REPLY : FRAME_REPLY_OFF_TARGET;
}

/*
 * Proves a whole ICMP message. An error has to quote a probe of the target that the quoted header
 * names: a quote that is addressed to one target and proves another is unproved, though both may be
 * ours.
 */
PROBE_INLINE enum frame_outcome match_icmp(const __u8* icmp, const __u8* frame_end,
                                           __u32 icmp_bytes, const struct match_config* config,
                                           struct reply* reply) {
  const int is_error = match_is_error(icmp[0]);
  const __u8* echo = icmp;
  __u32 echo_bytes = icmp_bytes;
  reply->target = reply->responder;
  reply->quoted_ttl = 0;
  if (is_error) {
    echo = match_quote(icmp, frame_end, config, &echo_bytes, reply);
    if (!echo) return FRAME_ERROR_UNPROVED;
  } else if (icmp[0] != MATCH_ICMP_ECHO_REPLY || icmp[1] != 0) {
    return FRAME_OTHER_ICMP;
  }
  const enum frame_outcome outcome = match_proof(echo, frame_end, echo_bytes, config, reply);
  if (!is_error) return outcome;
  return outcome == FRAME_REPLY || outcome == FRAME_REPLY_ALTERED ? FRAME_ERROR
                                                                  : FRAME_ERROR_UNPROVED;
}

/*
 * Returns the frame's outcome. When that is a result, everything in *reply is set except
 * received_ns, which the caller sets; else *reply means nothing. Pure; any thread.
 */
PROBE_INLINE enum frame_outcome match_reply(const void* frame, const void* end,
                                            const struct match_config* config,
                                            struct reply* reply) {
  const __u8* frame_end = (const __u8*)end;
  enum frame_outcome outcome = FRAME_SHORT;
  const __u8* ip = match_ethernet((const __u8*)frame, frame_end, &outcome);
  if (!ip) return outcome;

  if (ip + PROBE_IPV4_BYTES > frame_end) return FRAME_SHORT;
  const __u32 ip_header_bytes = (__u32)(ip[0] & 0x0f) * 4;
  __u32 ip_bytes = match_load16(ip + 2);
  /* The verifier of Linux 6.1 forgets over a byte swap that 16 bits are at most 65535. */
  MATCH_OPAQUE(ip_bytes);
  ip_bytes &= 0xffff;
  if (ip[0] >> 4 != 4 || ip_header_bytes < PROBE_IPV4_BYTES || ip_bytes < ip_header_bytes)
    return FRAME_BAD_IPV4;
  if (ip + ip_bytes > frame_end) return FRAME_SHORT;
  if (ip[9] != MATCH_PROTOCOL_ICMP) return FRAME_NOT_ICMP;
  if (match_load32(ip + 16) != config->source) return FRAME_NOT_TO_US;
  if (match_load16(ip + 6) & 0x3fff) return FRAME_FRAGMENT;

  const __u32 icmp_bytes = ip_bytes - ip_header_bytes;
  const __u8* icmp = ip + ip_header_bytes;
  if (icmp_bytes < PROBE_ICMP_BYTES || icmp + PROBE_ICMP_BYTES > frame_end) return FRAME_SHORT;

  reply->responder = match_load32(ip + 12);
  reply->ttl = ip[8];
  reply->icmp_type = icmp[0];
  reply->icmp_code = icmp[1];
  reply->unused[0] = reply->unused[1] = 0;
  outcome = match_icmp(icmp, frame_end, icmp_bytes, config, reply);
  reply->outcome = (__u8)outcome;
  if (!outcome_is_result(outcome)) return outcome;

  if (icmp_bytes > MATCH_ICMP_BYTES_MAX) return FRAME_TOO_LONG;
  if (match_sum(ip, frame_end, ip_header_bytes, 7) != 0xffff) return FRAME_WRONG_IP_CHECKSUM;
  if (match_sum(icmp, frame_end, icmp_bytes, MATCH_ICMP_BYTES_MAX / 8) != 0xffff)
    return FRAME_WRONG_ICMP_CHECKSUM;
  return outcome;
}

#endif
