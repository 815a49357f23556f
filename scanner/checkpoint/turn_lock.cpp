#include "scanner/checkpoint/turn_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "scanner/checkpoint/checkpoint_file.h"

namespace echoscan {
namespace {

constexpr std::int64_t kSecondMs = 1'000;

// Whether the name still leads to that file: who had the lock before may have removed it.
bool is_at(const std::string& path, const struct stat& file) {
  struct stat named {};
  return lstat(path.c_str(), &named) == 0 && named.st_dev == file.st_dev &&
         named.st_ino == file.st_ino;
}

}  // namespace

tl::expected<std::optional<TurnLock>, std::string> TurnLock::try_take(const std::string& results) {
  const std::string path = checkpoint_path(results) + ".lock";
  const auto failure = [&path](const char* what) {
    return tl::make_unexpected(fmt::format("cannot {} '{}': {}", what, path, std::strerror(errno)));
  };
  FileDescriptor file(
      open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!file) return failure("open");
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return failure("look at");
  if (!S_ISREG(status.st_mode) || status.st_size != 0)
    return tl::make_unexpected(fmt::format("'{}' is no scan's lock", path));
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(file.get(), F_OFD_SETLK, &whole) != 0) {
    if (errno == EAGAIN || errno == EACCES) return std::nullopt;
    return failure("lock");
  }
  if (!is_at(path, status)) return std::nullopt;
  return TurnLock(std::move(file), path);
}

TurnLock::~TurnLock() {
  if (file_) unlink(path_.c_str());
}

std::int64_t lease_left_s(const Checkpoint& checkpoint, const std::string& host,
                          const std::string& boot, std::int64_t now_ms) {
  const Leg& leg = checkpoint.legs.back();
  // Cloned machines share a name, and none a boot_id.
  const bool is_here = boot.empty() ? leg.host == host : checkpoint.boot_id == boot;
  if (!leg.why.empty() || is_here) return 0;
  const std::int64_t silent_s = std::max<std::int64_t>(now_ms - leg.end_ms, 0) / kSecondMs;
  return std::max<std::int64_t>(kLeaseS - silent_s, 0);
}

}  // namespace echoscan
