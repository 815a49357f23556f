#include "output/sink/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "output/sink/frame_end.h"

namespace echoscan {
namespace {

constexpr mode_t kNewPartMode = 0666;  // less the umask
constexpr mode_t kPrivateMode = 0600;  // until it has the earlier file's
constexpr mode_t kPermissions = 07777;
constexpr int kPartAttemptsMax = 100;
constexpr const char* kIsBusy = "another process is writing to it";

using OpenedPart = tl::expected<int, std::string>;

std::uint64_t size_of(int descriptor) {
  struct stat status {};
  fstat(descriptor, &status);
  return static_cast<std::uint64_t>(status.st_size);
}

// Where the last whole line of a file of `size` bytes ends; nullopt: errno says why nobody knows.
std::optional<std::uint64_t> end_of_lines(int descriptor, std::uint64_t size) {
  std::array<char, 4096> bytes;
  while (size > 0) {
    const std::size_t count = std::min<std::uint64_t>(bytes.size(), size);
    const ssize_t got = pread(descriptor, bytes.data(), count, static_cast<off_t>(size - count));
    if (got != static_cast<ssize_t>(count)) {
      if (got >= 0) errno = EIO;
      return std::nullopt;
    }
    const std::size_t line_end = std::string_view(bytes.data(), count).rfind('\n');
    if (line_end != std::string_view::npos) return size - count + line_end + 1;
    size -= count;
  }
  return 0;
}

// Why what a killed scan seems to have left is not to be written to; empty: it may be.
std::string why_not_ours(const struct stat& part, const FilePlace& place) {
  if (!S_ISREG(part.st_mode)) return "it is not a regular file";
  if (part.st_nlink > 1) return "the file has a second name";
  // A privileged scan leaves it to the owner of the file that it would have replaced.
  const bool is_of_earlier = geteuid() == 0 && place.file && part.st_uid == place.file->st_uid;
  if (part.st_uid == geteuid() || is_of_earlier) return {};
  return fmt::format("it belongs to another user (uid {}); remove it, if nobody needs it",
                     part.st_uid);
}

// Opens what is called `part` already; -1: it is gone.
OpenedPart open_left(const Folder& folder, const std::string& part, const FilePlace& place) {
  const int descriptor =
      openat(folder.descriptor(), part.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && errno == ELOOP) return tl::make_unexpected("it is a symbolic link");
  if (descriptor < 0 && errno == ENXIO) return tl::make_unexpected("it is not a regular file");
  if (descriptor < 0 && errno != ENOENT) return tl::make_unexpected(std::strerror(errno));
  if (descriptor < 0) return descriptor;
  struct stat status {};
  fstat(descriptor, &status);
  if (std::string reason = why_not_ours(status, place); !reason.empty()) {
    close(descriptor);
    return tl::make_unexpected(std::move(reason));
  }
  return descriptor;
}

// Opens and locks `name`, which a stopped scan has left complete, and makes it provisional: `part`.
// -1: there is none.
OpenedPart take_name_off(const Folder& folder, const std::string& name, const std::string& part,
                         const FilePlace& place) {
  OpenedPart named = open_left(folder, name, place);
  if (!named || *named < 0) return named;
  if (flock(*named, LOCK_EX | LOCK_NB) != 0) {
    close(*named);
    return tl::make_unexpected(kIsBusy);
  }
  const int at = folder.descriptor();
  if (renameat2(at, name.c_str(), at, part.c_str(), RENAME_NOREPLACE) == 0) return named;
  const int error = errno;
  close(*named);
  return tl::make_unexpected(std::strerror(error));
}

// Nobody else reads it from here on, nor had it open as its owner. False: errno says why not.
bool make_private(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || fchmod(descriptor, kPrivateMode) != 0) return false;
  if (status.st_uid != geteuid()) errno = EPERM;
  return status.st_uid == geteuid();
}

// Who may read the earlier file may read the one that takes its place. False: errno says why not.
bool take_permissions(int descriptor, const struct stat& earlier) {
  if (fchmod(descriptor, earlier.st_mode & kPermissions) != 0) return false;
  return geteuid() != 0 || fchown(descriptor, earlier.st_uid, earlier.st_gid) == 0;
}

}  // namespace

