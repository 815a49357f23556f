// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// The in-kernel sender: an XDP program that the kernel runs again and again on pages from a pool
// (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES). Each run makes one page the next probe and
// redirects it to the interface, or drops it when there is no target, no token, or no room.
//
// Frames the driver refuses are named by two tracepoints only: xdp_devmap_xmit, once for each bulk
// of up to 16 frames, in order, the refused ones last; and xdp_redirect_err, for one that did not
// even get into a bulk. Both fire on this CPU inside the batch that sent the frames, so that the
// few targets in flight are known here, and the refused ones go in line again without user space.
//
// While a ring of replies is too full, nothing is sent: user space, which may have no CPU just now,
// is not needed for that. The rings are the reply filter's, whose maps user space puts in place of
// these.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/live_queue.h"
#include "bpf/probe.h"
#include "bpf/reply_rings.h"

char _license[] SEC("license") = "GPL";

// Filled in by user space between open and load.
const volatile struct live_config config;

// The queues by number. User space sizes and maps the array.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct live_queue);
} queues SEC(".maps");

// For each CPU, the number of the queue that it sends for, plus 1; 0 for none. User space sizes it.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} queue_of_cpu SEC(".maps");

// The interface, which the kernel finds here sooner than by its number. User space puts it in.
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} devices SEC(".maps");

static __always_inline struct live_queue* this_queue(void) {
  const __u32 cpu = bpf_get_smp_processor_id();
  const __u32* number = bpf_map_lookup_elem(&queue_of_cpu, &cpu);
  if (!number || *number == 0) return 0;
  const __u32 queue = *number - 1;
  return bpf_map_lookup_elem(&queues, &queue);
}

// Whether a ring of replies is over the high mark, so that replies to more probes may find no room.
static __always_inline int is_receiver_behind(void) {
  const __u32 zero = 0;
  struct ring_mark* shared = bpf_map_lookup_elem(&mark, &zero);
  if (!shared) return 0;
  const __u32 over = *(volatile __u32*)&shared->over;
  if (over == 0) return 0;
  const __u32 cpu = over - 1;
  void* ring = bpf_map_lookup_elem(&rings, &cpu);
  if (!ring) return 0;
  const __u64 waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
  if (waiting <= shared->low_bytes) *(volatile __u32*)&shared->over = 0;
  return waiting > shared->high_bytes;
}

// Whether a probe may leave in this run: the receiver keeps up, and there is a token. A batch
// begins with a look, since the thread may have lost the CPU before it; inside none does.
static __always_inline int has_leave(struct live_queue* queue, __u64 run) {
  if (run >= queue->look_run) {
    if (is_receiver_behind()) {
      queue->held_runs++;
      return 0;
    }
    const struct live_config* fixed = (const struct live_config*)&config;
    WIRE_OPAQUE(fixed);
    queue->look_ns = bpf_ktime_get_ns();
    queue->look_half_tag = probe_tag_begin(&fixed->key, queue->look_ns + config.clock_offset_ns);
    queue->look_run = (run | (LIVE_LOOK_RUNS - 1)) + 1;
  }
  return live_pacer_take(&queue->pacer, queue->look_ns);
}

// The next target: one that was refused, else the ring's next; false when there is none.
static __always_inline int peek(const struct live_queue* queue, struct live_target* target) {
  const __u32 again = queue->again_count;
  if (again > 0) {
    *target = queue->again[(again - 1) % LIVE_BULK_MAX];
    return 1;
  }
  const struct live_target* slot = &queue->ring[queue->head % LIVE_RING_TARGETS];
  target->entry = *(const volatile __u64*)&slot->entry;
  target->proof = *(const volatile __u64*)&slot->proof;
  return live_entry_is_at(target->entry, queue->head) &&
         live_entry_is_at(target->proof, queue->head);
}

static __always_inline void take(struct live_queue* queue, const struct live_target* target) {
  if (queue->again_count > 0) {
    queue->again_count--;
  } else {
    *(volatile __u64*)&queue->head = queue->head + 1;
  }
  queue->in_flight[queue->entered++ % LIVE_BULK_MAX] = *target;
}

// Counts `count` targets from place `from` of in_flight as unconfirmed: no tracepoint will report
// them any more, or there is no room to keep them.
static __always_inline void lose(struct live_queue* queue, __u32 from, __u32 count) {
  const __u64 to = queue->unconfirmed;
  for (__u32 i = 0; i < LIVE_BULK_MAX; ++i) {
    if (i >= count) break;
    queue->lost[(to + i) % LIVE_BULK_MAX] = queue->in_flight[(from + i) % LIVE_BULK_MAX];
  }
  queue->unconfirmed = to + count;
}

// Puts `count` targets from place `from` of in_flight, which were refused, in line again. Nothing
// more is tried in this batch: where the other end receives on this same CPU, as with veth, it
// makes room only when the batch is over.
static __always_inline void put_again(struct live_queue* queue, __u32 from, __u32 count,
                                      __s32 error) {
  const __u32 to = queue->again_count;
  queue->resume_run = (queue->runs | (LIVE_BATCH - 1)) + 1;
  if (error < 0) queue->error = (__u32)-error;
  live_pacer_give_back(&queue->pacer, count);
  if (to + count > LIVE_BULK_MAX) {
    lose(queue, from, count);
    return;
  }
  for (__u32 i = 0; i < LIVE_BULK_MAX; ++i) {
    if (i >= count) break;
    queue->again[(to + i) % LIVE_BULK_MAX] = queue->in_flight[(from + i) % LIVE_BULK_MAX];
  }
  queue->again_count = to + count;
  queue->refused += count;
}

