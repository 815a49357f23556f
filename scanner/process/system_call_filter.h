// The system calls that a scan makes once it runs; the kernel refuses all others, with EPERM.
//
// What an attacker would need first is not among them: to run a program, to begin a process, to
// make memory executable, to connect or listen, to look into or signal another process, to mount,
// to load BPF programs or make maps. Of bpf(2), socket(2), ioctl(2), prctl(2), clone(2) and
// tgkill(2) only what a scan does with them. A call that is missing in the list fails with an errno
// like any other failure, and does not end the process: a scan must not be lost because a library
// has a new way. libseccomp compiles the filter and knows each architecture's numbers.
#pragma once

#include <tl/expected.hpp>

#include "scanner/process/refusal.h"

namespace echoscan {

// For all threads of this process, and for good. It needs no_new_privs.
tl::expected<void, Refusal> filter_system_calls();

}  // namespace echoscan
