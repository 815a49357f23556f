// The capabilities that this process lacks for its network, so that a refusal can say what is
// missing and how to get it: EPERM says neither.
//
// They are asked for only after a refusal. Rejected: to ask first and decide by the answer, since a
// seccomp profile or a user namespace refuses in spite of capabilities; only trying tells. Packet
// sockets need CAP_NET_RAW. The XDP program needs CAP_BPF, CAP_NET_ADMIN and, since it compares
// pointers, CAP_PERFMON (measured: without it the verifier says EACCES). CAP_SYS_ADMIN, which used
// to cover all of BPF, still stands for CAP_BPF and CAP_PERFMON.
#pragma once

#include <string>

namespace echoscan {

struct Privileges {
  bool net_raw = false;
  bool net_admin = false;
  bool bpf = false;
  bool perfmon = false;
  bool ipc_lock = false;
  // True in a user namespace other than the machine's own, as in a rootless container, where
  // capabilities are worth nothing outside.
  bool is_user_namespace = false;
};

// The calling process's effective privileges.
Privileges current_privileges();

// Why bpf(2) was refused, as part of a sentence: "BPF is not permitted (CAP_BPF)".
std::string explain_refused_bpf(const Privileges& privileges);

// How to get the right to a packet socket that was refused with EPERM, as part of a sentence.
std::string explain_refused_socket(const Privileges& privileges);

}  // namespace echoscan
