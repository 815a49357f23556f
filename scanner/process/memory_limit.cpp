#include "scanner/process/memory_limit.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace echoscan {
namespace {

namespace fs = std::filesystem;

// Of version 1 the largest number of whole pages stands for none.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62;

// A limit's file has a number, or "max".
std::optional<std::uint64_t> read_limit(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t bytes = 0;
  if (!(in >> bytes) || bytes >= kNoLimit) return std::nullopt;
  return bytes;
}

void tighten(std::optional<std::uint64_t>& limit, std::optional<std::uint64_t> other) {
  if (other && (!limit || *other < *limit)) limit = other;
}

bool names_memory(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "memory") return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

// From the group at `path` up to the hierarchy's root, that included.
std::optional<std::uint64_t> tightest(const fs::path& hierarchy, const fs::path& path,
                                      const char* name) {
  std::optional<std::uint64_t> limit;
  for (fs::path group = path.relative_path(); !group.empty(); group = group.parent_path())
    tighten(limit, read_limit(hierarchy / group / name));
  tighten(limit, read_limit(hierarchy / name));
  return limit;
}

}  // namespace

std::optional<std::uint64_t> memory_limit_bytes(const fs::path& root) {
  std::optional<std::uint64_t> limit;
  const fs::path mounted = root / "sys/fs/cgroup";
  std::ifstream groups(root / "proc/self/cgroup");
  // Each line is "number:controllers:path"; version 2 has the number 0 and no controllers.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path path = line.substr(second + 1);
    if (controllers.empty()) tighten(limit, tightest(mounted, path, "memory.max"));
    if (names_memory(controllers))
      tighten(limit, tightest(mounted / "memory", path, "memory.limit_in_bytes"));
  }
  return limit;
}

}  // namespace echoscan
