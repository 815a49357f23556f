// The zoo's keeper: a process at the far end that answers what the XDP program hands over.
//
// In user space, because odd frames are a line each there and a fight with the verifier in BPF. On
// 2 cores shared with a scan it took 140,000 requests a second; the queue to it holds 116,000, and
// what finds no room there is counted. Frames leave by AF_PACKET without a queueing discipline, so
// that one that the link has no room for comes back and is sent again: what is counted as sent has
// been delivered. Late answers wait in a bounded heap. It ends by itself when its interface goes.
#pragma once

#include <string>

#include "tests/lab/world.h"

namespace echoscan::zoo {

// Serves until `interface` is gone; calls `ready` once it does. The XDP program's maps are given by
// their descriptors. Throws std::system_error.
void respond(const std::string& interface, const world& world, int request_ring, int counts_map,
             void (*ready)());

}  // namespace echoscan::zoo
