// The messages of one scan as a file keeps them, whatever becomes of them on standard error.
//
// A scan has something to say before the file for it is open: what is left out of the lists, which
// user it becomes. So messages are kept in memory first, and go to the file when there is one, by a
// MessageQueue, so that a slow disk holds nobody up. A text can be left out by what is in it; how
// many were, the file says at its end. Rejected: to open the file first, which a scan whose lists
// are wrong would leave behind.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "scanner/process/message_queue.h"

namespace echoscan {

class LogCopy {
 public:
  using IsLeftOut = std::function<bool(std::string_view line)>;

  // From now on, messages are copied (log.h). One at a time.
  explicit LogCopy(IsLeftOut is_left_out);
  // Messages are no longer copied.
  ~LogCopy();
  LogCopy(const LogCopy&) = delete;
  LogCopy& operator=(const LogCopy&) = delete;

  // Line by line. Any thread; waits for no disk.
  void add(std::string_view text) noexcept;
  // What was said so far, and all that follows, is written to this descriptor, which is not closed.
  // Throws std::system_error when there can be no thread.
  void write_to(int descriptor);
  // The last line of what was said is written, and how many lines are missing. An errno.
  int close();

 private:
  std::mutex mutex_;
  IsLeftOut is_left_out_;
  std::string kept_;  // mutex_ guards this and the next two
  std::optional<MessageQueue> queue_;
  std::uint64_t left_out_ = 0;
  int descriptor_ = -1;
};

}  // namespace echoscan
