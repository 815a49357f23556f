// What this process may use, as far as sending depends on it: CPUs and locked memory; and what its
// threads are called.
//
// The scheduler is asked for the CPUs and not /proc/cpuinfo, since a container or taskset may allow
// fewer than the machine has.
#pragma once

#include <string>
#include <vector>

namespace echoscan {

// The CPUs that this process may run on; at least one.
std::vector<int> allowed_cpus();
// Keeps the calling thread on one CPU. A failure is ignored: an unpinned sender is slower, not
// wrong.
void pin_to(int cpu);
// Names the calling thread, for `top -H` and `perf`: 15 characters at most.
void name_thread(const std::string& name);
// Raises the limit on locked memory, against which AF_XDP's memory counts without CAP_IPC_LOCK. A
// refusal is ignored: opening a socket says whether the limit was needed.
void raise_locked_memory_limit();

}  // namespace echoscan