std::string part_name(const std::string& name) {
  return name + ".part";
}

tl::expected<std::unique_ptr<ByteSink>, std::string> PartFile::open(const std::string& path,
                                                                    const FilePlace& place,
                                                                    FileContent content,
                                                                    Readers readers) {
  const std::string part = part_name(place.name);
  // If the file exists, the user knows nothing of its provisional name yet: name that one.
  const std::string named = place.file ? part_name(place.path()) : path;
  const auto refusal = [](const std::string& name, std::string_view reason) {
    return tl::make_unexpected(fmt::format("cannot write to '{}': {}", name, reason));
  };
  const bool is_private = place.file || readers == Readers::owner;
  for (int attempt = 0; attempt < kPartAttemptsMax; ++attempt) {
    Folder folder(place.folder);
    if (!folder.is_open()) return refusal(named, std::strerror(errno));
    int descriptor = openat(folder.descriptor(), part.c_str(),
                            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                            is_private ? kPrivateMode : kNewPartMode);
    const bool is_new = descriptor >= 0;
    if (!is_new && errno == EEXIST) {
      const OpenedPart left = open_left(folder, part, place);
      if (!left) return refusal(part_name(place.path()), left.error());
      descriptor = *left;
      if (descriptor < 0) continue;
    }
    if (descriptor < 0) return refusal(named, std::strerror(errno));
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      close(descriptor);
      if (error == EWOULDBLOCK) return refusal(part_name(place.path()), kIsBusy);
      if (is_new) unlinkat(folder.descriptor(), part.c_str(), 0);
      return refusal(part_name(place.path()), std::strerror(error));
    }
    std::unique_ptr<PartFile> file(
        new PartFile(descriptor, std::move(folder), content, place, is_new, readers));
    if (file->folder().find(part) == file->id()) {
      if (!file->take_earlier())
        return refusal(errno == EWOULDBLOCK ? path : named,
                       errno == EWOULDBLOCK ? kIsBusy : std::strerror(errno));
      return file;
    }
    // Its scan has finished between our opening and our locking: this is that scan's result.
  }
  return refusal(named, "others begin and end writing to it all the time");
}

