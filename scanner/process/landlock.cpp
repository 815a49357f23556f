#include "scanner/process/landlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace echoscan {
namespace {

// As in a newer <linux/landlock.h>. The kernel takes a longer structure than it knows, as long as
// what it does not know is 0.
struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
};
constexpr std::uint64_t kRefer = std::uint64_t{1} << 13;     // since ABI 2
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;  // since ABI 3
constexpr std::uint64_t kBindTcp = std::uint64_t{1} << 0;    // since ABI 4
constexpr std::uint64_t kConnectTcp = std::uint64_t{1} << 1;
constexpr std::uint64_t kDevices = std::uint64_t{1} << 15;  // ioctl(2) on devices, since ABI 5
constexpr std::uint64_t kOfAbi1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

std::uint64_t known_file_rights(long abi) {
  std::uint64_t rights = kOfAbi1;
  if (abi >= 2) rights |= kRefer;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kDevices;
  return rights;
}

// What it takes to write a file under a provisional name, to rename it, and to read it back.
constexpr std::uint64_t kOutputRights =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | kTruncate;

// What it takes to give a folder its name.
constexpr std::uint64_t kNamingRights = LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR;

// Allows `rights` below the folder; refused with a reason that names it.
tl::expected<void, Refusal> allow_below(const FileDescriptor& rules, const std::string& path,
                                        std::uint64_t rights) {
  const FileDescriptor folder(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = rights;
  beneath.parent_fd = folder.get();
  if (!folder ||
      syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
    return refused(fmt::format("'{}': {}", path, std::strerror(errno)), errno);
  return {};
}

}  // namespace

tl::expected<FileDescriptor, Refusal> make_landlock_rules(std::span<const std::string> folders,
                                                          const std::string& naming_folder) {
  const long abi =
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 0) return refused(std::strerror(errno), errno);
  RulesetAttributes attributes;
  attributes.handled_access_fs = known_file_rights(abi);
  if (abi >= 4) attributes.handled_access_net = kBindTcp | kConnectTcp;
  FileDescriptor rules(
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
  if (!rules) return refused(std::strerror(errno), errno);
  for (const std::string& path : folders)
    if (const auto allowed = allow_below(rules, path, kOutputRights & attributes.handled_access_fs);
        !allowed)
      return tl::make_unexpected(allowed.error());
  if (naming_folder.empty()) return rules;
  if (const auto allowed = allow_below(rules, naming_folder, kNamingRights); !allowed)
    return tl::make_unexpected(allowed.error());
  return rules;
}

int obey_landlock_rules(int rules) {
  return syscall(SYS_landlock_restrict_self, rules, 0) == 0 ? 0 : errno;
}

}  // namespace echoscan
