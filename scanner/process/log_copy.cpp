#include "scanner/process/log_copy.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "scanner/process/log.h"

namespace echoscan {

LogCopy::LogCopy(IsLeftOut is_left_out) : is_left_out_(std::move(is_left_out)) {
  copy_messages_to(this);
}

LogCopy::~LogCopy() {
  copy_messages_to(nullptr);
}

void LogCopy::add(std::string_view text) noexcept try {
  const std::lock_guard lock(mutex_);
  std::string wanted;
  while (!text.empty()) {
    const std::size_t bytes = std::min(text.find('\n'), text.size() - 1) + 1;
    if (is_left_out_(text.substr(0, bytes))) {
      ++left_out_;
    } else {
      wanted += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  if (wanted.empty()) return;
  if (queue_) {
    queue_->push(wanted);
  } else {
    kept_ += wanted;
  }
} catch (const std::bad_alloc&) {
  // Without memory nothing is said.
}

void LogCopy::write_to(int descriptor) {
  const std::lock_guard lock(mutex_);
  descriptor_ = descriptor;
  queue_.emplace(descriptor);
  queue_->push(kept_);
  kept_.clear();
}

int LogCopy::close() {
  copy_messages_to(nullptr);
  const std::lock_guard lock(mutex_);
  const std::uint64_t lost = queue_->dropped();
  queue_.reset();
  std::string end;
  if (lost > 0) end += fmt::format("echoscan: {} messages are missing here\n", lost);
  if (left_out_ > 0)
    end += fmt::format("echoscan: {} lines with addresses are left out\n", left_out_);
  const ssize_t written = write(descriptor_, end.data(), end.size());
  if (written != static_cast<ssize_t>(end.size())) return written < 0 ? errno : ENOSPC;
  return fsync(descriptor_) == 0 ? 0 : errno;
}

}  // namespace echoscan
