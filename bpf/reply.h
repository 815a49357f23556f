/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The reply: the record that the kernel side hands to user space for each proved reply and each
 * proved ICMP error, and the outcomes that a received frame can have.
 *
 * Every frame that is looked at ends in exactly one outcome, and the outcomes are counted; their
 * sum is the number of frames seen, which the summary asserts. One list (FRAME_OUTCOMES) gives the
 * enum, the array of counters and the names in the summary, so that the three cannot drift apart.
 * Records are 32 bytes, 40 in a BPF ring with its header: 104,857 of them in a 4 MiB ring, a tenth
 * of a second at 1 M replies a second.
 */
#ifndef ECHOSCAN_BPF_REPLY_H
#define ECHOSCAN_BPF_REPLY_H

#include <linux/types.h>

#include "bpf/probe.h"

/* X(enumerator, name in the summary, what it means) */
#define FRAME_OUTCOMES(X)                                                                         \
  X(FRAME_REPLY, "reply", "echo reply, proved by id/seq and by the payload's tag")                \
  X(FRAME_REPLY_ALTERED, "reply_altered", "echo reply, proved by id/seq, payload cut or changed") \
  X(FRAME_REPLY_OFF_TARGET, "reply_off_target", "echo reply from another address, proved by tag") \
  X(FRAME_ERROR, "error", "ICMP error that quotes a probe of ours, proved by the quoted id/seq")  \
  X(FRAME_RING_FULL, "ring_full", "proved, but found no room in the ring: lost by us")            \
  X(FRAME_SHORT, "short", "ends inside its Ethernet, IPv4 or ICMP header")                        \
  X(FRAME_NOT_IPV4, "not_ipv4", "ARP, IPv6 and whatever else is not IPv4")                        \
  X(FRAME_BAD_IPV4, "bad_ipv4", "IPv4 header that contradicts itself")                            \
  X(FRAME_NOT_ICMP, "not_icmp", "TCP, UDP and the like")                                          \
  X(FRAME_NOT_TO_US, "not_to_us", "ICMP to another address than those our probes come from")      \
  X(FRAME_FRAGMENT, "fragment", "a fragment; our replies are never fragmented")                   \
  X(FRAME_OTHER_ICMP, "other_icmp", "ICMP that is neither echo reply nor error")                  \
  X(FRAME_UNPROVED, "unproved", "echo reply that does not prove that we asked for it")            \
  X(FRAME_STALE, "stale",                                                                         \
    "echo reply like one to a probe of ours, not by our key: old, or forged")                     \
  X(FRAME_WRONG_TARGET, "wrong_target",                                                           \
    "echo reply with a proved payload under a wrong id/seq, or to a wrong source of the pool")    \
  X(FRAME_ERROR_UNPROVED, "error_unproved", "ICMP error that does not quote a probe of ours")     \
  X(FRAME_WRONG_IP_CHECKSUM, "wrong_ip_checksum", "proved, but the IPv4 header is damaged")       \
  X(FRAME_WRONG_ICMP_CHECKSUM, "wrong_icmp_checksum", "proved, but the ICMP message is damaged")  \
  X(FRAME_TOO_LONG, "too_long", "proved, but longer than any reply to a probe of ours")

enum frame_outcome {
#define FRAME_ENUMERATOR(enumerator, name, meaning) enumerator,
  FRAME_OUTCOMES(FRAME_ENUMERATOR)
#undef FRAME_ENUMERATOR
      FRAME_OUTCOME_COUNT
};

/* Whether an outcome is a result, that is, whether its record goes to user space. */
WIRE_INLINE int outcome_is_result(enum frame_outcome outcome) {
  return outcome == FRAME_REPLY || outcome == FRAME_REPLY_ALTERED ||
         outcome == FRAME_REPLY_OFF_TARGET || outcome == FRAME_ERROR;
}

/* Whether a frame of that outcome may be an echo reply that the kernel counts, if it is left to it.
 * What is damaged the kernel does not count; a fragment is one part of what it may. */
WIRE_INLINE int outcome_may_be_echo_reply(enum frame_outcome outcome) {
  return outcome == FRAME_REPLY || outcome == FRAME_REPLY_ALTERED ||
         outcome == FRAME_REPLY_OFF_TARGET || outcome == FRAME_NOT_TO_US ||
         outcome == FRAME_FRAGMENT || outcome == FRAME_UNPROVED || outcome == FRAME_STALE ||
         outcome == FRAME_WRONG_TARGET || outcome == FRAME_TOO_LONG;
}

/* Counted by each CPU (XDP) or by the one receiver (AF_PACKET); summed by user space. */
struct frame_counters {
  __u64 seen;
  __u64 outcome[FRAME_OUTCOME_COUNT];
};

/* One CPU's in the map of the XDP program: no other CPU writes into its cache lines. */
struct cpu_frame_counters {
  struct frame_counters counters;
} __attribute__((aligned(64)));

/* Addresses in host byte order: the frame's edge is behind us. */
struct reply {
  __u64 received_ns; /* CLOCK_MONOTONIC: the host's in a BPF ring, then the scan's */
  __u64 sent_ns;     /* from the authenticated payload; 0 when the tag did not prove it */
  __u32 target;      /* in an error, whom the quoted probe went to */
  __u32 responder;   /* whose address the message came from */
  __u8 ttl;
  __u8 icmp_type;
  __u8 icmp_code;
  __u8 pass;
  __u8 outcome;    /* enum frame_outcome: one that is a result */
  __u8 quoted_ttl; /* of the probe, as an error quotes it; else 0 */
  __u8 arrival;    /* which of several interfaces it came in by; 0 unless user space says so */
  __u8 unused;
};

PROBE_STATIC_ASSERT(sizeof(struct cpu_frame_counters) % 64 == 0, "whole cache lines");
PROBE_STATIC_ASSERT(sizeof(struct reply) == 32, "record size is part of the ring's budget");
PROBE_STATIC_ASSERT(__builtin_offsetof(struct reply, target) == 16, "no hidden padding");
PROBE_STATIC_ASSERT(__builtin_offsetof(struct reply, outcome) == 28, "no hidden padding");

#endif
