// This process, as far as sending depends on it: the CPUs that it may use, and its locked memory.
//
// Asked of the scheduler and not of /proc/cpuinfo: a container or taskset may allow fewer.
#pragma once

#include <vector>

namespace echoscan {

// At least one.
std::vector<int> allowed_cpus();
// Keeps the calling thread on one CPU. Not vital: an unpinned sender is slower, not wrong.
void pin_to(int cpu);
// AF_XDP's memory counts against this limit on kernels and users without CAP_IPC_LOCK. Not being
// allowed to raise it is no error yet: opening a socket says if it was needed.
void raise_locked_memory_limit();

}  // namespace echoscan
