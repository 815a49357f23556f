#include "scanner/pipeline/error_marks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

namespace echoscan {
namespace {

constexpr mode_t kMode = 0600;
constexpr std::uint64_t kMarkBytes = sizeof(std::uint64_t);
constexpr std::string_view kHead = "ecsmarks";  // as long as a mark
static_assert(kHead.size() == kMarkBytes);
constexpr std::size_t kReadMarks = 8192;
constexpr unsigned kTypeShift = 32;
constexpr unsigned kCodeShift = 40;

std::uint64_t packed(const ErrorMark& mark) {
  return mark.target.value | std::uint64_t{mark.icmp_type} << kTypeShift |
         std::uint64_t{mark.icmp_code} << kCodeShift;
}

ErrorMark unpacked(std::uint64_t mark) {
  return {Ipv4{static_cast<std::uint32_t>(mark)}, static_cast<std::uint8_t>(mark >> kTypeShift),
          static_cast<std::uint8_t>(mark >> kCodeShift)};
}

constexpr off_t bytes_of(std::uint64_t marks) {
  return static_cast<off_t>(kHead.size() + marks * kMarkBytes);
}

bool has_head(int descriptor) {
  std::array<char, kHead.size()> head{};
  return pread(descriptor, head.data(), head.size(), 0) == ssize_t{kHead.size()} &&
         std::string_view(head.data(), head.size()) == kHead;
}

// Opens a scan's file, and no other; -1: there is none. The error is a clause.
tl::expected<int, std::string> open_own(const std::string& path) {
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return -1;
  if (descriptor < 0) return tl::make_unexpected(std::strerror(errno));
  struct stat status {};
  fstat(descriptor, &status);
  // One that was killed at once may not have written its head yet.
  if (S_ISREG(status.st_mode) && (status.st_size == 0 || has_head(descriptor))) return descriptor;
  ::close(descriptor);
  return tl::make_unexpected("no scan has written it, and it is left as it is");
}

// Makes it anew. The error is a clause.
tl::expected<int, std::string> make_own(const std::string& path) {
  const tl::expected<int, std::string> earlier = open_own(path);
  if (!earlier) return tl::make_unexpected(earlier.error());
  if (*earlier >= 0) {
    ::close(*earlier);
    unlink(path.c_str());
  }
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode);
  if (descriptor < 0) return tl::make_unexpected(std::strerror(errno));
  // Synchronised, so that the file is known behind a loss of power, too.
  errno = 0;
  if (write(descriptor, kHead.data(), kHead.size()) == ssize_t{kHead.size()} &&
      fsync(descriptor) == 0)
    return descriptor;
  const int error = errno != 0 ? errno : ENOSPC;
  ::close(descriptor);
  unlink(path.c_str());
  return tl::make_unexpected(std::strerror(error));
}

// Calls `use` with each of `count` marks; an errno.
int read_marks(int descriptor, std::uint64_t count,
               const std::function<void(const ErrorMark&)>& use) {
  std::vector<std::uint64_t> marks(kReadMarks);
  for (std::uint64_t read = 0; read < count;) {
    const std::size_t wanted = std::min<std::uint64_t>(marks.size(), count - read);
    const ssize_t bytes = pread(descriptor, marks.data(), wanted * kMarkBytes, bytes_of(read));
    if (bytes != static_cast<ssize_t>(wanted * kMarkBytes)) return bytes < 0 ? errno : EIO;
    for (std::size_t i = 0; i < wanted; ++i) use(unpacked(marks[i]));
    read += wanted;
  }
  return 0;
}

}  // namespace

tl::expected<std::unique_ptr<ErrorMarks>, std::string> ErrorMarks::open(
    const std::string& path, const MarksLeft& left,
    const std::function<void(const ErrorMark&)>& use) {
  const auto refusal = [&path](std::string_view reason) {
    return tl::make_unexpected(fmt::format("cannot use '{}': {}", path, reason));
  };
  const tl::expected<int, std::string> opened = left.count == 0 ? make_own(path) : open_own(path);
  if (!opened) return refusal(opened.error());
  if (*opened < 0) return refusal(std::strerror(ENOENT));
  struct stat status {};
  fstat(*opened, &status);
  const auto bytes = std::max(status.st_size, bytes_of(0));
  std::uint64_t count = static_cast<std::uint64_t>(bytes - bytes_of(0)) / kMarkBytes;
  if (left.has_lost_power) count = std::min(count, left.count);
  std::unique_ptr<ErrorMarks> marks(new ErrorMarks(*opened, count));
  if (count < left.count) return refusal(fmt::format("it has {} of {} marks", count, left.count));
  if (ftruncate(*opened, bytes_of(count)) != 0) return refusal(std::strerror(errno));
  if (const int error = read_marks(*opened, count, use); error != 0)
    return refusal(std::strerror(error));
  return marks;
}

void ErrorMarks::remove(const std::string& path) {
  const tl::expected<int, std::string> opened = open_own(path);
  if (!opened || *opened < 0) return;
  close(*opened);
  unlink(path.c_str());
}

ErrorMarks::ErrorMarks(int descriptor, std::uint64_t count)
    : descriptor_(descriptor), count_(count), in_place_(count) {
  waiting_.reserve(kWaitingMax);
}

ErrorMarks::~ErrorMarks() {
  close(descriptor_);
}

void ErrorMarks::add(const ErrorMark& mark) {
  if (waiting_.size() == kWaitingMax) flush();
  // On a full disk they are given up; in_place() then says that they are not there, and the
  // checkpoint stays at an earlier place.
  if (waiting_.size() < kWaitingMax) waiting_.push_back(packed(mark));
  count_.store(count() + 1, std::memory_order_relaxed);
}

void ErrorMarks::flush() {
  if (waiting_.empty()) return;
  const std::size_t bytes = waiting_.size() * kMarkBytes;
  const ssize_t written = write(descriptor_, waiting_.data(), bytes);
  if (written < 0) return;
  // Half a mark would make all behind it unreadable.
  const auto whole = static_cast<std::size_t>(written) / kMarkBytes;
  if (written % static_cast<ssize_t>(kMarkBytes) != 0 &&
      ftruncate(descriptor_, bytes_of(in_place() + whole)) != 0)
    return;
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(whole));
  in_place_.store(in_place() + whole, std::memory_order_relaxed);
}

int ErrorMarks::sync() {
  return fsync(descriptor_) == 0 ? 0 : errno;
}

}  // namespace echoscan
