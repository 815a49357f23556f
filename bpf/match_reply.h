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
#include "bpf/wire.h"

enum {
  MATCH_VLAN_TAGS_MAX = 2,
  MATCH_ICMP_BYTES_MAX = 1480,
};

/* What a reply is matched against; fixed for the whole scan. */
struct match_config {
  struct probe_key key;
  __u32 source; /* host order: the address that our probes come from; 0 when each way has its own */
  /* How far beyond it the pool of sources reaches; 0: there is none. In between there may be
   * addresses that are not the pool's: only a probe's own source goes with its cookie. */
  __u32 source_span;
};

/* Finds the IPv4 header, behind at most two VLAN tags; 0 with *outcome set when there is none.
 */
WIRE_INLINE const __u8* match_ethernet(const __u8* frame, const __u8* frame_end,
                                       enum frame_outcome* outcome) {
  const __u8* p = frame + WIRE_ETHERTYPE_OFFSET;
  for (int tags = 0; tags <= MATCH_VLAN_TAGS_MAX; ++tags) {
    if (p + 2 > frame_end) {
      *outcome = FRAME_SHORT;
      return 0;
    }
    const __u16 ethertype = wire_load16(p);
    if (ethertype == WIRE_ETHERTYPE_IPV4) return p + 2;
    if (ethertype != WIRE_ETHERTYPE_VLAN && ethertype != WIRE_ETHERTYPE_SERVICE_VLAN) break;
    p += 4;
  }
  *outcome = FRAME_NOT_IPV4;
  return 0;
}

/* Whether messages of that ICMP type quote the datagram that they are about (RFC 792). */
WIRE_INLINE int match_is_error(__u8 icmp_type) {
  return icmp_type == WIRE_ICMP_UNREACHABLE || icmp_type == WIRE_ICMP_SOURCE_QUENCH ||
         icmp_type == WIRE_ICMP_REDIRECT || icmp_type == WIRE_ICMP_TIME_EXCEEDED ||
         icmp_type == WIRE_ICMP_PARAMETER_PROBLEM;
}

/*
 * Finds the echo request that an error to `source` quotes; 0 when it quotes none of ours from
 * there. `icmp` and *bytes are the error's, and *bytes becomes the length of what is quoted of the
 * request. The quoted total length, flags and checksums prove nothing and are not looked at: there
 * are stacks that quote them in their own byte order, or as they were before a router changed them.
 */
WIRE_INLINE const __u8* match_quote(const __u8* icmp, const __u8* frame_end,
                                    const struct match_config* config, __u32 source, __u32* bytes,
                                    struct reply* reply) {
  const __u8* ip = icmp + PROBE_ICMP_BYTES;
  if (*bytes < PROBE_ICMP_BYTES + PROBE_IPV4_BYTES || ip + PROBE_IPV4_BYTES > frame_end) return 0;
  const __u32 header_bytes = (__u32)(ip[0] & 0x0f) * 4;
  if (ip[0] >> 4 != 4 || header_bytes < PROBE_IPV4_BYTES ||
      ip[WIRE_IP_PROTOCOL_OFFSET] != WIRE_PROTOCOL_ICMP ||
      (config->source != 0 && wire_load32(ip + WIRE_IP_SOURCE_OFFSET) != source))
    return 0;
  const __u8* request = ip + header_bytes;
  if (*bytes < PROBE_ICMP_BYTES + header_bytes + PROBE_ICMP_BYTES ||
      request + PROBE_ICMP_BYTES > frame_end)
    return 0;
  if (request[0] != WIRE_ICMP_ECHO_REQUEST || request[1] != 0) return 0;
  *bytes -= PROBE_ICMP_BYTES + header_bytes;
  reply->target = wire_load32(ip + WIRE_IP_DESTINATION_OFFSET);
  reply->quoted_ttl = ip[WIRE_IP_TTL_OFFSET];
  return request;
}

/*
 * Proves an echo message, received or quoted, by its cookie and its payload, and fills in what the
 * proof covers. `echo` has at least PROBE_ICMP_BYTES before frame_end. The caller has set
 * reply->target to the address whose cookie is expected. `source` is the address of ours that the
 * message came to.
 */
