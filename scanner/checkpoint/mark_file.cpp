#include "scanner/checkpoint/mark_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace echoscan {
namespace {

constexpr mode_t kMode = 0600;

bool has_head(int descriptor, std::string_view expected) {
  std::array<char, MarkFile::kHeadBytes> head{};
  return pread(descriptor, head.data(), head.size(), 0) == ssize_t{head.size()} &&
         std::string_view(head.data(), head.size()) == expected;
}

// Opens a scan's file, and no other; none: errno is ENOENT. The error is a clause.
tl::expected<FileDescriptor, std::string> open_own(const std::string& path, std::string_view head) {
  FileDescriptor opened(
      ::open(path.c_str(), O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!opened && errno == ENOENT) return opened;
  if (!opened) return tl::make_unexpected(std::strerror(errno));
  struct stat status {};
  fstat(opened.get(), &status);
  // One that was killed at once may not have written its head yet.
  if (S_ISREG(status.st_mode) && (status.st_size == 0 || has_head(opened.get(), head)))
    return opened;
  return tl::make_unexpected("no scan has written it, and it is left as it is");
}

}  // namespace

tl::expected<std::unique_ptr<MarkFile>, std::string> MarkFile::make(const std::string& path,
                                                                    const Kind& kind) {
  const tl::expected<FileDescriptor, std::string> earlier = open_own(path, kind.head);
  if (!earlier) return tl::make_unexpected(earlier.error());
  if (*earlier) unlink(path.c_str());
  FileDescriptor made(
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (!made) return tl::make_unexpected(std::strerror(errno));
  // Synchronised, so that the file is known behind a loss of power, too.
  errno = 0;
  if (write(made.get(), kind.head.data(), kHeadBytes) == ssize_t{kHeadBytes} &&
      fsync(made.get()) == 0)
    return std::unique_ptr<MarkFile>(new MarkFile(std::move(made), kind, 0));
  const int error = errno != 0 ? errno : ENOSPC;
  unlink(path.c_str());
  return tl::make_unexpected(std::strerror(error));
}

tl::expected<std::unique_ptr<MarkFile>, std::string> MarkFile::reopen(const std::string& path,
                                                                      const Kind& kind) {
  tl::expected<FileDescriptor, std::string> opened = open_own(path, kind.head);
  if (!opened) return tl::make_unexpected(opened.error());
  if (!*opened) return tl::make_unexpected(std::strerror(ENOENT));
  struct stat status {};
  fstat(opened->get(), &status);
  const auto bytes = std::max(static_cast<std::uint64_t>(status.st_size), kHeadBytes);
  const std::uint64_t count = (bytes - kHeadBytes) / kind.mark_bytes;
  std::unique_ptr<MarkFile> file(new MarkFile(std::move(*opened), kind, count));
  if (const int error = file->keep_first(count); error != 0)
    return tl::make_unexpected(std::strerror(error));
  return file;
}

void MarkFile::remove(const std::string& path, const Kind& kind) {
  const tl::expected<FileDescriptor, std::string> opened = open_own(path, kind.head);
  if (opened && *opened) unlink(path.c_str());
}

MarkFile::MarkFile(FileDescriptor file, const Kind& kind, std::uint64_t count)
    : file_(std::move(file)), mark_bytes_(kind.mark_bytes), count_(count), in_place_(count) {
  waiting_.reserve(kWaitingMax * mark_bytes_);
}

int MarkFile::read(std::uint64_t first, std::span<std::byte> marks) const {
  const ssize_t bytes =
      pread(file_.get(), marks.data(), marks.size(), static_cast<off_t>(bytes_of(first)));
  if (bytes < 0) return errno;
  return static_cast<std::size_t>(bytes) == marks.size() ? 0 : EIO;
}

int MarkFile::keep_first(std::uint64_t count) {
  if (count > this->count()) return EINVAL;
  if (ftruncate(file_.get(), static_cast<off_t>(bytes_of(count))) != 0) return errno;
  count_.store(count, std::memory_order_relaxed);
  in_place_.store(count, std::memory_order_relaxed);
  return 0;
}

void MarkFile::add(std::span<const std::byte> mark) {
  if (waiting_.size() == kWaitingMax * mark_bytes_) flush();
  // Behind one that was given up there is none any more: the next would stand in its place.
  const bool is_next = in_place() + waiting_.size() / mark_bytes_ == count();
  if (is_next && waiting_.size() < kWaitingMax * mark_bytes_)
    waiting_.insert(waiting_.end(), mark.begin(), mark.end());
  count_.store(count() + 1, std::memory_order_relaxed);
}

void MarkFile::flush() {
  if (waiting_.empty()) return;
  const ssize_t written = write(file_.get(), waiting_.data(), waiting_.size());
  if (written < 0) return;
  // Half a mark would make all behind it unreadable.
  const std::size_t whole = static_cast<std::size_t>(written) / mark_bytes_;
  if (static_cast<std::size_t>(written) % mark_bytes_ != 0 &&
      ftruncate(file_.get(), static_cast<off_t>(bytes_of(in_place() + whole))) != 0)
    return waiting_.clear();
  waiting_.erase(waiting_.begin(),
                 waiting_.begin() + static_cast<std::ptrdiff_t>(whole * mark_bytes_));
  in_place_.store(in_place() + whole, std::memory_order_relaxed);
}

int MarkFile::sync() {
  return fsync(file_.get()) == 0 ? 0 : errno;
}

}  // namespace echoscan
