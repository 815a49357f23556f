/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What user space and the in-kernel sender share: one queue's ring of targets, its pacer and its
 * counters, in the memory of a BPF array that both have mapped.
 *
 * One producer, one consumer. A ring entry is two 64-bit words with a lap number in each, so that
 * the words say whether they are new: BPF has no load-acquire before Linux 6.15, and a tail read
 * without one would be right on x86 only. The producer learns by `head` what it may overwrite; the
 * program stores it behind a branch on the words that it has read, an order that every processor
 * keeps. A queue is one element of the array and fills whole pages, so that elements need no
 * padding and no two CPUs write to one cache line. The producer keeps some 24,000 targets in the
 * ring, which last 24 ms at 1 Mpps; when it gets no CPU for longer, that costs speed, never a
 * probe.
 */
#ifndef ECHOSCAN_BPF_LIVE_QUEUE_H
#define ECHOSCAN_BPF_LIVE_QUEUE_H

#include <linux/types.h>

#include "bpf/probe.h"

enum {
  LIVE_RING_TARGETS = 32768,
  /* Runs between two flushes and pages in the kernel's pool; it allows no more. */
  LIVE_BATCH = 256,
  /* The kernel flushes bulks of 16; there is room for four. */
  LIVE_BULK_MAX = 64,
  /* Runs between two looks at the clock and at the rings of replies, while each sends: as many as
   * the kernel puts into one bulk, which leaves together. */
  LIVE_LOOK_RUNS = 16,
  LIVE_NO_DEVICE = 19, /* ENODEV, whose header BPF does not have */
  LIVE_TICKS_PER_NS = 64,
  LIVE_NEXT_HOPS = 64,
  LIVE_PAGE_BYTES = 4096,
  LIVE_FRAME_BYTES_MAX = 1514,
  LIVE_CONFIG_FRAME_BYTES = 1528, /* the program reads words of 8 bytes from 60 on */
};

/* Fixed before the program is loaded. `frame` holds what all probes have in common. */
struct live_config {
  struct probe_key key;
  __u64 clock_offset_ns; /* from the program's clock to that of the scan */
  __u32 frame_bytes;     /* PROBE_FRAME_BYTES or more */
  struct probe_sums sums;
  __u32 unused; /* so that what follows the probe's own bytes is aligned */
  __u8 frame[LIVE_CONFIG_FRAME_BYTES];
};

/*
 * Two token buckets in series, each a virtual time (the generic cell rate algorithm of ITU-T
 * I.371), in 1/64 ns: exact to 0.01 % at 10 M tokens a second, good for 9 years of uptime. As in
 * scanner/transmit/pacer.h, whose PaceShape fills them in, the first holds the average and the
 * second bounds burst and catching up.
 */
struct live_bucket {
  __u64 token_ticks;
  __u64 depth_ticks;
  __u64 emptied_at;
};

struct live_pacer {
  struct live_bucket average; /* token_ticks of 0: no limit */
  struct live_bucket peak;
};

/*
 * A target, and what user space computes of it side by side with others: the cookie and the
 * checksum of the IPv4 header. Each word has the lap, so that it says by itself whether it is new,
 * in whatever order a processor shows the two.
 */
struct live_target {
  __u64 entry;
  __u64 proof;
};

struct live_queue {
  /* Written by the program; read by user space at any time. */
  __u64 head;        /* targets taken from the ring */
  __u64 sent;        /* flushed to the driver, and not refused */
  __u64 refused;     /* refusals, by the driver or before it: each puts one target in line again */
  __u64 unconfirmed; /* taken, and nobody told what became of it; never expected */
  __u64 runs;        /* of the program; user space rounds it up to whole batches before a call */
  __u64 first_run;   /* of the call, as user space set it */
  __u64 resume_run;  /* after a refusal, nothing is tried before this run */
  __u64 held_runs;   /* of the program, in which a target waited for the receiver of replies */
  __u64 look_run;    /* the clock, as it was read last, holds before this run */
  __u64 look_ns;
  struct half_tag look_half_tag; /* of that time, by the scan's clock */
  __u32 error;                   /* errno of the last refusal that came with one */
  __u32 again_count;
  /* Counts of in_flight. A target that found no way into a bulk leaves again, so that `entered` can
   * fall back by one; it is never below `flown`. */
  __u32 flown;   /* targets that were ever flushed */
  __u32 entered; /* targets that ever entered */
  struct live_pacer pacer;
  struct live_target in_flight[LIVE_BULK_MAX];
  struct live_target again[LIVE_BULK_MAX];
  struct live_target lost[LIVE_BULK_MAX]; /* the last of `unconfirmed` */

  /* The self-test's one frame. */
  __u32 test_in_flight;
  __u32 test_sent;
  __u32 test_refused;
  __u32 test_error;

