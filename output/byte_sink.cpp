#include "output/byte_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace echoscan {

std::unique_ptr<DescriptorSink> DescriptorSink::open(const std::string& path, int& error) {
  const int descriptor = path == "-"
                             ? STDOUT_FILENO
                             : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  error = descriptor < 0 ? errno : 0;
  if (descriptor < 0) return nullptr;
  return std::unique_ptr<DescriptorSink>(new DescriptorSink(descriptor));
}

DescriptorSink::DescriptorSink(int descriptor) : descriptor_(descriptor) {
  struct stat status {};
  is_regular_file_ = fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
}

DescriptorSink::~DescriptorSink() {
  if (descriptor_ != STDOUT_FILENO) close(descriptor_);
}

ByteSink::Outcome DescriptorSink::write_some(std::string_view bytes) {
  Outcome outcome;
  while (!bytes.empty()) {
    std::size_t chunk = bytes.size();
    if (!is_regular_file_) {
      pollfd writable{descriptor_, POLLOUT, 0};
      if (poll(&writable, 1, 0) == 0) break;
      chunk = std::min<std::size_t>(chunk, PIPE_BUF);
    }
    const ssize_t written = write(descriptor_, bytes.data(), chunk);
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) outcome.error = errno;
      break;
    }
    outcome.written += static_cast<std::size_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return outcome;
}

void DescriptorSink::wait_writable(int wait_ms) {
  pollfd writable{descriptor_, POLLOUT, 0};
  poll(&writable, 1, wait_ms);
}

}  // namespace echoscan
