#include "scanner/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {

LogFile::LogFile(std::string path) : path_(std::move(path)) {
  if (!path_.empty()) copy_.emplace([](std::string_view) { return false; });
}

LogFile::~LogFile() {
  if (!file_) return;
  if (const int error = copy_->close(); error != 0)
    write_to_stderr(fmt::format("echoscan: not all messages could be written to '{}': {}\n", path_,
                                std::strerror(error)),
                    LogLevel::error);
}

void LogFile::open() {
  if (path_.empty()) return;
  // Without O_NONBLOCK a FIFO without a reader would hold the scan up; nobody reads it then.
  file_ = FileDescriptor(
      ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666));
  if (!file_)
    throw UserError(ExitCode::output,
                    fmt::format("--log-file: cannot write '{}': {}", path_, std::strerror(errno)));
  copy_->write_to(file_.get());
}

}  // namespace echoscan
