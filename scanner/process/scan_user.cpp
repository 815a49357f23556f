#include "scanner/process/scan_user.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <string_view>

#include "scanner/process/system_error.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr mode_t kOthersWrite = 022;
constexpr std::uint64_t kNobody = UINT32_MAX;  // means "as it is" to the kernel

// nullopt for what is no user's or group's number.
std::optional<std::uint32_t> parse_number(const char* text) {
  if (text == nullptr) return std::nullopt;
  const std::string_view all = text;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), number);
  if (error != std::errc() || end != all.data() + all.size() || number >= kNobody)
    return std::nullopt;
  return static_cast<std::uint32_t>(number);
}

// With the groups that the system's lists give.
ScanUser user_of(const passwd& entry) {
  ScanUser user{entry.pw_uid, entry.pw_gid, {}, entry.pw_name};
  int count = 0;
  getgrouplist(entry.pw_name, entry.pw_gid, nullptr, &count);
  user.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  if (getgrouplist(entry.pw_name, entry.pw_gid, user.groups.data(), &count) < 0)
    user.groups.clear();
  return user;
}

}  // namespace

ScanUser find_user(const std::string& name_or_number) {
  const passwd* entry = getpwnam(name_or_number.c_str());
  const std::optional<std::uint32_t> number = parse_number(name_or_number.c_str());
  if (entry == nullptr && number) entry = getpwuid(*number);
  if (entry == nullptr && !number)
    throw UserError(ExitCode::bad_usage,
                    fmt::format("--user: there is no user '{}'", name_or_number));
  ScanUser user =
      entry != nullptr ? user_of(*entry) : ScanUser{*number, *number, {}, name_or_number};
  if (geteuid() != 0 && user.uid != geteuid())
    throw UserError(ExitCode::bad_usage, fmt::format("--user: only root can become {}", user.name));
  return user;
}

std::optional<ScanUser> sudo_user(const std::function<const char*(const char*)>& environment) {
  const std::optional<std::uint32_t> uid = parse_number(environment("SUDO_UID"));
  if (geteuid() != 0 || !uid || *uid == 0) return std::nullopt;
  if (const passwd* entry = getpwuid(*uid)) return user_of(*entry);
  return ScanUser{
      *uid, parse_number(environment("SUDO_GID")).value_or(*uid), {}, std::to_string(*uid)};
}

ActingAs::ActingAs(const ScanUser& user)
    : groups_before_(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0))),
      gid_before_(getegid()),
      uid_before_(geteuid()) {
  if (user.uid == uid_before_) return;
  if (getgroups(static_cast<int>(groups_before_.size()), groups_before_.data()) < 0)
    throw_system_error("ask for this process's groups");
  umask(umask(kOthersWrite) | kOthersWrite);
  // The user last, who may not change groups any more.
  if (setgroups(user.groups.size(), user.groups.data()) == 0 && setegid(user.gid) == 0 &&
      seteuid(user.uid) == 0)
    return;
  const int error = errno;
  put_back();
  throw_system_error(("act as " + user.name).c_str(), error);
}

ActingAs::~ActingAs() {
  if (geteuid() != uid_before_) put_back();
}

// Nobody refuses that; and a process that is not who it takes itself for must not go on.
void ActingAs::put_back() const {
  if (seteuid(uid_before_) != 0 || setegid(gid_before_) != 0 ||
      (uid_before_ == 0 && setgroups(groups_before_.size(), groups_before_.data()) != 0))
    std::terminate();
}

std::optional<std::string> find_forbidden(std::span<const std::string> folders) {
  for (const std::string& folder : folders)
    if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) return folder;
  return std::nullopt;
}

void become(const ScanUser& user) {
  const bool is_root = geteuid() == 0;
  if (is_root && setgroups(user.groups.size(), user.groups.data()) != 0)
    throw_system_error(("take the groups of " + user.name).c_str());
  if (setresgid(user.gid, user.gid, user.gid) != 0 || setresuid(user.uid, user.uid, user.uid) != 0)
    throw_system_error(("become " + user.name).c_str());
}

}  // namespace echoscan
