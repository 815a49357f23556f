// How much memory this process's control groups leave it, as a container's limit or systemd's
// MemoryMax does.
//
// Who takes more than that is killed, without a word, so what can be large or small asks first.
// Both hierarchies are read, cgroups of version 1 and 2, from the process's own group up to the
// root: the tightest limit counts. Inside a container the path in /proc/self/cgroup may be the
// host's, of which nothing is mounted; the root then is the container's own group. `ip netns exec`
// mounts /sys anew, without the groups: then nothing is known. Rejected: the machine's free memory,
// which says nothing of a container's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace echoscan {

// In bytes; nothing where there is no limit, or none that can be read. Files are looked for below
// `root`. Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst in the kernel.
std::optional<std::uint64_t> memory_limit_bytes(const std::filesystem::path& root = "/");

}  // namespace echoscan
