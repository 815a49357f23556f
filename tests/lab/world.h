/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The simulated Internet's truth: which address answers a ping, and with which TTL.
 *
 * It is a pure function of (seed, address), compiled into the far end's XDP program and into the
 * tool that prints the truth, so that a test can demand equality instead of a rough share. SipHash
 * has a key of the lab's own, so that the truth is independent of the scanner's order and cookies.
 * In the zoo each host has a species. All but SPECIES_NORMAL are played in user space (zoo_host.h),
 * where odd frames are easy to build and to count; XDP hands their requests over. What is lost is a
 * pure function too, of the probe's pass as well, so that a test knows each target's history.
 */
#ifndef ECHOSCAN_TESTS_LAB_WORLD_H
#define ECHOSCAN_TESTS_LAB_WORLD_H

#include "bpf/probe.h"

struct world {
  __u64 seed;
  __u32 answer_one_in; /* 1: every address answers */
  __u32 is_sink;       /* counts and drops, and looks no further */
  __u32 is_zoo;        /* not everyone who lives there is SPECIES_NORMAL */
  __u32 loss_ppm;      /* probes that get no answer, each by its address and pass */
  __u32 burst_ppm;     /* whole /24s that get none, in any pass */
  __u32 limit_pps;     /* answers a second of each /24, WORLD_LIMIT_DEPTH at once; 0: no limit */
};

/* X(enumerator, name in `lab.sh stats` and the truth, its share of 1,000 who live there) */
#define WORLD_SPECIES(X)                                                     \
  X(SPECIES_NORMAL, "normal", 290)                                           \
  X(SPECIES_CUT, "cut", 40)                   /* payload cut short */        \
  X(SPECIES_ALTERED, "altered", 40)           /* payload changed */          \
  X(SPECIES_OFF_TARGET, "off_target", 40)     /* another address */          \
  X(SPECIES_ERROR, "error", 180)              /* from a router */            \
  X(SPECIES_REDIRECTED, "redirected", 30)     /* an error, then the reply */ \
  X(SPECIES_REPEATS, "repeats", 40)           /* and 2 to 50 more */         \
  X(SPECIES_LATE, "late", 40)                 /* held 0.1 to 12 s */         \
  X(SPECIES_FORGED, "forged", 30)             /* for another probe */        \
  X(SPECIES_WRONG_TARGET, "wrong_target", 30) /* true payload */             \
  X(SPECIES_FORGED_ERROR, "forged_error", 30) /* the same, quoted */         \
  X(SPECIES_STALE, "stale", 30)               /* of another scan */          \
  X(SPECIES_BAD_IP_SUM, "wrong_ip_checksum", 30)                             \
  X(SPECIES_BAD_ICMP_SUM, "wrong_icmp_checksum", 30)                         \
  X(SPECIES_SHORT, "short", 30) /* half an ICMP header */                    \
  X(SPECIES_FRAGMENT, "fragment", 30)                                        \
  X(SPECIES_NOT_TO_US, "not_to_us", 30)   /* another receiver */             \
  X(SPECIES_OTHER_ICMP, "other_icmp", 30) /* a timestamp reply */            \
  X(SPECIES_FLOODER, "flooder", 0)        /* one in each /13 */

enum world_species {
#define WORLD_SPECIES_ENUMERATOR(enumerator, name, share) enumerator,
  WORLD_SPECIES(WORLD_SPECIES_ENUMERATOR)
#undef WORLD_SPECIES_ENUMERATOR
      WORLD_SPECIES_COUNT
};

enum {
  WORLD_SHARES = 1000,
  WORLD_REQUEST_BYTES_MAX = 128,
  WORLD_LIMIT_DEPTH = 5,
  WORLD_LIMITED_SLASH24S = 1 << 16, /* of 10.0.0.0/8 */
  WORLD_REQUEST_QUEUE_BYTES = 16 << 20,
};

struct world_host {
  __u8 answers; /* somebody lives there; of the zoo, not all of them give a result */
  __u8 ttl;     /* as it arrives: 64, 128 or 255 less 1 to 30 hops */
  __u8 species; /* enum world_species */
};

/* A request on its way to the responder: the frame as it came. */
struct world_request {
  __u32 bytes;
  __u32 unused;
  __u8 frame[WORLD_REQUEST_BYTES_MAX];
};

