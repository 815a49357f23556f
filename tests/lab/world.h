/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The simulated Internet's truth: which address answers a ping, and with which TTL.
 *
 * A pure function of (seed, address), compiled into the far end's XDP program and into the tool
 * that prints the truth, so that a test can demand equality instead of a rough share. SipHash under
 * a key of the lab's own: independent of the scanner's order and of its cookies.
 */
#ifndef ECHOSCAN_TESTS_LAB_WORLD_H
#define ECHOSCAN_TESTS_LAB_WORLD_H

#include "bpf/probe.h"

struct world {
  __u64 seed;
  __u32 answer_one_in; /* 1: every address answers */
  __u32 is_sink;       /* counts and drops, and looks no further */
};

struct world_host {
  __u8 answers;
  __u8 ttl; /* as it arrives: 64, 128 or 255 less 1 to 30 hops */
};

/* What the far end saw and did; per CPU. */
struct world_counters {
  __u64 echo_requests; /* to the world's addresses */
  __u64 bad_checksums; /* of those, damaged: never answered */
  __u64 silent;        /* of those, to an address where nobody lives */
  __u64 replies;       /* handed to the wire; the wire may refuse them */
  __u64 other_frames;  /* passed to the far end's kernel */
  /* bpf_ktime_get_ns of the first request and, to within 64 of them, of the last: what a sender
     delivers is measured where it arrives. */
  __u64 first_request_ns;
  __u64 last_request_ns;
};

/* 10.0.0.0/8 and 198.18.0.0/15 are the world; address in host order. */
PROBE_INLINE int world_has(__u32 address) {
  return address >> 24 == 10 || address >> 17 == 0xc612u >> 1;
}

PROBE_INLINE struct world_host world_host_at(const struct world* world, __u32 address) {
  const __u64 key[2] = {world->seed, 0x65636f6c61620000ULL};
  const __u64 word = address | (4ULL << 56);
  const __u64 hash = siphash24(key, &word, 1);
  const __u8 initial_ttl[4] = {64, 64, 128, 255};
  struct world_host host;
  host.answers = (__u32)hash % world->answer_one_in == 0;
  host.ttl = (__u8)(initial_ttl[hash >> 32 & 3] - 1 - (hash >> 40) % 30);
  return host;
}

#endif
