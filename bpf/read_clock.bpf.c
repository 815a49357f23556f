// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Reads the clock that BPF programs have. It is the host's CLOCK_MONOTONIC: in a time namespace, a
// process has another one.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

__u64 clock_ns;

SEC("xdp")
int read_clock(struct xdp_md* context __attribute__((unused))) {
  clock_ns = bpf_ktime_get_ns();
  return XDP_PASS;
}
