// Messages on their way to standard error, written by a thread of their own.
//
// Whoever writes to a terminal that is held or to a pipe that nobody reads waits for its reader. A
// scan's control that waited there could not be stopped: --max-runtime passed and SIGTERM did
// nothing. So a message is copied into a queue, and only the queue's thread may wait. A message
// that finds kQueueBytes waiting before it, or that cannot be written, is dropped and counted, and
// the next one that can be written says how many were. On a terminal one line can stand below all
// messages: the thread takes it away for each and draws it again, so that neither tears the other,
// and of the lines that a held terminal misses only the last is drawn. Rejected: a non-blocking
// descriptor, since O_NONBLOCK belongs to the open file, which other processes share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace echoscan {

class MessageQueue {
 public:
  static constexpr std::size_t kQueueBytes = std::size_t{256} << 10;
  // So long may a reader take nothing before the queue's end leaves the rest unwritten.
  static constexpr int kPatienceMs = 2000;

  // Starts the thread. Throws std::system_error when there can be none.
  explicit MessageQueue(int descriptor);
  // Waits until all is written, but not for a reader that takes nothing for kPatienceMs.
  ~MessageQueue();
  MessageQueue(const MessageQueue&) = delete;
  MessageQueue& operator=(const MessageQueue&) = delete;

  // Any thread; waits for no reader. A message may be of any length: a summary that has no file is
  // megabytes.
  void push(std::string_view text) noexcept;
  // From now on this line, without an end, stands below all messages; an empty one takes it away.
  // For terminals that move their cursor; the line must fit into one of theirs. Any thread; waits
  // for no reader.
  void stand(std::string_view line) noexcept;
  // Messages that were dropped so far. Any thread.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  // It outlives the queue when its thread cannot be ended: that is deep in a write to the terminal.
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace echoscan
