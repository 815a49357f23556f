#include "output/byte_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace echoscan {

DescriptorSink::DescriptorSink(const std::string& path) : owned_(path != "-") {
  descriptor_ =
      owned_ ? open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : STDOUT_FILENO;
  struct stat status {};
  if (descriptor_ < 0 || fstat(descriptor_, &status) != 0)
    throw std::system_error(errno, std::generic_category(), "open " + path);
  is_regular_file_ = S_ISREG(status.st_mode);
}

DescriptorSink::~DescriptorSink() {
  if (owned_) close(descriptor_);
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
