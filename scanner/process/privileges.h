// What the kernel lets this process do with a network, told from its capabilities, so that a
// refusal can name exactly what lacks and how to get it: EPERM says neither.
//
// Asked only after a refusal. To ask first and decide by the answer was rejected: capabilities are
// not the whole truth (a seccomp profile or a user namespace refuses in spite of them), only trying
// is. Packet sockets need CAP_NET_RAW. The XDP program needs CAP_BPF, CAP_NET_ADMIN and, since it
// compares pointers, CAP_PERFMON (measured: without it the verifier says EACCES). CAP_SYS_ADMIN,
// the former home of all of BPF, stands for the first and the last.
#pragma once

#include <string>

namespace echoscan {

struct Privileges {
  bool net_raw = false;
  bool net_admin = false;
  bool bpf = false;
  bool perfmon = false;
  bool ipc_lock = false;
  // Not the machine's own user namespace, as in a rootless container: capabilities in it are worth
  // nothing outside of it.
  bool is_user_namespace = false;
};

// The calling process's effective privileges.
Privileges current_privileges();

// Why bpf(2) was refused, as part of a sentence: "BPF is not permitted (CAP_BPF)".
std::string explain_refused_bpf(const Privileges& privileges);

// What gives the right to a packet socket that was refused with EPERM, as part of a sentence.
std::string explain_refused_socket(const Privileges& privileges);

}  // namespace echoscan
