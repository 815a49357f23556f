#include "scanner/process/privileges.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <fstream>

namespace echoscan {
namespace {

// Flags of docker and podman. BPF and PERFMON exist since Linux 5.8.
constexpr const char* kXdpFlags =
    "--cap-add NET_RAW --cap-add NET_ADMIN --cap-add BPF --cap-add PERFMON --cap-add IPC_LOCK";

bool has(const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>& sets,
         unsigned capability) {
  return (sets[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

// The machine's own namespace maps every user number to itself (user_namespaces(7)).
bool maps_users() {
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  return (map >> inside >> outside >> count) && (outside != 0 || count != UINT32_MAX);
}

}  // namespace

Privileges current_privileges() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  syscall(SYS_capget, &header, sets.data());
  const bool is_admin = has(sets, CAP_SYS_ADMIN);
  return {has(sets, CAP_NET_RAW),         has(sets, CAP_NET_ADMIN),
          is_admin || has(sets, CAP_BPF), is_admin || has(sets, CAP_PERFMON),
          has(sets, CAP_IPC_LOCK),        maps_users()};
}

std::string explain_refused_bpf(const Privileges& privileges) {
  std::string missing;
  const auto need = [&missing](bool is_there, const char* name) {
    if (!is_there) missing += (missing.empty() ? "" : ", ") + std::string(name);
  };
  need(privileges.bpf, "CAP_BPF");
  need(privileges.perfmon, "CAP_PERFMON");
  need(privileges.net_admin, "CAP_NET_ADMIN");
  if (!missing.empty()) return fmt::format("BPF is not permitted ({})", missing);
  if (privileges.is_user_namespace)
    return "BPF is not permitted in a user namespace, which a rootless container is";
  return "BPF is not permitted in spite of its capabilities, so a seccomp profile refuses it "
         "(in a container, --security-opt seccomp=unconfined lifts that)";
}

std::string explain_refused_socket(const Privileges& privileges) {
  if (privileges.net_raw && privileges.is_user_namespace)
    return "a user namespace, which a rootless container is, does not own this network; run as "
           "root";
  if (privileges.net_raw) return "something other than capabilities refuses it, such as seccomp";
  return fmt::format("run as root, or with CAP_NET_RAW: in a container {}, or for AF_XDP {}",
                     "--cap-add NET_RAW", kXdpFlags);
}

}  // namespace echoscan
