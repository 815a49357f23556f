/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The probe: what one ICMP echo request of ours carries, and the keyed proof in it.
 *
 * One C header for the XDP program and for user space, so that both run the same algorithm. The
 * identifier and sequence number are 32 bits of SipHash-2-4 over the target: an ICMP error that
 * quotes no more than the 8 bytes that RFC 792 demands still proves that we asked. The tag in the
 * payload is 32 bits over target, send time and pass: it authenticates the round-trip time and the
 * target even when another address answers. Rejected: AES (61 ns without AES-NI, and BPF has no
 * instruction for it), and a plain hash keyed by the seed (a published seed would let anyone forge
 * replies). The whole frame is 60 bytes, 64 on the wire with the FCS: the smallest that Ethernet
 * carries. A scan may put more behind the payload, which proves nothing and is the same in all.
 */
#ifndef ECHOSCAN_BPF_PROBE_H
#define ECHOSCAN_BPF_PROBE_H

#include <linux/types.h>

#include "bpf/wire.h"

enum {
  PROBE_VERSION = 1,
  PROBE_ETHERNET_BYTES = 14,
  PROBE_IPV4_BYTES = 20,
  PROBE_ICMP_BYTES = 8,
  PROBE_PAYLOAD_BYTES = 18,
  PROBE_FRAME_BYTES =
      PROBE_ETHERNET_BYTES + PROBE_IPV4_BYTES + PROBE_ICMP_BYTES + PROBE_PAYLOAD_BYTES,
};

/* Two independent SipHash keys, random for each scan. */
struct probe_key {
  __u64 cookie[2];
  __u64 tag[2];
};

/* The 18 bytes behind the ICMP header, in network byte order as on the wire. */
struct probe_payload {
  __be64 sent_ns; /* CLOCK_MONOTONIC of the scan */
  __be32 target;
  __be32 tag;
  __u8 pass;
  __u8 version;
} __attribute__((packed));

/* Where the fields stand: header fields from the frame's beginning, payload fields from the
 * payload's.
 */
enum {
  PROBE_IP_OFFSET = +PROBE_ETHERNET_BYTES, /* an int: C++ does not add enumerators of two enums */
  PROBE_IP_CHECKSUM_OFFSET = PROBE_IP_OFFSET + WIRE_IP_CHECKSUM_OFFSET,
  PROBE_IP_DESTINATION_OFFSET = PROBE_IP_OFFSET + WIRE_IP_DESTINATION_OFFSET,
  PROBE_ICMP_OFFSET = PROBE_IP_OFFSET + PROBE_IPV4_BYTES,
  PROBE_ICMP_CHECKSUM_OFFSET = PROBE_ICMP_OFFSET + WIRE_ICMP_CHECKSUM_OFFSET,
  PROBE_COOKIE_OFFSET = PROBE_ICMP_OFFSET + WIRE_ICMP_ECHO_ID_OFFSET,
  PROBE_PAYLOAD_OFFSET = PROBE_ICMP_OFFSET + PROBE_ICMP_BYTES,

  PROBE_SENT_NS_OFFSET = __builtin_offsetof(struct probe_payload, sent_ns),
  PROBE_TARGET_OFFSET = __builtin_offsetof(struct probe_payload, target),
  PROBE_TAG_OFFSET = __builtin_offsetof(struct probe_payload, tag),
  PROBE_PASS_OFFSET = __builtin_offsetof(struct probe_payload, pass),
  PROBE_VERSION_OFFSET = __builtin_offsetof(struct probe_payload, version),
};

WIRE_INLINE __u64 siphash_rotate(__u64 value, unsigned int bits) {
  return (value << bits) | (value >> (64 - bits));
}

