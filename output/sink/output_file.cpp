#include "output/sink/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "output/sink/compressed_sink.h"
#include "output/sink/file_place.h"
#include "output/sink/frame_end.h"
#include "output/sink/part_file.h"
#include "output/sink/regular_file.h"

namespace echoscan {
namespace {

constexpr mode_t kNewFileMode = 0666;  // less the umask
constexpr int kAttemptsMax = 100;

using OpenedSink = tl::expected<std::unique_ptr<ByteSink>, std::string>;

tl::unexpected<std::string> refusal(const std::string& path, std::string_view reason) {
  return tl::make_unexpected(fmt::format("cannot write to '{}': {}", path, reason));
}

// A file that is continued where it ends.
class LogFile : public RegularFile {
 public:
  LogFile(int descriptor, Folder folder, FileContent content, std::uint64_t end, std::string name)
      : RegularFile(descriptor, std::move(folder), content, end), name_(std::move(name)) {
    if (content == FileContent::frames) {
      half_frame_ = find_half_frame(descriptor, end, compression_of(name_));
    } else if (char last = '\n'; end > 0) {
      has_half_line_ =
          pread(descriptor, &last, 1, static_cast<off_t>(end) - 1) == 1 && last != '\n';
    }
    is_empty_ = half_frame_.value_or(end) == 0;
  }
  [[nodiscard]] bool continues_earlier() const override { return !is_empty_; }

  Outcome write_some(std::string_view bytes) override {
    if (const int error = end_earlier(); error != 0) return {0, error};
    return RegularFile::write_some(bytes);
  }

  Completion finish(int wait_ms) override {
    const Completion completion = RegularFile::finish(wait_ms);
    // Under another name, as logs are rotated, all is well.
    if (!completion.is_done || completion.error != 0 || has_name()) return completion;
    return {true, keep_elsewhere(name_, fmt::format("'{}' was removed in mid-scan", name_))};
  }

 private:
  // Ends what a killed scan has left: half a line, of which no more is lost then, or half a frame,
  // behind which nothing could be read. An errno.
  int end_earlier() {
    if (std::exchange(has_half_line_, false))
      if (const int error = RegularFile::write_some("\n").error; error != 0) return error;
    if (!half_frame_) return 0;
    const int error =
        set_aside(*half_frame_, name_,
                  fmt::format("'{}' ended in half a frame, which a killed scan has left", name_));
    if (error == 0) half_frame_.reset();
    return error;
  }

  std::string name_;
  std::optional<std::uint64_t> half_frame_;  // where it begins
  bool has_half_line_ = false;
  bool is_empty_ = false;
};

// Why `file`, which is there already, is not to be written to; empty: it may be. In a folder that
// all may write to, others put files of theirs under the names that they expect.
std::string why_not_trusted(const struct stat& file, const FilePlace& place) {
  if (!place.is_in_shared_folder() || file.st_uid == geteuid()) return {};
  if (file.st_uid == place.folder_status.st_uid) return {};
  return fmt::format("it belongs to another user (uid {}), in a folder that all may write to",
                     file.st_uid);
}

OpenedSink open_log(const std::string& path, const FilePlace& place, FileContent content) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    Folder folder(place.folder);
    if (!folder.is_open()) return refusal(path, std::strerror(errno));
    const int descriptor =
        openat(folder.descriptor(), place.name.c_str(),
               O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kNewFileMode);
    if (descriptor < 0) return refusal(path, std::strerror(errno));
    const bool is_locked = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    struct stat status {};
    fstat(descriptor, &status);
    const bool is_there = folder.find(place.name) == id_of(status);
    const std::string foreign = why_not_trusted(status, place);
    if (!is_locked || !is_there || !foreign.empty()) close(descriptor);
    if (!is_locked) return refusal(path, "another process is writing to it");
    if (!foreign.empty()) return refusal(path, foreign);
    // It was renamed or removed between our opening and our locking.
    if (!is_there) continue;
    const auto end = static_cast<std::uint64_t>(status.st_size);
    return std::make_unique<LogFile>(descriptor, std::move(folder), content, end, place.name);
  }
  return refusal(path, "it is renamed or removed all the time");
}

// Opens devices, FIFOs and links such as /dev/fd/3, for appending: others may be writing there too.
// Nothing that is opened or written here blocks: a FIFO that nobody opens for reading would hold
// a scan where no signal and no limit ends it.
OpenedSink open_direct(const std::string& path, const Pause& pause) {
  while (true) {
    const int descriptor = open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0) return std::make_unique<DescriptorSink>(descriptor);
    const int error = errno;
    struct stat status {};
    const bool has_no_reader =
        error == ENXIO && stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
    if (!has_no_reader && error != EINTR) return refusal(path, std::strerror(error));
    pause();
  }
}

OpenedSink open_file(const std::string& path, OutputMode mode, Compression compression,
                     const Pause& pause) {
  const tl::expected<FilePlace, std::string> place = find_place(path);
  if (!place) return refusal(path, place.error());
  if (place->is_opened && mode != OutputMode::resume) return open_direct(path, pause);
  if (place->is_opened) return refusal(path, "it is no regular file that a scan has left");
  if (place->name.empty()) return refusal(path, std::strerror(EISDIR));
  if (place->file)
    if (const std::string reason = why_not_trusted(*place->file, *place); !reason.empty())
      return refusal(path, reason);
  const bool is_whole_or_nothing = mode == OutputMode::document || mode == OutputMode::secret;
  const FileContent content = compression != Compression::none ? FileContent::frames
                              : is_whole_or_nothing            ? FileContent::document
                                                               : FileContent::lines;
  if (mode == OutputMode::append) return open_log(path, *place, content);
  if (mode == OutputMode::resume) return PartFile::reopen(path, *place, content);
  const auto readers = mode == OutputMode::secret ? Readers::owner : Readers::as_earlier;
  return PartFile::open(path, *place, content, readers);
}

bool is_link(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

int sync_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const int opened =
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return errno;
  // Some file systems cannot, and need not.
  const int error = fsync(opened) == 0 || errno == EINVAL ? 0 : errno;
  close(opened);
  return error;
}

bool is_standard_output(const std::string& path) {
  return path == "-" || path == "/dev/stdout";
}

}  // namespace

void pause_20_ms() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

tl::expected<std::unique_ptr<ByteSink>, std::string> open_output(const std::string& path,
                                                                 OutputMode mode,
                                                                 const Pause& pause) {
  if (is_standard_output(path)) return std::make_unique<DescriptorSink>(STDOUT_FILENO);
  const Compression compression = compression_of(path);
  OpenedSink sink = open_file(path, mode, compression, pause);
  if (!sink || compression == Compression::none) return sink;
  return std::make_unique<CompressedSink>(std::move(*sink), compression);
}

std::string replace_file(const std::string& path, const std::string& text, OutputMode mode,
                         bool is_lasting) {
  // Somebody else would say where it is written.
  if (mode == OutputMode::secret && is_link(path))
    return refusal(path, "it is a symbolic link").value();
  const Pause give_up = [] { throw std::runtime_error("it became a FIFO"); };
  const OpenedSink sink = open_output(path, mode, give_up);
  if (!sink) return sink.error();
  int error = write_and_finish(**sink, text);
  if (error == 0 && is_lasting) error = sync_folder_of(path);
  if (error == 0) return {};
  const std::string remark = (*sink)->remark();
  return refusal(path, remark.empty() ? std::strerror(error) : remark).value();
}

}  // namespace echoscan