/* What the far end saw and did; per CPU. */
struct world_counters {
  __u64 echo_requests; /* to the world's addresses */
  __u64 bad_checksums; /* of those, damaged: never answered */
  __u64 silent;        /* of those, to an address where nobody lives */
  __u64 lost;          /* of those, to one where somebody does, whose answer is lost */
  __u64 limited;       /* of those, beyond what their /24 answers */
  __u64 replies;       /* handed to the wire; the wire may refuse them */
  __u64 handed_over;   /* to the responder */
  __u64 overrun;       /* found no room on the way there */
  __u64 other_frames;  /* passed to the far end's kernel */
  /* bpf_ktime_get_ns of the first request and, to within 64 of them, of the last: what a sender
     delivers is measured where it arrives. */
  __u64 first_request_ns;
  __u64 last_request_ns;
};

/* What the responder did, in memory that it shares with whoever asks. */
struct responder_counters {
  __u64 requests[WORLD_SPECIES_COUNT];
  __u64 frames[WORLD_SPECIES_COUNT];  /* taken by the link */
  __u64 refused[WORLD_SPECIES_COUNT]; /* not taken, however often it tried */
  __u64 unheld;                       /* late ones that found no room to wait in */
  __u64 waiting;                      /* late ones not sent yet */
};

/* 10.0.0.0/8 and 198.18.0.0/15 are the world; address in host order. */
WIRE_INLINE int world_has(__u32 address) {
  return address >> 24 == 10 || address >> 17 == 0xc612u >> 1;
}

WIRE_INLINE __u8 world_species_at(const struct world* world, __u32 address) {
  const __u64 key[2] = {world->seed, 0x65636f7a6f6f0000ULL};
  const __u64 word = address | (4ULL << 56);
  const __u32 place = (__u32)siphash24(key, &word, 1) % WORLD_SHARES;
  __u32 upper = 0;
#define WORLD_SPECIES_SHARE(enumerator, name, share) \
  upper += share;                                    \
  if (place < upper) return enumerator;
  WORLD_SPECIES(WORLD_SPECIES_SHARE)
#undef WORLD_SPECIES_SHARE
  return SPECIES_NORMAL;
}

WIRE_INLINE struct world_host world_host_at(const struct world* world, __u32 address) {
  const __u64 key[2] = {world->seed, 0x65636f6c61620000ULL};
  const __u64 word = address | (4ULL << 56);
  const __u64 hash = siphash24(key, &word, 1);
  const __u8 initial_ttl[4] = {64, 64, 128, 255};
  struct world_host host;
  host.answers = (__u32)hash % world->answer_one_in == 0;
  host.ttl = (__u8)(initial_ttl[hash >> 32 & 3] - 1 - (hash >> 40) % 30);
  host.species = SPECIES_NORMAL;
  if (!world->is_zoo) return host;
  /* Multiplied by an odd constant (2^64 over the golden ratio), neighbouring seeds lie far apart.
   */
  if (((world->seed * 0x9e3779b97f4a7c15ULL >> 32 ^ address) & 0x7ffff) == 0) {
    host.answers = 1;
    host.species = SPECIES_FLOODER;
  } else if (host.answers) {
    host.species = world_species_at(world, address);
  }
  return host;
}

/* Whether the answer to a probe of that pass is lost. */
WIRE_INLINE int world_loses(const struct world* world, __u32 address, __u8 pass) {
  const __u32 million = 1000000;
  const __u64 burst_key[2] = {world->seed, 0x65636f6275727374ULL};
  const __u64 network = address >> 8 | (4ULL << 56);
  if (world->burst_ppm != 0 &&
      (__u32)siphash24(burst_key, &network, 1) % million < world->burst_ppm)
    return 1;
  const __u64 key[2] = {world->seed, 0x65636f6c6f737300ULL};
  const __u64 word = address | ((__u64)pass << 32) | (5ULL << 56);
  return world->loss_ppm != 0 && (__u32)siphash24(key, &word, 1) % million < world->loss_ppm;
}

#define WORLD_SPECIES_SUM(enumerator, name, share) +share
PROBE_STATIC_ASSERT(WORLD_SPECIES(WORLD_SPECIES_SUM) == WORLD_SHARES, "every place is somebody's");
#undef WORLD_SPECIES_SUM

#endif
