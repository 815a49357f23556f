#include "output/sink/regular_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace echoscan {
namespace {

constexpr int kNamesMax = 10'000;
constexpr std::size_t kCopyBytes = std::size_t{1} << 30;
constexpr mode_t kCopyMode = 0600;

}  // namespace

Folder::Folder(const std::string& path)
    : descriptor_(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

Folder::Folder(Folder&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Folder::~Folder() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::optional<FileId> Folder::find(const std::string& name) const {
  struct stat status {};
  if (fstatat(descriptor_, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return id_of(status);
}

RegularFile::RegularFile(int descriptor, Folder folder, FileContent content, std::uint64_t end)
    : DescriptorSink(descriptor),
      file_(descriptor),
      folder_(std::move(folder)),
      content_(content),
      end_(end),
      whole_(end) {}

RegularFile::~RegularFile() {
  // What is in a half frame can be read, and was not refused by the disk.
  if (content_ != FileContent::frames) cut();
}

bool RegularFile::is_useless() const {
  return (content_ == FileContent::frames ? end_ : whole_) == 0;
}

ByteSink::Completion RegularFile::finish(int wait_ms) {
  const Completion completion = DescriptorSink::finish(wait_ms);
  if (completion.is_done && completion.error == 0) mark_whole();
  return completion;
}

ByteSink::Outcome RegularFile::write_some(std::string_view bytes) {
  const std::uint64_t begin = end_;
  Outcome outcome = DescriptorSink::write_some(bytes);
  end_ += outcome.written;
  if (content_ == FileContent::lines) {
    const std::size_t line_end = bytes.substr(0, outcome.written).rfind('\n');
    if (line_end != std::string_view::npos) whole_ = begin + line_end + 1;
  }
  if (outcome.error == 0) return outcome;
  cut();
  outcome.written = end_ > begin ? end_ - begin : 0;
  return outcome;
}

void RegularFile::cut() {
  struct stat status {};
  if (whole_ == end_ || fstat(file_, &status) != 0) return;
  if (static_cast<std::uint64_t>(status.st_size) != end_) return;
  const auto whole = static_cast<off_t>(whole_);
  if (ftruncate(file_, whole) == 0 && lseek(file_, whole, SEEK_SET) == whole) end_ = whole_;
}

bool RegularFile::empty() {
  return ftruncate(file_, 0) == 0;
}

int RegularFile::cut_to(std::uint64_t end) {
  const auto place = static_cast<off_t>(end);
  if (ftruncate(file_, place) != 0 || lseek(file_, place, SEEK_SET) != place) return errno;
  end_ = whole_ = end;
  return 0;
}

FileId RegularFile::id() const {
  struct stat status {};
  fstat(file_, &status);
  return id_of(status);
}

bool RegularFile::has_name() const {
  struct stat status {};
  return fstat(file_, &status) == 0 && status.st_nlink > 0;
}

int RegularFile::keep_elsewhere(const std::string& name, const std::string& why) {
  const std::string itself = fmt::format("/proc/self/fd/{}", file_);
  int error = EEXIST;
  std::string fresh;
  for (int number = 1; error == EEXIST && number <= kNamesMax; ++number) {
    fresh = fmt::format("{}.{}", name, number);
    error = linkat(AT_FDCWD, itself.c_str(), folder_.descriptor(), fresh.c_str(),
                   AT_SYMLINK_FOLLOW) == 0
                ? 0
                : errno;
    // A file without any name left cannot get one again.
    if (error != 0 && error != EEXIST) error = copy_to(fresh, 0);
  }
  if (error != 0) {
    remark_ =
        fmt::format("{}, and what was written could not be kept: {}", why, std::strerror(error));
    return error;
  }
  remark_ = fmt::format("{}; what was written is whole in '{}', beside it", why, fresh);
  return EEXIST;
}

int RegularFile::set_aside(std::uint64_t begin, const std::string& name, const std::string& why) {
  int error = EEXIST;
  std::string fresh;
  for (int number = 1; error == EEXIST && number <= kNamesMax; ++number) {
    fresh = fmt::format("{}.{}", name, number);
    error = copy_to(fresh, begin);
  }
  if (error != 0) return error;
  if (ftruncate(file_, static_cast<off_t>(begin)) != 0) return errno;
  end_ = whole_ = begin;
  remark_ = fmt::format("{}; it is in '{}' now, beside it", why, fresh);
  return 0;
}

int RegularFile::copy_to(const std::string& name, std::uint64_t begin) {
  const int copy = openat(folder_.descriptor(), name.c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kCopyMode);
  if (copy < 0) return errno;
  struct stat status {};
  fstat(file_, &status);
  int error = 0;
  auto from = static_cast<loff_t>(begin);
  while (error == 0 && from < status.st_size) {
    const ssize_t copied = copy_file_range(file_, &from, copy, nullptr, kCopyBytes, 0);
    if (copied < 0 && errno != EINTR) error = errno;
    if (copied == 0) break;
  }
  if (error == 0 && fchmod(copy, status.st_mode & 07777) != 0) error = errno;
  if (error == 0 && fsync(copy) != 0) error = errno;
  close(copy);
  if (error != 0) unlinkat(folder_.descriptor(), name.c_str(), 0);
  return error;
}

}  // namespace echoscan