WIRE_INLINE void siphash_round(__u64 v[4]) {
  v[0] += v[1];
  v[1] = siphash_rotate(v[1], 13) ^ v[0];
  v[0] = siphash_rotate(v[0], 32);
  v[2] += v[3];
  v[3] = siphash_rotate(v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = siphash_rotate(v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = siphash_rotate(v[1], 17) ^ v[2];
  v[2] = siphash_rotate(v[2], 32);
}

/*
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), in three steps, of
 * a message that the caller has already cut into little-endian words; the last word's top byte is
 * the message's length.
 */
WIRE_INLINE void siphash_begin(__u64 v[4], const __u64 key[2]) {
  v[0] = key[0] ^ 0x736f6d6570736575ULL;
  v[1] = key[1] ^ 0x646f72616e646f6dULL;
  v[2] = key[0] ^ 0x6c7967656e657261ULL;
  v[3] = key[1] ^ 0x7465646279746573ULL;
}

WIRE_INLINE void siphash_absorb(__u64 v[4], __u64 word) {
  v[3] ^= word;
  siphash_round(v);
  siphash_round(v);
  v[0] ^= word;
}

WIRE_INLINE __u64 siphash_end(__u64 v[4]) {
  v[2] ^= 0xff;
  siphash_round(v);
  siphash_round(v);
  siphash_round(v);
  siphash_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

WIRE_INLINE __u64 siphash24(const __u64 key[2], const __u64* words, int word_count) {
  __u64 v[4];
  siphash_begin(v, key);
  for (int i = 0; i < word_count; ++i) siphash_absorb(v, words[i]);
  return siphash_end(v);
}

/*
 * The cookie of a target (host order): its upper 16 bits are the echo's identifier, its lower 16
 * the sequence number. The message is the 4 bytes of the address as they stand on the wire.
 */
WIRE_INLINE __u32 probe_cookie(const struct probe_key* key, __u32 target) {
  const __u64 word = (__u64)__builtin_bswap32(target) | (4ULL << 56);
  return (__u32)siphash24(key->cookie, &word, 1);
}

/*
 * The cookie of a probe from one of several sources (host order): it proves the source, too, so
 * that a reply that comes to another one of them is not a proof, and nobody needs the list of them.
 * An address is no secret, and the hash stays one.
 */
WIRE_INLINE __u32 probe_cookie_from(const struct probe_key* key, __u32 target, __u32 source) {
  return probe_cookie(key, target) ^ source;
}

/*
 * The payload's tag. The message is send time (8 bytes), target (4), pass (1), in wire order. The
 * time comes first, since frames that leave together share it, and with it a quarter of the hash:
 * the state after the time is kept here for them.
 */
struct half_tag {
  __u64 v[4];
};

WIRE_INLINE struct half_tag probe_tag_begin(const struct probe_key* key, __u64 sent_ns) {
  struct half_tag half;
  siphash_begin(half.v, key->tag);
  siphash_absorb(half.v, __builtin_bswap64(sent_ns));
  return half;
}

WIRE_INLINE __u32 probe_tag_end(const struct half_tag* half, __u32 target, __u8 pass) {
  __u64 v[4] = {half->v[0], half->v[1], half->v[2], half->v[3]};
  siphash_absorb(v, (__u64)__builtin_bswap32(target) | ((__u64)pass << 32) | (13ULL << 56));
  return (__u32)siphash_end(v);
}

WIRE_INLINE __u32 probe_tag(const struct probe_key* key, __u32 target, __u64 sent_ns, __u8 pass) {
  const struct half_tag half = probe_tag_begin(key, sent_ns);
  return probe_tag_end(&half, target, pass);
}

/*
 * The sum of a probe's ICMP message, before its carries are folded in. The checksum covers no
 * addresses (RFC 792), and adding a 32-bit word is as good as adding its two halves. The types are
 * those of 64-bit vector lanes, which are summed by this too. `padding_sum` is that of what follows
 * the payload.
 */
WIRE_INLINE __u64 probe_icmp_sum(__u64 cookie, __u64 sent_ns, __u64 target, __u64 tag, __u64 pass,
                                 __u64 padding_sum) {
  const __u64 common = ((__u64)WIRE_ICMP_ECHO_REQUEST << 8) + (sent_ns >> 32) +
                       (sent_ns & 0xffffffff) + PROBE_VERSION + padding_sum;
  return common + cookie + target + tag + (pass << 8);
}

/* What is the same in all probes of a scan, as sums of 16-bit words (RFC 1071). */
struct probe_sums {
  __u32 ip;      /* of the IPv4 header without destination and checksum, of a pool without source */
  __u32 padding; /* of what follows the payload in the ICMP message */
};

/*
 * Makes a frame the probe of `target` (host order), by writing what differs from one probe to the
 * next. `frame` already holds any probe of the scan, `half` is the tag's of `sent_ns`, `cookie` the
 * target's and `ip_checksum` that of its header.
 */
WIRE_INLINE void probe_write_with(__u8* frame, const struct half_tag* half, __u32 cookie,
                                  __u16 ip_checksum, __u32 padding_sum, __u32 target, __u8 pass,
                                  __u64 sent_ns) {
  const __u32 tag = probe_tag_end(half, target, pass);
  __u8* payload = frame + PROBE_PAYLOAD_OFFSET;
  wire_store16(frame + PROBE_IP_CHECKSUM_OFFSET, ip_checksum);
  wire_store32(frame + PROBE_IP_DESTINATION_OFFSET, target);
  wire_store16(frame + PROBE_ICMP_CHECKSUM_OFFSET,
               wire_checksum(probe_icmp_sum(cookie, sent_ns, target, tag, pass, padding_sum)));
  wire_store32(frame + PROBE_COOKIE_OFFSET, cookie);
  wire_store64(payload + PROBE_SENT_NS_OFFSET, sent_ns);
  wire_store32(payload + PROBE_TARGET_OFFSET, target);
  wire_store32(payload + PROBE_TAG_OFFSET, tag);
  payload[PROBE_PASS_OFFSET] = pass;
  payload[PROBE_VERSION_OFFSET] = PROBE_VERSION;
}

/* The same where all probes come from one source. */
WIRE_INLINE void probe_write(__u8* frame, const struct probe_key* key,
                             const struct probe_sums* sums, __u32 target, __u8 pass,
                             __u64 sent_ns) {
  const struct half_tag half = probe_tag_begin(key, sent_ns);
  probe_write_with(frame, &half, probe_cookie(key, target), wire_checksum(sums->ip + (__u64)target),
                   sums->padding, target, pass, sent_ns);
}

#ifdef __cplusplus
#define PROBE_STATIC_ASSERT static_assert
#else
#define PROBE_STATIC_ASSERT _Static_assert
#endif

PROBE_STATIC_ASSERT(sizeof(struct probe_payload) == PROBE_PAYLOAD_BYTES, "payload is 18 bytes");
PROBE_STATIC_ASSERT(sizeof(struct probe_key) == 32, "two 128-bit keys");
PROBE_STATIC_ASSERT(PROBE_FRAME_BYTES == 60, "the smallest Ethernet frame, FCS not counted");

#endif
