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

#ifdef __bpf__
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#else
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

/* The sum over some words of 8 bytes, not folded. */
WIRE_INLINE __u64 wire_sum_words(const __u8* p, __u32 bytes) {
  __u64 sum = 0;
  for (__u32 i = 0; i < bytes; i += 8) {
    const __u64 word = wire_load64(p + i);
    sum += (word & 0xffffffff) + (word >> 32);
  }
  return sum;
}

/*
 * The same by the kernel, of 512 bytes at most: by a helper that XDP has had since Linux 4.6. It
 * sums in the host's byte order, which in one's complement is the other one with its two bytes
 * exchanged.
 */
WIRE_INLINE __u64 wire_sum_many(const __u8* p, __u32 bytes) {
#ifdef __bpf__
  return wire_order16((__u16)wire_fold((__u32)bpf_csum_diff(0, 0, (__be32*)p, bytes, 0)));
#else
  return wire_sum_words(p, bytes);
#endif
}

/* The sum over a block of a known number of bytes, a power of two up to 1024, not folded. */
WIRE_INLINE __u64 wire_sum_block(const __u8* p, __u32 bytes) {
  if (bytes == 1) return (__u32)*p << 8;
  if (bytes == 2) return wire_load16(p);
  if (bytes == 4) return wire_load32(p);
  if (bytes <= 32) return wire_sum_words(p, bytes);
  if (bytes <= 512) return wire_sum_many(p, bytes);
  return wire_sum_many(p, 512) + wire_sum_many(p + 512, 512);
}

/*
 * Adds the block of that size, if there is one: behind all larger ones, of which none is left out
 * or comes twice, so that its place and whether it is there are bits of `bytes`.
 */
#define WIRE_ADD_BLOCK(block_bytes)                       \
  do {                                                    \
    __u32 offset = bytes & ~(2 * (__u32)(block_bytes)-1); \
    WIRE_OPAQUE(offset);                                  \
    if (bytes & (block_bytes)) {                          \
      const __u8* block = p + (offset & 2047);            \
      if (block + (block_bytes) > frame_end) return 0;    \
      sum += wire_sum_block(block, (block_bytes));        \
    }                                                     \
  } while (0)

/*
 * The folded sum over `bytes` bytes from p, 2 at least and less than 2048. 0, which is over no good
 * checksum, when they pass frame_end. The verifier walks each turn of a loop and each way through
 * it, unless what is left to do depends on none of them: a loop over words took it 324,000
 * instructions and 0.2 s at each start, and so did blocks behind a pointer that goes on. It has to
 * take `sum` for any number, too: so it begins with what is in the frame, not with 0.
 */
WIRE_INLINE __u32 wire_sum(const __u8* p, const __u8* frame_end, __u32 bytes) {
  if (bytes < 2 || p + 2 > frame_end) return 0;
  __u64 sum = wire_load16(p);
  p += 2;
  bytes -= 2;
  WIRE_OPAQUE(bytes);
  WIRE_ADD_BLOCK(1024);
  WIRE_ADD_BLOCK(512);
  WIRE_ADD_BLOCK(256);
  WIRE_ADD_BLOCK(128);
  WIRE_ADD_BLOCK(64);
  WIRE_ADD_BLOCK(32);
  WIRE_ADD_BLOCK(16);
  WIRE_ADD_BLOCK(8);
  WIRE_ADD_BLOCK(4);
  WIRE_ADD_BLOCK(2);
  WIRE_ADD_BLOCK(1);
  return wire_fold(sum);
}

#endif
