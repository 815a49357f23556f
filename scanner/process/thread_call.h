// Something that every thread of this process does by itself, since the kernel does it for no other
// one: capabilities and Landlock are a thread's own, and a thread that kept them would keep them
// for all, who share its memory.
//
// Each thread is sent a signal, one after the other, and does the work in its handler. Threads that
// they begin meanwhile are found by looking again until there is none that has not done it. glibc
// does the same inside setuid(2), for user numbers alone. Rejected: libpsx, which learns of threads
// by wrapping pthread_create, and so does not know those that libstdc++ begins; to begin all
// threads afterwards, since those of xdp_live and of compressed files have to show at the set-up
// that they can be had.
#pragma once

#include <csignal>
#include <tl/expected.hpp>

#include "scanner/process/refusal.h"

namespace echoscan {

// The signal: who blocks signals has to let it through. It says nothing to a process that does not
// expect it, and ends a call of the live sender's.
inline constexpr int kThreadCallSignal = SIGURG;

// Calls `work` in each thread, first in the calling one. It returns 0 or an errno, and may do only
// what a signal handler may. Refused where it failed in any thread, or where one does not answer
// for some seconds. Set-up; one call at a time.
tl::expected<void, Refusal> call_in_all_threads(int (*work)());

}  // namespace echoscan
