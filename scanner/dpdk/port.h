// A port of DPDK: set up, its frames taken and sent, what has come, its link and its counters.
//
// The frames of a queue come out of a pool of its own, whose buffers are as small as probes allow,
// so that they stay in the cache: each is written once, and keeps its bytes from one sending to the
// next. Queue 0 also sends what another thread has to say (ARP, once a second): who finds its lock
// taken comes again, and nobody waits. It is written behind the probe in a buffer of the same pool,
// since drivers free faster where a queue has one pool. Rejected: a queue for that alone, since
// some virtio devices have one. Part of the module.
#pragma once

#include <cstddef>

#include "scanner/network/dpdk_api.h"

namespace echoscan {

int find_dpdk_port(const char* name, dpdk_port_facts* facts);
int open_dpdk_port(dpdk_port_plan* plan);
void close_dpdk_port(uint16_t port);
void write_dpdk_frames(uint16_t port, uint16_t queue, void (*write)(void* context, uint8_t* frame),
                       void* context);

std::size_t take_dpdk_frames(uint16_t port, uint16_t queue, uint8_t** frames, std::size_t count);
std::size_t send_dpdk_frames(uint16_t port, uint16_t queue, std::size_t count);
int send_dpdk_copy(uint16_t port, const uint8_t* bytes, std::size_t length);
std::size_t receive_dpdk_frames(uint16_t port, uint16_t queue, dpdk_frame* frames,
                                std::size_t count);

int is_dpdk_link_up(uint16_t port);
int read_dpdk_counters(uint16_t port, dpdk_port_counters* counters);
int read_dpdk_named_counts(uint16_t port, dpdk_named_count* counts, std::size_t room);

}  // namespace echoscan
