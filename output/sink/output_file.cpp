#include "output/sink/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "output/sink/compressed_sink.h"

namespace echoscan {
namespace {

constexpr mode_t kNewFileMode = 0666;  // less the umask

using Opened = tl::expected<std::unique_ptr<ByteSink>, std::string>;

tl::unexpected<std::string> refusal(const std::string& path, const char* reason) {
  return tl::make_unexpected(fmt::format("cannot write to '{}': {}", path, reason));
}

// A regular file that gets its name at the end.
class PartFile : public DescriptorSink {
 public:
  PartFile(int descriptor, std::string part, std::string name)
      : DescriptorSink(descriptor), part_(std::move(part)), name_(std::move(name)) {}
  ~PartFile() override {
    // A scan that was refused at the last moment leaves nothing behind.
    if (!is_finished_ && !has_bytes_) unlink(part_.c_str());
  }

  Outcome write_some(std::string_view bytes) override {
    has_bytes_ = true;
    return DescriptorSink::write_some(bytes);
  }
  Completion finish(int wait_ms) override {
    Completion completion = DescriptorSink::finish(wait_ms);
    if (completion.error != 0) return completion;
    is_finished_ = true;
    return {true, std::rename(part_.c_str(), name_.c_str()) == 0 ? 0 : errno};
  }

 private:
  std::string part_;
  std::string name_;
  bool has_bytes_ = false;
  bool is_finished_ = false;
};

// A file that is continued where it ends.
class LogFile : public DescriptorSink {
 public:
  LogFile(int descriptor, bool is_empty) : DescriptorSink(descriptor), is_empty_(is_empty) {}
  [[nodiscard]] bool continues_earlier() const override { return !is_empty_; }

 private:
  bool is_empty_;
};

// Opens NAME.part, and empties it only after locking it: another scan may be writing to it.
Opened open_part(const std::string& path, const struct stat* earlier) {
  // The file behind a symbolic link is meant, and not the link.
  const std::string name = earlier ? std::filesystem::canonical(path).string() : path;
  const std::string part = name + ".part";
  const int descriptor = open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kNewFileMode);
  // If NAME exists, the user knows nothing of NAME.part yet: name that one.
  if (descriptor < 0) return refusal(earlier ? part : path, std::strerror(errno));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    close(descriptor);
    return refusal(part, "another process is writing to it");
  }
  auto file = std::make_unique<PartFile>(descriptor, part, name);
  bool is_good = ftruncate(descriptor, 0) == 0;
  // Who may read the earlier file may read the one that takes its place.
  if (earlier) {
    is_good = is_good && fchmod(descriptor, earlier->st_mode & 07777) == 0;
    if (geteuid() == 0)
      is_good = is_good && fchown(descriptor, earlier->st_uid, earlier->st_gid) == 0;
  }
  if (is_good) return file;
  return refusal(part, std::strerror(errno));
}

Opened open_log(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, kNewFileMode);
  struct stat status {};
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    const int error = errno;
    if (descriptor >= 0) close(descriptor);
    return refusal(path, std::strerror(error));
  }
  auto file = std::make_unique<LogFile>(descriptor, status.st_size == 0);
  // A killed scan may have left half a line: end it, so that no more than that line is lost.
  char last = '\n';
  if (compression_of(path) == Compression::none && status.st_size > 0 &&
      pread(descriptor, &last, 1, status.st_size - 1) == 1 && last != '\n')
    file->write_some("\n");
  return file;
}

// Opens devices, FIFOs and links such as /dev/fd/3, for appending: others may be writing there too.
Opened open_direct(const std::string& path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0) return refusal(path, std::strerror(errno));
  return std::make_unique<DescriptorSink>(descriptor);
}

}  // namespace

tl::expected<std::unique_ptr<ByteSink>, std::string> open_output(const std::string& path,
                                                                 OutputMode mode) {
  if (path == "-" || path == "/dev/stdout") return std::make_unique<DescriptorSink>(STDOUT_FILENO);
  struct stat status {};
  const bool exists = stat(path.c_str(), &status) == 0;
  // /dev/fd/3 and /proc/self/fd/3 are links to what a shell has opened and goes on writing to.
  const bool is_direct = (exists && !S_ISREG(status.st_mode)) || path.starts_with("/dev/") ||
                         path.starts_with("/proc/");
  Opened sink = is_direct                    ? open_direct(path)
                : mode == OutputMode::append ? open_log(path)
                                             : open_part(path, exists ? &status : nullptr);
  const Compression compression = compression_of(path);
  if (!sink || compression == Compression::none) return sink;
  return std::make_unique<CompressedSink>(std::move(*sink), compression);
}

}  // namespace echoscan
