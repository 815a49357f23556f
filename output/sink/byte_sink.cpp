#include "output/sink/byte_sink.h"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace echoscan {
namespace {

constexpr int kWaitMs = 50;

}  // namespace

ByteSink::Completion ByteSink::finish(int) {
  return {};
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

ByteSink::Completion DescriptorSink::finish(int) {
  return {true, sync()};
}

int ByteSink::keep_first(std::uint64_t /*bytes*/) {
  return ENOTSUP;
}

int DescriptorSink::sync() {
  // A file that cannot be synchronised (EINVAL, EROFS) has nothing to lose either.
  if (!is_regular_file_ || fsync(descriptor_) == 0 || errno == EINVAL || errno == EROFS) return 0;
  return errno;
}

int write_and_finish(ByteSink& sink, std::string_view bytes, const std::function<bool()>& goes_on) {
  while (!bytes.empty()) {
    const ByteSink::Outcome outcome = sink.write_some(bytes);
    if (outcome.error != 0) return outcome.error;
    bytes.remove_prefix(outcome.written);
    if (bytes.empty()) break;
    sink.wait_writable(kWaitMs);
    if (outcome.written == 0 && !goes_on()) return ECANCELED;
  }
  while (true) {
    const ByteSink::Completion completion = sink.finish(kWaitMs);
    if (completion.is_done) return completion.error;
    if (!goes_on()) return ECANCELED;
  }
}

}  // namespace echoscan