// Writes every byte, since the page may hold what an earlier frame, or its receiver, left there: by
// words up to the ICMP checksum, from which on all bytes are the probe's own.
static __always_inline void write_frame(__u8* frame, const struct live_target* target, __u64 head,
                                        const struct half_tag* half, __u64 sent_ns) {
  // Opaque, or clang takes the constant for the zeros it holds before user space has filled it in.
  const struct live_config* fixed = (const struct live_config*)&config;
  WIRE_OPAQUE(fixed);
  _Static_assert(PROBE_ICMP_CHECKSUM_OFFSET == 4 * 8 + 4, "four words and a half");
  ((__u64*)frame)[0] = head;
#pragma unroll
  for (int i = 1; i < 4; ++i) ((__u64*)frame)[i] = ((const __u64*)fixed->frame)[i];
  ((__u32*)frame)[8] = ((const __u32*)fixed->frame)[8];
  probe_write_with(frame, half, live_proof_cookie(target->proof),
                   live_proof_ip_checksum(target->proof), fixed->sums.padding,
                   live_entry_target(target->entry), live_entry_pass(target->entry), sent_ns);
}

// Writes what follows the probe in a longer frame. Volatile, or clang calls memcpy, which BPF
// lacks.
static __always_inline void write_padding(__u8* frame, const __u8* frame_end) {
  const struct live_config* fixed = (const struct live_config*)&config;
  WIRE_OPAQUE(fixed);
  __u8* byte = frame + PROBE_FRAME_BYTES;
  const __u8* from = fixed->frame + PROBE_FRAME_BYTES;
  for (int i = PROBE_FRAME_BYTES; i < LIVE_FRAME_BYTES_MAX; i += 8, byte += 8, from += 8) {
    if (byte + 8 > frame_end) break;
    *(volatile __u64*)byte = *(const volatile __u64*)from;
  }
  for (int i = 0; i < 7; ++i, ++byte, ++from) {
    if (byte + 1 > frame_end) break;
    *(volatile __u8*)byte = *(const volatile __u8*)from;
  }
}

SEC("xdp")
int live_sender(struct xdp_md* context) {
  __u8* frame = (__u8*)(long)context->data;
  struct live_queue* queue = this_queue();
  if (!queue || frame + PROBE_FRAME_BYTES > (__u8*)(long)context->data_end) return XDP_DROP;

  const __u64 run = queue->runs++;
  // A batch ends with a flush: targets that the tracepoint has not named by now it never will.
  if (run % LIVE_BATCH == 0 && queue->entered != queue->flown) {
    lose(queue, queue->flown, queue->entered - queue->flown);
    queue->flown = queue->entered;
  }
  if (run == queue->first_run) {
    queue->look_run = run;
    live_pacer_start(&queue->pacer, bpf_ktime_get_ns());
  }
  if (run < queue->resume_run) return XDP_DROP;
  struct live_target target;
  if (!peek(queue, &target) || !has_leave(queue, run)) {
    queue->look_run = run;
    return XDP_DROP;
  }
  take(queue, &target);
  write_frame(frame, &target,
              queue->frame_heads[live_entry_next_hop(target.entry) % LIVE_NEXT_HOPS],
              &queue->look_half_tag, queue->look_ns + config.clock_offset_ns);
  if (config.frame_bytes > PROBE_FRAME_BYTES)
    write_padding(frame, (const __u8*)(long)context->data_end);
  // An interface that is gone is not in the map any more, and no tracepoint says so.
  if (bpf_redirect_map(&devices, 0, 0) == XDP_REDIRECT) return XDP_REDIRECT;
  put_again(queue, --queue->entered, 1, -LIVE_NO_DEVICE);
  return XDP_DROP;
}

// Redirects the frame to the interface as user space has filled it.
SEC("xdp")
int self_test(struct xdp_md* context __attribute__((unused))) {
  struct live_queue* queue = this_queue();
  if (!queue) return XDP_DROP;
  queue->test_in_flight = 1;
  return bpf_redirect_map(&devices, 0, 0);
}

// A bulk went to the driver: from, to, sent, refused, error.
SEC("raw_tp/xdp_devmap_xmit")
int bulk_sent(struct bpf_raw_tracepoint_args* context) {
  struct live_queue* queue = this_queue();
  if (!queue) return 0;
  const __u32 sent = (__u32)context->args[2];
  const __u32 refused = (__u32)context->args[3];
  const __s32 error = (__s32)context->args[4];
  if (queue->test_in_flight) {
    queue->test_in_flight = 0;
    queue->test_sent += sent;
    queue->test_refused += refused;
    queue->test_error = (__u32)-error;
    return 0;
  }
  // Fewer are in flight: another program redirected these frames on this CPU, between our batches.
  if (queue->entered - queue->flown < sent + refused) return 0;
  *(volatile __u64*)&queue->sent = queue->sent + sent;
  if (refused > 0) put_again(queue, queue->flown + sent, refused, error);
  queue->flown += sent + refused;
  return 0;
}

// A frame found no way into a bulk, and it is the last one taken: device, program, target, error,
// ...
SEC("raw_tp/xdp_redirect_err")
int redirect_refused(struct bpf_raw_tracepoint_args* context) {
  struct live_queue* queue = this_queue();
  if (!queue) return 0;
  const __s32 error = (__s32)context->args[3];
  if (queue->test_in_flight) {
    queue->test_in_flight = 0;
    queue->test_refused++;
    queue->test_error = (__u32)-error;
    return 0;
  }
  if (queue->entered == queue->flown) return 0;
  put_again(queue, --queue->entered, 1, error);
  return 0;
}
