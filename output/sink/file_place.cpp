#include "output/sink/file_place.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace echoscan {
namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as in the kernel

std::string folder_of(const fs::path& path) {
  const std::string folder = path.parent_path().string();
  return folder.empty() ? "." : folder;
}

// Devices, and what processes have opened; what is in shared memory are files.
bool is_opened_name(const fs::path& path) {
  const std::string text = path.lexically_normal().string();
  return text.starts_with("/proc/") ||
         (text.starts_with("/dev/") && !text.starts_with("/dev/shm/"));
}

// Whose links a process follows without a second look.
bool is_trusted(uid_t owner) {
  return owner == 0 || owner == geteuid();
}

}  // namespace

FileId id_of(const struct stat& status) {
  return {status.st_dev, status.st_ino};
}

bool FilePlace::is_in_shared_folder() const {
  const bool is_sticky = (folder_status.st_mode & S_ISVTX) != 0;
  return (folder_status.st_mode & S_IWOTH) != 0 ||
         (is_sticky && (folder_status.st_mode & S_IWGRP) != 0);
}

tl::expected<FilePlace, std::string> find_place(const std::string& path) {
  fs::path current = path;
  std::optional<uid_t> foreign_owner;  // of a link on the way
  for (int links = 0; links <= kLinksMax; ++links) {
    FilePlace place;
    place.folder = folder_of(current);
    place.name = current.filename().string();
    if (place.name == "." || place.name == "..") place.name.clear();
    const std::string text = current.string();
    place.is_opened = is_opened_name(current);
    struct stat status {};
    const bool exists = (place.is_opened ? stat : lstat)(text.c_str(), &status) == 0;
    if (!exists && errno != ENOENT) return tl::make_unexpected(std::strerror(errno));
    if (exists && S_ISLNK(status.st_mode)) {
      if (!is_trusted(status.st_uid)) foreign_owner = status.st_uid;
      std::error_code error;
      const fs::path target = fs::read_symlink(current, error);
      if (error) return tl::make_unexpected(error.message());
      current = target.is_absolute() ? target : current.parent_path() / target;
      continue;
    }
    if (stat(place.folder.c_str(), &place.folder_status) != 0)
      return tl::make_unexpected(std::strerror(errno));
    if (exists) {
      place.file = status;
      place.is_opened = place.is_opened || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode));
      if (S_ISDIR(status.st_mode)) place.name.clear();
    }
    const uid_t owner = exists ? status.st_uid : place.folder_status.st_uid;
    if (foreign_owner && owner != *foreign_owner)
      return tl::make_unexpected(
          fmt::format("a symbolic link of another user (uid {}) leads to a file that is not theirs",
                      *foreign_owner));
    return place;
  }
  return tl::make_unexpected(std::strerror(ELOOP));
}

}  // namespace echoscan
