// DPDK's environment layer, started once: its log into ours, nothing on standard output.
//
// It prints its usage, and drivers print what they like, to standard output, where results go; so
// that descriptor points to standard error while it starts. Its log goes to standard error and to
// syslog unless it is given a stream before; it gets one that hands each line on. Part of the
// module: no other file of the product may include rte_ headers.
#pragma once

#include "scanner/network/dpdk_api.h"

namespace echoscan {

// Why the module's last call failed; of one thread.
void set_dpdk_reason(const char* what, int error);
const char* dpdk_reason();

// Starts it. 0, or a negative number with the reason set.
int start_eal(int count, char** arguments, const dpdk_log* log);

}  // namespace echoscan
