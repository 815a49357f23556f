#include "scanner/checkpoint/checkpoint_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

namespace echoscan {
namespace {

constexpr mode_t kMode = 0600;
constexpr off_t kBytesMax = off_t{64} << 20;

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return fsync(descriptor) == 0 ? 0 : errno;
}

// Writes a file that was not there; an errno.
int write_new(const std::string& path, std::string_view bytes) {
  // A killed scan's, if there is one. What somebody else has put there is not written to.
  unlink(path.c_str());
  const Descriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (file.get() < 0) return errno;
  const int error = write_all(file.get(), bytes);
  if (error != 0) unlink(path.c_str());
  return error;
}

int sync_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const Descriptor opened(
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) return errno;
  // Some file systems cannot, and need not.
  return fsync(opened.get()) == 0 || errno == EINVAL ? 0 : errno;
}

// Why a file is not to be believed; empty: it may be.
std::string why_not_trusted(const struct stat& status, uid_t owner) {
  if (!S_ISREG(status.st_mode)) return "it is not a regular file";
  if (status.st_uid != geteuid() && status.st_uid != owner)
    return fmt::format("it belongs to another user (uid {})", status.st_uid);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "others may write to it";
  if (status.st_size > kBytesMax) return "it is too long";
  return {};
}

tl::expected<std::string, std::string> read_all(const std::string& path, uid_t owner) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) return tl::make_unexpected(std::strerror(errno));
  struct stat status {};
  fstat(file.get(), &status);
  if (std::string reason = why_not_trusted(status, owner); !reason.empty())
    return tl::make_unexpected(std::move(reason));
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t got = pread(file.get(), bytes.data(), bytes.size(), 0);
  if (got < 0) return tl::make_unexpected(std::strerror(errno));
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

}  // namespace

std::string checkpoint_path(const std::string& results) {
  return results + ".scan";
}

std::string error_marks_path(const std::string& results) {
  return results + ".scan.errors";
}

int write_checkpoint(const Checkpoint& checkpoint, bool is_lasting) {
  const std::string path = checkpoint_path(checkpoint.results);
  const std::string part = path + ".part";
  if (const int error = write_new(part, checkpoint_json(checkpoint)); error != 0) return error;
  if (rename(part.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(part.c_str());
    return error;
  }
  return is_lasting ? sync_folder_of(path) : 0;
}

void remove_checkpoint(const std::string& results) {
  for (const std::string& path :
       {checkpoint_path(results), checkpoint_path(results) + ".part", error_marks_path(results)})
    unlink(path.c_str());
}

tl::expected<Checkpoint, std::string> load_checkpoint(const std::string& results, uid_t owner) {
  const std::string path = checkpoint_path(results);
  const auto refusal = [&path](std::string_view reason) {
    return tl::make_unexpected(fmt::format("cannot go on from '{}': {}", path, reason));
  };
  const tl::expected<std::string, std::string> text = read_all(path, owner);
  if (!text) return refusal(text.error());
  const tl::expected<Checkpoint, std::string> checkpoint = read_checkpoint(*text);
  if (!checkpoint) return refusal(checkpoint.error());
  return *checkpoint;
}

std::string boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

}  // namespace echoscan
