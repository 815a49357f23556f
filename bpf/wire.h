/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The wire: byte order, loads and stores at any alignment, the Internet checksum, and where the
 * fields of Ethernet, IPv4 and ICMP headers stand.
 *
 * Everything that reads or writes a frame uses it, in the kernel and in user space, so that an
 * offset or a checksum is written once for both compilers. Rejected: the system's own headers
 * (linux/ip.h, netinet/ip_icmp.h), which exclude each other, differ between the two sides, and have
 * structs that demand an alignment that a packet does not have.
 */
#ifndef ECHOSCAN_BPF_WIRE_H
#define ECHOSCAN_BPF_WIRE_H

#include <linux/types.h>

#ifndef __bpf__
#include <string.h>
#endif

/* Inlined by force: a BPF call has a stack and a cost of its own. */
#define WIRE_INLINE static inline __attribute__((always_inline))

enum {
  /* In an Ethernet header without tags. */
  WIRE_ETHERTYPE_OFFSET = 12,
  WIRE_ETHERTYPE_IPV4 = 0x0800,
  WIRE_ETHERTYPE_VLAN = 0x8100,
  WIRE_ETHERTYPE_SERVICE_VLAN = 0x88a8,
  WIRE_ETHERTYPE_LOCAL_EXPERIMENT = 0x88b5, /* IEEE 802 sets it aside */

  /* In an IPv4 header (RFC 791). */
  WIRE_IP_LENGTH_OFFSET = 2,
  WIRE_IP_FRAGMENT_OFFSET = 6,
  WIRE_IP_TTL_OFFSET = 8,
  WIRE_IP_PROTOCOL_OFFSET = 9,
  WIRE_IP_CHECKSUM_OFFSET = 10,
  WIRE_IP_SOURCE_OFFSET = 12,
  WIRE_IP_DESTINATION_OFFSET = 16,
  WIRE_PROTOCOL_ICMP = 1,

  /* In an ICMP message (RFC 792); identifier and sequence number of an echo. */
  WIRE_ICMP_CHECKSUM_OFFSET = 2,
  WIRE_ICMP_ECHO_ID_OFFSET = 4,
  WIRE_ICMP_ECHO_REPLY = 0,
  WIRE_ICMP_UNREACHABLE = 3,
  WIRE_ICMP_SOURCE_QUENCH = 4,
  WIRE_ICMP_REDIRECT = 5,
  WIRE_ICMP_ECHO_REQUEST = 8,
  WIRE_ICMP_TIME_EXCEEDED = 11,
  WIRE_ICMP_PARAMETER_PROBLEM = 12,
};

/* Between host and network byte order; the same function both ways. */
WIRE_INLINE __u16 wire_order16(__u16 value) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return __builtin_bswap16(value);
#else
  return value;
#endif
}

WIRE_INLINE __u32 wire_order32(__u32 value) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return __builtin_bswap32(value);
#else
  return value;
#endif
}

WIRE_INLINE __u64 wire_order64(__u64 value) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return __builtin_bswap64(value);
#else
  return value;
#endif
}

/*
 * Loads and stores of network order that need no alignment. In BPF they are plain ones: the
 * verifier allows unaligned access to a packet, and clang would break a packed struct into single
 * bytes. User space may not do that; its memcpy compiles to one move.
 */
#ifdef __bpf__
#define WIRE_ACCESS(bits)                                       \
  WIRE_INLINE __u##bits wire_load##bits(const __u8* p) {        \
    return wire_order##bits(*(const __u##bits*)p);              \
  }                                                             \
  WIRE_INLINE void wire_store##bits(__u8* p, __u##bits value) { \
    *(__u##bits*)p = wire_order##bits(value);                   \
  }
#else
#define WIRE_ACCESS(bits)                                       \
  WIRE_INLINE __u##bits wire_load##bits(const __u8* p) {        \
    __u##bits value;                                            \
    memcpy(&value, p, sizeof(value));                           \
    return wire_order##bits(value);                             \
  }                                                             \
  WIRE_INLINE void wire_store##bits(__u8* p, __u##bits value) { \
    value = wire_order##bits(value);                            \
    memcpy(p, &value, sizeof(value));                           \
  }
#endif
WIRE_ACCESS(16)
WIRE_ACCESS(32)
WIRE_ACCESS(64)

/*
 * Hides a value's history from the optimiser. Without it clang computes the checksum loop's trip
 * count from frame_end, and arithmetic on that pointer is what the verifier forbids.
 */
#define WIRE_OPAQUE(value) __asm__ volatile("" : "+r"(value))

/* A one's complement sum brought down to 16 bits (RFC 1071); 0xffff over a good checksum. */
WIRE_INLINE __u32 wire_fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (__u32)sum;
}

/* The checksum of a header whose other fields have this sum. */
WIRE_INLINE __u16 wire_checksum(__u64 sum) {
  return (__u16)~wire_fold(sum);
}

/* The folded sum over `bytes` bytes from p, at most 8 * words_max + 7 of them. 0, which is over no
 * good checksum, when they pass frame_end. */
WIRE_INLINE __u32 wire_sum(const __u8* p, const __u8* frame_end, __u32 bytes, int words_max) {
  __u64 sum = 0;
  for (int i = 0; i < words_max; ++i) {
    WIRE_OPAQUE(bytes);
    WIRE_OPAQUE(p);
    if (bytes < 8) break;
    if (p + 8 > frame_end) return 0;
    const __u64 word = wire_load64(p);
    sum += (word & 0xffffffff) + (word >> 32);
    p += 8;
    bytes -= 8;
  }
  if (bytes >= 4) {
    if (p + 4 > frame_end) return 0;
    sum += wire_load32(p);
    p += 4;
    bytes -= 4;
  }
  if (bytes >= 2) {
    if (p + 2 > frame_end) return 0;
    sum += wire_load16(p);
    p += 2;
    bytes -= 2;
  }
  if (bytes == 1) {
    if (p + 1 > frame_end) return 0;
    sum += (__u32)*p << 8;
  }
  return wire_fold(sum);
}

#endif