  /* Written by user space, each word at once: the first eight bytes of the frames of each next hop.
   */
  __u64 frame_heads[LIVE_NEXT_HOPS];

  /* Written by user space, each word at once. */
  struct live_target ring[LIVE_RING_TARGETS] __attribute__((aligned(LIVE_PAGE_BYTES)));
};

/* The lap number of position `at`, which counts all targets that ever went through the ring. It
 * alternates between 1 and 2, so that it differs from what the slot held before: at first 0. */
WIRE_INLINE __u8 live_lap(__u64 at) {
  return (__u8)(1 + at / LIVE_RING_TARGETS % 2);
}

/* Only user space looks at `is_again`; the program carries it along. */
WIRE_INLINE __u64 live_entry(__u32 target, __u8 pass, int is_again, __u8 next_hop, __u64 at) {
  return target | (__u64)pass << 32 | (__u64)live_lap(at) << 40 | (__u64)(is_again != 0) << 48 |
         (__u64)next_hop << 56;
}

WIRE_INLINE __u64 live_proof(__u32 cookie, __u16 ip_checksum, __u64 at) {
  return cookie | (__u64)live_lap(at) << 40 | (__u64)ip_checksum << 48;
}

WIRE_INLINE __u32 live_proof_cookie(__u64 proof) {
  return (__u32)proof;
}

WIRE_INLINE __u16 live_proof_ip_checksum(__u64 proof) {
  return (__u16)(proof >> 48);
}

/* Of either word. */
WIRE_INLINE int live_entry_is_at(__u64 entry, __u64 at) {
  return (__u8)(entry >> 40) == live_lap(at);
}

WIRE_INLINE __u32 live_entry_target(__u64 entry) {
  return (__u32)entry;
}

WIRE_INLINE __u8 live_entry_pass(__u64 entry) {
  return (__u8)(entry >> 32);
}

WIRE_INLINE int live_entry_is_again(__u64 entry) {
  return (int)(entry >> 48 & 1);
}

WIRE_INLINE __u8 live_entry_next_hop(__u64 entry) {
  return (__u8)(entry >> 56);
}

/* When the bucket was empty, if it has been refilled ever since; no longer ago than filling it to
 * its depth takes. */
WIRE_INLINE __u64 live_bucket_emptied(const struct live_bucket* bucket, __u64 now) {
  const __u64 oldest = now - bucket->depth_ticks;
  return bucket->emptied_at > oldest ? bucket->emptied_at : oldest;
}

/* Starts both buckets with one token each, so that the time a call takes to begin is not caught up.
 */
WIRE_INLINE void live_pacer_start(struct live_pacer* pacer, __u64 now_ns) {
  const __u64 now = now_ns * LIVE_TICKS_PER_NS;
  pacer->average.emptied_at = now - pacer->average.token_ticks;
  pacer->peak.emptied_at = now - pacer->peak.token_ticks;
}

/* Takes one token of each bucket, if both have one. */
WIRE_INLINE int live_pacer_take(struct live_pacer* pacer, __u64 now_ns) {
  if (pacer->average.token_ticks == 0) return 1;
  const __u64 now = now_ns * LIVE_TICKS_PER_NS;
  const __u64 average = live_bucket_emptied(&pacer->average, now) + pacer->average.token_ticks;
  const __u64 peak = live_bucket_emptied(&pacer->peak, now) + pacer->peak.token_ticks;
  if (average > now || peak > now) return 0;
  pacer->average.emptied_at = average;
  pacer->peak.emptied_at = peak;
  return 1;
}

/* Returns the tokens of probes that were refused. */
WIRE_INLINE void live_pacer_give_back(struct live_pacer* pacer, __u32 tokens) {
  pacer->average.emptied_at -= tokens * pacer->average.token_ticks;
  pacer->peak.emptied_at -= tokens * pacer->peak.token_ticks;
}

PROBE_STATIC_ASSERT(sizeof(struct live_config) == 32 + 8 + 16 + LIVE_CONFIG_FRAME_BYTES,
                    "no padding");
PROBE_STATIC_ASSERT(sizeof(struct live_queue) % LIVE_PAGE_BYTES == 0, "a queue is whole pages");
PROBE_STATIC_ASSERT(sizeof(struct live_queue) == LIVE_PAGE_BYTES + 16 * LIVE_RING_TARGETS,
                    "one page for the program, the rest for user space");
PROBE_STATIC_ASSERT(__builtin_offsetof(struct live_queue, ring) == LIVE_PAGE_BYTES,
                    "the ring on pages of its own");
PROBE_STATIC_ASSERT((LIVE_RING_TARGETS & (LIVE_RING_TARGETS - 1)) == 0, "masked by the verifier");

#endif
