// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// The far end of the lab: answers the pings of a simulated Internet inside XDP, millions a second.
//
// Replies leave by a redirect to the interface they came from and not by XDP_TX: the near end of
// the veth pair then needs no more than GRO to take them, so that scanners without an XDP program
// of their own see the same world. What the near end has no room for is counted by the veth driver
// (lab.sh stats). In the zoo, requests to anyone but the normal go to the responder in user space
// through a ring, and not through the kernel's own ICMP.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/match_reply.h"
#include "tests/lab/world.h"

char _license[] SEC("license") = "GPL";

const volatile struct world world;

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct world_counters);
} world_counts SEC(".maps");

// Sized by user space, if there is a zoo.
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} world_requests SEC(".maps");

// Written by the responder alone; here so that it lives as long as the program.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct responder_counters);
} responder_counts SEC(".maps");

// When each /24 will have answered as often as it does, CLOCK_MONOTONIC.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, WORLD_LIMITED_SLASH24S);
  __type(key, __u32);
  __type(value, __u64);
} world_limits SEC(".maps");

enum {
  IPV4_HEADER_BYTES = 20,
  CHECKED_BYTES_MAX = 256,
};

static __always_inline void swap_bytes(__u8* a, __u8* b, int bytes) {
#pragma unroll
  for (int i = 0; i < bytes; ++i) {
    const __u8 kept = a[i];
    a[i] = b[i];
    b[i] = kept;
  }
}

// Turns the request into the reply in place: nothing of the payload changes, so both checksums are
// adjusted by what did (RFC 1624).
static __always_inline void turn_around(__u8* frame, __u8* ip, __u8* icmp, __u8 ttl) {
  swap_bytes(frame, frame + 6, 6);
  swap_bytes(ip + WIRE_IP_SOURCE_OFFSET, ip + WIRE_IP_DESTINATION_OFFSET, 4);
  ip[WIRE_IP_TTL_OFFSET] = ttl;
  wire_store16(ip + WIRE_IP_CHECKSUM_OFFSET, 0);
  const __u32 ip_sum = wire_sum(ip, ip + IPV4_HEADER_BYTES, IPV4_HEADER_BYTES);
  wire_store16(ip + WIRE_IP_CHECKSUM_OFFSET, (__u16)~ip_sum);
  icmp[0] = 0;
  const __u32 icmp_sum =
      wire_load16(icmp + WIRE_ICMP_CHECKSUM_OFFSET) + ((__u32)WIRE_ICMP_ECHO_REQUEST << 8);
  wire_store16(icmp + WIRE_ICMP_CHECKSUM_OFFSET, (__u16)((icmp_sum & 0xffff) + (icmp_sum >> 16)));
}

static __always_inline int hand_over(struct xdp_md* context, struct world_counters* count) {
  const __u32 zero = 0;
  __u32 bytes = (__u32)(context->data_end - context->data);
  WIRE_OPAQUE(bytes);
  struct world_request* request = 0;
  if (bytes > 0 && bytes <= WORLD_REQUEST_BYTES_MAX &&
      bpf_map_lookup_elem(&responder_counts, &zero))
    request = bpf_ringbuf_reserve(&world_requests, sizeof(*request), 0);
  if (!request) {
    count->overrun++;
    return XDP_DROP;
  }
  request->bytes = bytes;
  request->unused = 0;
  // What the verifier has seen of the bounds above was another register.
  WIRE_OPAQUE(bytes);
  bytes = ((bytes - 1) & (WORLD_REQUEST_BYTES_MAX - 1)) + 1;
  bpf_xdp_load_bytes(context, 0, request->frame, bytes);
  bpf_ringbuf_submit(request, 0);
  count->handed_over++;
  return XDP_DROP;
}

// Whether the address's /24 has answered as often as it does (the generic cell rate algorithm). Two
// CPUs at once may let one more pass.
static __always_inline int is_limited(const struct world* truth, __u32 address) {
  if (truth->limit_pps == 0) return 0;
  const __u32 slash24 = address >> 8 & (WORLD_LIMITED_SLASH24S - 1);
  __u64* answered = bpf_map_lookup_elem(&world_limits, &slash24);
  if (!answered) return 0;
  const __u64 interval_ns = 1000000000ULL / truth->limit_pps;
  const __u64 now_ns = bpf_ktime_get_ns();
  const __u64 theirs_ns = *answered > now_ns ? *answered : now_ns;
  if (theirs_ns > now_ns + (WORLD_LIMIT_DEPTH - 1) * interval_ns) return 1;
  *answered = theirs_ns + interval_ns;
  return 0;
}

SEC("xdp")
int far_end(struct xdp_md* context) {
  __u8* frame = (__u8*)(long)context->data;
  const __u8* frame_end = (const __u8*)(long)context->data_end;
  const __u32 zero = 0;
  struct world_counters* count = bpf_map_lookup_elem(&world_counts, &zero);
  if (!count) return XDP_PASS;

  __u8* ip = frame + PROBE_ETHERNET_BYTES;
  __u8* icmp = ip + IPV4_HEADER_BYTES;
  if (icmp + PROBE_ICMP_BYTES > frame_end ||
      wire_load16(frame + WIRE_ETHERTYPE_OFFSET) != WIRE_ETHERTYPE_IPV4 || ip[0] != 0x45 ||
      ip[WIRE_IP_PROTOCOL_OFFSET] != WIRE_PROTOCOL_ICMP || icmp[0] != WIRE_ICMP_ECHO_REQUEST ||
      !world_has(wire_load32(ip + WIRE_IP_DESTINATION_OFFSET))) {
    count->other_frames++;
    return XDP_PASS;
  }
  if (count->echo_requests == 0) count->first_request_ns = bpf_ktime_get_ns();
  if ((++count->echo_requests & 63) == 0) count->last_request_ns = bpf_ktime_get_ns();

  // Opaque, or clang takes the constant for the zeros it holds before user space has filled it in.
  const struct world* truth = (const struct world*)&world;
  WIRE_OPAQUE(truth);
  if (truth->is_sink) {
    count->silent++;
    return XDP_DROP;
  }

  const __u32 icmp_bytes = (__u32)wire_load16(ip + WIRE_IP_LENGTH_OFFSET) - IPV4_HEADER_BYTES;
  const int checksums_good =
      wire_sum(ip, frame_end, IPV4_HEADER_BYTES) == 0xffff &&
      (icmp_bytes > CHECKED_BYTES_MAX || wire_sum(icmp, frame_end, icmp_bytes) == 0xffff);
  if (!checksums_good) {
    count->bad_checksums++;
    return XDP_DROP;
  }
  const struct world_host host = world_host_at(truth, wire_load32(ip + WIRE_IP_DESTINATION_OFFSET));
  if (!host.answers) {
    count->silent++;
    return XDP_DROP;
  }
  const __u8* payload = icmp + PROBE_ICMP_BYTES;
  const __u8 pass = payload + PROBE_PAYLOAD_BYTES <= frame_end ? payload[PROBE_PASS_OFFSET] : 0;
  if (world_loses(truth, wire_load32(ip + WIRE_IP_DESTINATION_OFFSET), pass)) {
    count->lost++;
    return XDP_DROP;
  }
  if (is_limited(truth, wire_load32(ip + WIRE_IP_DESTINATION_OFFSET))) {
    count->limited++;
    return XDP_DROP;
  }
  if (truth->is_zoo && host.species != SPECIES_NORMAL) return hand_over(context, count);
  turn_around(frame, ip, icmp, host.ttl);
  count->replies++;
  return bpf_redirect(context->ingress_ifindex, 0);
}
