/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The rings that the reply filter fills, and the mark that keeps senders from overfilling them.
 *
 * A receiver that gets no CPU cannot tell senders to wait; whoever fills a ring can. So the reply
 * filter notes in shared memory which CPU's ring holds more than the low mark. Senders in user
 * space read that word before each batch, the in-kernel sender before each frame, and look at the
 * ring itself only while there is one to look at. The first to see that it has been emptied clears
 * the word; if another CPU's ring is over its mark too, that CPU's next record says so again. User
 * space pauses at the low mark. The in-kernel sender, which holds thousands of targets by then,
 * goes on to the high one. Rejected: that the sender asks for each ring's fill, which costs a cache
 * miss for each CPU of the machine.
 */
#ifndef ECHOSCAN_BPF_REPLY_RINGS_H
#define ECHOSCAN_BPF_REPLY_RINGS_H

#include <linux/types.h>

#include "bpf/probe.h"

struct ring_mark {
  __u64 low_bytes; /* written by user space before the filter is attached, as is the next */
  __u64 high_bytes;
  __u32 over; /* the CPU whose ring holds more than low_bytes, plus 1; 0: none is known to */
  __u32 unused;
};

PROBE_STATIC_ASSERT(sizeof(struct ring_mark) == 24, "no hidden padding");

#ifdef __bpf__

/* Sized to the possible CPUs and filled with rings by user space. */
struct reply_ring {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1);
  __type(key, __u32);
  __array(values, struct reply_ring);
} rings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct ring_mark);
} mark SEC(".maps");

#endif

#endif
