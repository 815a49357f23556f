// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// The XDP program on the scanned interface: every frame is matched against our probes. A proved
// reply or error goes into the ring of the CPU it arrived on and is dropped, which spares the stack
// the work; whatever else is passed, so that ssh, ARP and the host's own pings live. Each frame
// ends in one counter.
//
// One ring a CPU, in an array of maps: a single ring serialises its producers by a spinlock and
// falls from 11-13 M records/s with one producer to 2-3 M/s with eight. BPF_RB_NO_WAKEUP, since the
// receiver polls.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/match_reply.h"
#include "bpf/reply_rings.h"

char _license[] SEC("license") = "GPL";

// Filled in by user space between open and load.
const volatile struct match_config config;

// By CPU. Mapped by user space, so that no system call can fail between the counts and the ledger.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);  // set to the number of possible CPUs before loading
  __type(key, __u32);
  __type(value, struct cpu_frame_counters);
} counters SEC(".maps");

// Says so when this CPU's ring holds more than the low mark.
static __always_inline void note_fill(void* ring, __u32 cpu) {
  const __u32 zero = 0;
  struct ring_mark* shared = bpf_map_lookup_elem(&mark, &zero);
  if (!shared || bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) <= shared->low_bytes) return;
  volatile __u32* over = &shared->over;
  if (*over != cpu + 1) *over = cpu + 1;
}

// Copies the record from the stack: it is complete only after the checksums have been checked, and
// reserving ring space before that would hold it for records that are then thrown away.
static __always_inline enum frame_outcome submit(const struct reply* reply, __u32 cpu) {
  void* ring = bpf_map_lookup_elem(&rings, &cpu);
  if (!ring) return FRAME_RING_FULL;
  struct reply* record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
  if (!record) return FRAME_RING_FULL;
  *record = *reply;
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  note_fill(ring, cpu);
  return (enum frame_outcome)reply->outcome;
}

SEC("xdp")
int reply_filter(struct xdp_md* context) {
  const void* frame = (const void*)(long)context->data;
  const void* frame_end = (const void*)(long)context->data_end;
  const __u32 cpu = bpf_get_smp_processor_id();
  struct cpu_frame_counters* own = bpf_map_lookup_elem(&counters, &cpu);
  if (!own) return XDP_PASS;
  struct frame_counters* count = &own->counters;
  count->seen++;

  // Opaque, or clang takes the constant for the zeros it holds before user space has filled it in.
  const struct match_config* match = (const struct match_config*)&config;
  WIRE_OPAQUE(match);
  struct reply reply;
  enum frame_outcome outcome = match_reply(frame, frame_end, match, &reply);
  const int is_result = outcome_is_result(outcome);
  if (is_result) {
    reply.received_ns = bpf_ktime_get_ns();
    outcome = submit(&reply, cpu);
  }
  if (outcome < FRAME_OUTCOME_COUNT) count->outcome[outcome]++;
  return is_result ? XDP_DROP : XDP_PASS;
}
