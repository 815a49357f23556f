#include "scanner/pipeline/error_marks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace echoscan {
namespace {

constexpr mode_t kMode = 0600;
constexpr std::uint64_t kMarkBytes = sizeof(std::uint64_t);
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

// Calls `use` with each of `count` marks; an errno.
int read_marks(int descriptor, std::uint64_t count,
               const std::function<void(const ErrorMark&)>& use) {
  std::vector<std::uint64_t> marks(kReadMarks);
  for (std::uint64_t read = 0; read < count;) {
    const std::size_t wanted = std::min<std::uint64_t>(marks.size(), count - read);
    const ssize_t bytes =
        pread(descriptor, marks.data(), wanted * kMarkBytes, static_cast<off_t>(read * kMarkBytes));
    if (bytes != static_cast<ssize_t>(wanted * kMarkBytes)) return bytes < 0 ? errno : EIO;
    for (std::size_t i = 0; i < wanted; ++i) use(unpacked(marks[i]));
    read += wanted;
  }
  return 0;
}

}  // namespace

tl::expected<std::unique_ptr<ErrorMarks>, std::string> ErrorMarks::open(
    const std::string& path, std::uint64_t kept, const std::function<void(const ErrorMark&)>& use) {
  const auto refusal = [&path](std::string_view reason) {
    return tl::make_unexpected(fmt::format("cannot use '{}': {}", path, reason));
  };
  if (kept == 0) unlink(path.c_str());
  const int how = kept == 0 ? O_CREAT | O_EXCL : 0;
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | how, kMode);
  if (descriptor < 0) return refusal(std::strerror(errno));
  struct stat status {};
  fstat(descriptor, &status);
  const std::uint64_t count = static_cast<std::uint64_t>(status.st_size) / kMarkBytes;
  std::unique_ptr<ErrorMarks> marks(new ErrorMarks(descriptor, count));
  if (count < kept) return refusal(fmt::format("it has {} of {} marks", count, kept));
  if (ftruncate(descriptor, static_cast<off_t>(count * kMarkBytes)) != 0)
    return refusal(std::strerror(errno));
  if (const int error = read_marks(descriptor, count, use); error != 0)
    return refusal(std::strerror(error));
  return marks;
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
      ftruncate(descriptor_, static_cast<off_t>((in_place() + whole) * kMarkBytes)) != 0)
    return;
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(whole));
  in_place_.store(in_place() + whole, std::memory_order_relaxed);
}

int ErrorMarks::sync() {
  return fsync(descriptor_) == 0 ? 0 : errno;
}

}  // namespace echoscan