tl::expected<std::unique_ptr<ByteSink>, std::string> PartFile::reopen(const std::string& path,
                                                                      const FilePlace& place,
                                                                      FileContent content) {
  const std::string part = part_name(place.name);
  const auto refusal = [&path](std::string_view reason) {
    return tl::make_unexpected(fmt::format("cannot go on writing to '{}': {}", path, reason));
  };
  Folder folder(place.folder);
  if (!folder.is_open()) return refusal(std::strerror(errno));
  OpenedPart left = open_left(folder, part, place);
  if (!left) return refusal(left.error());
  const bool has_name = *left < 0;
  if (has_name) {
    left = take_name_off(folder, place.name, part, place);
    if (!left) return refusal(left.error());
    if (*left < 0) return refusal(fmt::format("neither '{}' nor '{}' is there", part, place.name));
  } else if (flock(*left, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(*left);
    return refusal(error == EWOULDBLOCK ? kIsBusy : std::strerror(error));
  }
  std::unique_ptr<PartFile> file(new PartFile(*left, std::move(folder), content, place, false));
  file->had_name_ = has_name;
  if (file->folder().find(part) != file->id()) return refusal(kIsBusy);
  if (!file->take_earlier()) return refusal(errno == EWOULDBLOCK ? kIsBusy : std::strerror(errno));
  if (const int error = file->go_on(content); error != 0) return refusal(std::strerror(error));
  return file;
}

PartFile::PartFile(int descriptor, Folder folder, FileContent content, const FilePlace& place,
                   bool is_new, Readers readers)
    : RegularFile(descriptor, std::move(folder), content, 0),
      name_(place.name),
      part_(part_name(place.name)),
      is_new_(is_new),
      readers_(readers) {}

bool PartFile::take_earlier() {
  // What a killed scan has left may be anyone's to read.
  if (readers_ == Readers::owner && !make_private(descriptor())) return false;
  // It may be another than when its name was followed.
  struct stat earlier {};
  if (fstatat(folder().descriptor(), name_.c_str(), &earlier, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT;
  earlier_ = id_of(earlier);
  if (!S_ISREG(earlier.st_mode)) return true;
  earlier_file_ =
      openat(folder().descriptor(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  // Who may not read it may replace it nevertheless.
  if (earlier_file_ >= 0 && flock(earlier_file_, LOCK_EX | LOCK_NB) != 0) return false;
  return readers_ == Readers::owner || take_permissions(descriptor(), earlier);
}

int PartFile::go_on(FileContent content) {
  const std::uint64_t size = size_of(descriptor());
  std::uint64_t end = 0;
  if (content == FileContent::frames) {
    end = find_half_frame(descriptor(), size, compression_of(name_)).value_or(size);
  } else {
    const std::optional<std::uint64_t> lines_end = end_of_lines(descriptor(), size);
    if (!lines_end) return errno;
    end = *lines_end;
  }
  is_begun_ = true;
  is_earlier_legs_ = true;
  left_end_ = end;
  continues_earlier_ = end > 0;
  return cut_to(end);
}

int PartFile::keep_first(std::uint64_t bytes) {
  if (bytes > left_end_ || end() != left_end_) return EINVAL;
  if (const int error = cut_to(bytes); error != 0) return error;
  left_end_ = bytes;
  return 0;
}

PartFile::~PartFile() {
  if (earlier_file_ >= 0) close(earlier_file_);
  // A leg that was refused leaves what it has found.
  if (had_name_ && !is_finished_ && end() == left_end_ && folder().find(part_) == id())
    renameat2(folder().descriptor(), part_.c_str(), folder().descriptor(), name_.c_str(),
              RENAME_NOREPLACE);
  // A scan that was refused at the last moment leaves nothing behind; a later leg of one leaves
  // even an empty file, without which nobody could go on.
  const bool has_nothing = !is_earlier_legs_ && (is_begun_ ? is_useless() : is_new_);
  if (!is_finished_ && has_nothing && folder().find(part_) == id())
    unlinkat(folder().descriptor(), part_.c_str(), 0);
}

int PartFile::begin() {
  if (is_begun_) return 0;
  if (!empty()) return errno;
  is_begun_ = true;
  return 0;
}

ByteSink::Outcome PartFile::write_some(std::string_view bytes) {
  if (const int error = begin(); error != 0) return {0, error};
  return RegularFile::write_some(bytes);
}

ByteSink::Completion PartFile::finish(int wait_ms) {
  if (const int error = begin(); error != 0) return {true, error};
  const Completion completion = RegularFile::finish(wait_ms);
  if (completion.error != 0) return completion;
  is_finished_ = true;
  return {true, rename_to_name()};
}

bool PartFile::is_outranked() const {
  struct stat present {};
  return keeps_earlier_ &&
         fstatat(folder().descriptor(), name_.c_str(), &present, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(present.st_mode) && present.st_size > 0;
}

int PartFile::rename_to_name() {
  const int at = folder().descriptor();
  if (folder().find(part_) != id())
    return keep_elsewhere(name_, fmt::format("'{}' was removed or replaced in mid-scan", part_));
  const std::optional<FileId> present = folder().find(name_);
  if (present == earlier_ && is_outranked()) {
    add_remark(
        fmt::format("the results so far are in '{}': '{}' stays, since this scan did not finish",
                    part_, name_));
    return 0;
  }
  int error = EEXIST;
  if (!present || present == earlier_) {
    const unsigned flags = present ? 0 : RENAME_NOREPLACE;
    error = renameat2(at, part_.c_str(), at, name_.c_str(), flags) == 0 ? 0 : errno;
    // Some file systems have no such flag.
    if (error == EINVAL && flags != 0)
      error = renameat(at, part_.c_str(), at, name_.c_str()) == 0 ? 0 : errno;
  }
  if (error == 0 && folder().find(name_) == id()) return 0;
  if (error != 0 && error != EEXIST) {
    add_remark(fmt::format("what was written is whole in '{}'", part_));
    return error;
  }
  const int kept =
      keep_elsewhere(name_, fmt::format("'{}' became another file in mid-scan", name_));
  if (folder().find(part_) == id()) unlinkat(at, part_.c_str(), 0);
  return kept;
}

}  // namespace echoscan
