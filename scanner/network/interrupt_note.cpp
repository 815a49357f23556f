#include "scanner/network/interrupt_note.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

namespace echoscan {
namespace {

constexpr std::size_t kNoteBytesMax = 256;
constexpr mode_t kFolderMode = 0755;
constexpr mode_t kNoteMode = 0644;
constexpr int kAttemptsMax = 100;

std::string path_of(int interface_index, const std::string& folder) {
  struct stat network_namespace {};
  stat("/proc/self/ns/net", &network_namespace);
  return fmt::format("{}/busy_poll.{}.{}", folder, network_namespace.st_ino, interface_index);
}

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::optional<InterruptNote::Content> read_note(int file) {
  std::array<char, kNoteBytesMax> text{};
  const ssize_t bytes = pread(file, text.data(), text.size(), 0);
  if (bytes <= 0) return std::nullopt;
  const std::string line(text.data(), static_cast<std::size_t>(bytes));
  // A scan that was killed while it wrote this had changed nothing yet.
  if (line.back() != '\n') return std::nullopt;
  std::istringstream words(line);
  InterruptNote::Content note;
  words >> note.process >> note.found.defer_hard_irqs >> note.found.gro_flush_timeout >>
      note.set.defer_hard_irqs >> note.set.gro_flush_timeout;
  if (!words) return std::nullopt;
  return note;
}

bool is_there(const std::string& path, int file) {
  struct stat here {};
  struct stat there {};
  return fstat(file, &here) == 0 && lstat(path.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

}  // namespace

std::optional<InterruptNote::Content> InterruptNote::find_left(int interface_index,
                                                               const std::string& folder) {
  const std::string path = path_of(interface_index, folder);
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return std::nullopt;
  struct flock lock = whole_file(F_WRLCK);
  if (fcntl(file.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK) return std::nullopt;
  return read_note(file.get());
}

tl::expected<InterruptNote, Refusal> InterruptNote::take(int interface_index,
                                                         const std::string& folder) {
  InterruptNote note;
  note.path_ = path_of(interface_index, folder);
  mkdir(folder.c_str(), kFolderMode);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    note.file_ = FileDescriptor(open(
        note.path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, kNoteMode));
    if (!note.file_) return refused(std::strerror(errno), errno);
    struct flock lock = whole_file(F_WRLCK);
    if (fcntl(note.file_.get(), F_OFD_SETLK, &lock) != 0) {
      if (errno != EAGAIN) return refused(std::strerror(errno), errno);
      const std::optional<Content> other = read_note(note.file_.get());
      return refused(other ? fmt::format("process {}", other->process) : "it is just beginning",
                     EAGAIN);
    }
    // Its scan may have removed it between our opening and our locking.
    if (!is_there(note.path_, note.file_.get())) continue;
    note.left_ = read_note(note.file_.get());
    return note;
  }
  return refused("others take and remove it all the time", EAGAIN);
}

tl::expected<void, Refusal> InterruptNote::write(const Content& content) {
  const std::string text = fmt::format(
      "{} {} {} {} {}\n", content.process, content.found.defer_hard_irqs,
      content.found.gro_flush_timeout, content.set.defer_hard_irqs, content.set.gro_flush_timeout);
  const auto bytes = static_cast<ssize_t>(text.size());
  if (ftruncate(file_.get(), 0) == 0 && pwrite(file_.get(), text.data(), text.size(), 0) == bytes)
    return {};
  return refused(std::strerror(errno), errno);
}

void InterruptNote::remove() {
  if (is_there(path_, file_.get())) unlink(path_.c_str());
}

}  // namespace echoscan
