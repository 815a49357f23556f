// The zoo's keeper: a process at the far end that answers what the XDP program hands over.
//
// It is in user space, where an odd frame is a line of code; in BPF it would be a fight with the
// verifier. On 2 cores shared with a scan it took 140,000 requests a second; the queue to it holds
// 116,000, and requests that find no room there are counted. Frames leave by AF_PACKET without a
// queueing discipline, so that a frame for which the link has no room comes back and is sent again:
// what counts as sent has been delivered. Late answers wait in a bounded heap. The process ends by
// itself when its interface goes.
#pragma once

#include <string>

#include "tests/lab/world.h"

namespace echoscan::zoo {

// Answers until `interface` is gone; calls `ready` when it has begun. Takes the XDP program's maps
// by their descriptors. Throws std::system_error.
void respond(const std::string& interface, const world& world, int request_ring, int counts_map,
             void (*ready)());

}  // namespace echoscan::zoo