WIRE_INLINE enum frame_outcome match_proof(const __u8* echo, const __u8* frame_end,
                                           __u32 echo_bytes, const struct match_config* config,
                                           __u32 source, struct reply* reply) {
  /* Of a pool the probe's own source stands in it (probe_cookie_from). */
  const __u32 cookie =
      wire_load32(echo + WIRE_ICMP_ECHO_ID_OFFSET) ^ (config->source_span ? source : 0);
  const int is_targets = cookie == probe_cookie(&config->key, reply->target);
  const __u8* payload = echo + PROBE_ICMP_BYTES;

  reply->sent_ns = 0;
  reply->pass = 0;
  if (echo_bytes < PROBE_ICMP_BYTES + PROBE_PAYLOAD_BYTES ||
      payload + PROBE_PAYLOAD_BYTES > frame_end)
    return is_targets ? FRAME_REPLY_ALTERED : FRAME_UNPROVED;

  const __u64 sent_ns = wire_load64(payload + PROBE_SENT_NS_OFFSET);
  const __u32 target = wire_load32(payload + PROBE_TARGET_OFFSET);
  const __u32 tag = wire_load32(payload + PROBE_TAG_OFFSET);
  const __u8 pass = payload[PROBE_PASS_OFFSET];
  const int is_version = payload[PROBE_VERSION_OFFSET] == PROBE_VERSION;
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
WIRE_INLINE enum frame_outcome match_icmp(const __u8* icmp, const __u8* frame_end, __u32 icmp_bytes,
                                          const struct match_config* config, __u32 source,
                                          struct reply* reply) {
  const int is_error = match_is_error(icmp[0]);
  const __u8* echo = icmp;
  __u32 echo_bytes = icmp_bytes;
  reply->target = reply->responder;
  reply->quoted_ttl = 0;
  if (is_error) {
    echo = match_quote(icmp, frame_end, config, source, &echo_bytes, reply);
    if (!echo) return FRAME_ERROR_UNPROVED;
  } else if (icmp[0] != WIRE_ICMP_ECHO_REPLY || icmp[1] != 0) {
    return FRAME_OTHER_ICMP;
  }
  const enum frame_outcome outcome =
      match_proof(echo, frame_end, echo_bytes, config, source, reply);
  if (!is_error) return outcome;
  return outcome == FRAME_REPLY || outcome == FRAME_REPLY_ALTERED ? FRAME_ERROR
                                                                  : FRAME_ERROR_UNPROVED;
}

/*
 * Returns the frame's outcome. When that is a result, everything in *reply is set except
 * received_ns, which the caller sets; else *reply means nothing. Pure; any thread.
 */
WIRE_INLINE enum frame_outcome match_reply(const void* frame, const void* end,
                                           const struct match_config* config, struct reply* reply) {
  const __u8* frame_end = (const __u8*)end;
  enum frame_outcome outcome = FRAME_SHORT;
  const __u8* ip = match_ethernet((const __u8*)frame, frame_end, &outcome);
  if (!ip) return outcome;

  if (ip + PROBE_IPV4_BYTES > frame_end) return FRAME_SHORT;
  const __u32 ip_header_bytes = (__u32)(ip[0] & 0x0f) * 4;
  __u32 ip_bytes = wire_load16(ip + WIRE_IP_LENGTH_OFFSET);
  /* The verifier of Linux 6.1 forgets over a byte swap that 16 bits are at most 65535. */
  WIRE_OPAQUE(ip_bytes);
  ip_bytes &= 0xffff;
  if (ip[0] >> 4 != 4 || ip_header_bytes < PROBE_IPV4_BYTES || ip_bytes < ip_header_bytes)
    return FRAME_BAD_IPV4;
  if (ip + ip_bytes > frame_end) return FRAME_SHORT;
  if (ip[WIRE_IP_PROTOCOL_OFFSET] != WIRE_PROTOCOL_ICMP) return FRAME_NOT_ICMP;
  const __u32 source = wire_load32(ip + WIRE_IP_DESTINATION_OFFSET);
  if (config->source != 0 && source - config->source > config->source_span) return FRAME_NOT_TO_US;
  if (wire_load16(ip + WIRE_IP_FRAGMENT_OFFSET) & 0x3fff) return FRAME_FRAGMENT;

  const __u32 icmp_bytes = ip_bytes - ip_header_bytes;
  const __u8* icmp = ip + ip_header_bytes;
  if (icmp_bytes < PROBE_ICMP_BYTES || icmp + PROBE_ICMP_BYTES > frame_end) return FRAME_SHORT;

  reply->responder = wire_load32(ip + WIRE_IP_SOURCE_OFFSET);
  reply->ttl = ip[WIRE_IP_TTL_OFFSET];
  reply->icmp_type = icmp[0];
  reply->icmp_code = icmp[1];
  reply->arrival = reply->unused = 0;
  outcome = match_icmp(icmp, frame_end, icmp_bytes, config, source, reply);
  reply->outcome = (__u8)outcome;
  if (!outcome_is_result(outcome)) return outcome;

  if (icmp_bytes > MATCH_ICMP_BYTES_MAX) return FRAME_TOO_LONG;
  if (wire_sum(ip, frame_end, ip_header_bytes) != 0xffff) return FRAME_WRONG_IP_CHECKSUM;
  if (wire_sum(icmp, frame_end, icmp_bytes) != 0xffff) return FRAME_WRONG_ICMP_CHECKSUM;
  return outcome;
}

#endif
