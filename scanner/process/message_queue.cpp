#include "scanner/process/message_queue.h"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace echoscan {
namespace {

constexpr int kPollMs = 100;
constexpr int kRefusedMs = 10;
constexpr std::string_view kTakeLineAway = "\r\033[K";

struct Message {
  std::string text;
  std::uint64_t dropped_before = 0;  // since the message before it
};

}  // namespace

struct MessageQueue::Shared {
  explicit Shared(int to) : descriptor(to) {
    struct stat status {};
    is_regular_file = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  }

  void run();
  // In place of the line that stands on the terminal, if one does.
  void write_message(Message message, bool in_place);
  void draw(std::string_view line);
  bool write_all(std::string_view text);

  const int descriptor;
  bool is_regular_file = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Message> waiting;  // mutex guards this and the next six
  std::string standing;         // the line that is to stand below all messages
  std::string drawn;            // the line that does
  std::size_t waiting_bytes = 0;
  std::uint64_t dropped_since_push = 0;
  bool is_closing = false;
  bool is_writing = false;
  std::atomic<bool> is_given_up = false;
  std::atomic<std::uint64_t> progress = 0;  // writes that have succeeded
  std::atomic<std::uint64_t> dropped = 0;
  std::uint64_t untold = 0;  // dropped ones that no line has told of; the thread's alone
};

void MessageQueue::Shared::run() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [this] { return is_closing || !waiting.empty() || standing != drawn; });
    if (waiting.empty() && standing == drawn) return;
    is_writing = true;
    if (waiting.empty()) {
      drawn = standing;
      lock.unlock();
      draw(drawn);
    } else {
      Message message = std::move(waiting.front());
      waiting.pop_front();
      waiting_bytes -= message.text.size();
      const bool in_place = !std::exchange(drawn, {}).empty();
      lock.unlock();
      write_message(std::move(message), in_place);
    }
    lock.lock();
    is_writing = false;
    changed.notify_all();
  }
}

// What cannot be drawn is not drawn again: the next line may be.
void MessageQueue::Shared::draw(std::string_view line) {
  write_all(std::string(kTakeLineAway) + std::string(line));
}

void MessageQueue::Shared::write_message(Message message, bool in_place) {
  untold += message.dropped_before;
  if (untold > 0)
    message.text.insert(
        0, "echoscan: " + std::to_string(untold) + " messages could not be written here\n");
  if (in_place) message.text.insert(0, kTakeLineAway);
  if (write_all(message.text)) {
    untold = 0;
  } else {
    ++untold;
    dropped.fetch_add(1, std::memory_order_relaxed);
  }
}

// False when it cannot be written, or nobody waits for that any more.
bool MessageQueue::Shared::write_all(std::string_view text) {
  while (!text.empty()) {
    if (is_given_up.load(std::memory_order_relaxed)) return false;
    std::size_t chunk = text.size();
    // poll(2) waits for ever on a descriptor that is none; write says that it is bad.
    if (!is_regular_file && descriptor >= 0) {
      pollfd writable{descriptor, POLLOUT, 0};
      if (poll(&writable, 1, kPollMs) == 0) continue;
      chunk = std::min<std::size_t>(chunk, PIPE_BUF);
    }
    const ssize_t written = write(descriptor, text.data(), chunk);
    if (written > 0) {
      progress.fetch_add(1, std::memory_order_relaxed);
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      // Somebody has made it non-blocking, and another writer was quicker.
      std::this_thread::sleep_for(std::chrono::milliseconds(kRefusedMs));
    } else if (written == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

MessageQueue::MessageQueue(int descriptor) : shared_(std::make_shared<Shared>(descriptor)) {
  std::thread([shared = shared_] { shared->run(); }).detach();
}

MessageQueue::~MessageQueue() {
  Shared& shared = *shared_;
  std::unique_lock lock(shared.mutex);
  shared.is_closing = true;
  shared.standing.clear();
  shared.changed.notify_all();
  const auto is_done = [&shared] {
    return shared.waiting.empty() && !shared.is_writing && shared.drawn.empty();
  };
  std::uint64_t progress = 0;
  do {
    progress = shared.progress.load(std::memory_order_relaxed);
  } while (!shared.changed.wait_for(lock, std::chrono::milliseconds(kPatienceMs), is_done) &&
           progress != shared.progress.load(std::memory_order_relaxed));
  shared.is_given_up.store(true, std::memory_order_relaxed);
}

void MessageQueue::push(std::string_view text) noexcept {
  Shared& shared = *shared_;
  const std::lock_guard lock(shared.mutex);
  try {
    if (shared.waiting_bytes < kQueueBytes) {
      shared.waiting.push_back({std::string(text), shared.dropped_since_push});
      shared.waiting_bytes += text.size();
      shared.dropped_since_push = 0;
      shared.changed.notify_all();
      return;
    }
  } catch (const std::bad_alloc&) {
    // Counted below.
  }
  ++shared.dropped_since_push;
  shared.dropped.fetch_add(1, std::memory_order_relaxed);
}

void MessageQueue::stand(std::string_view line) noexcept {
  Shared& shared = *shared_;
  const std::lock_guard lock(shared.mutex);
  try {
    shared.standing = line;
    shared.changed.notify_all();
  } catch (const std::bad_alloc&) {
    // The line before it stands on.
  }
}

std::uint64_t MessageQueue::dropped() const {
  return shared_->dropped.load(std::memory_order_relaxed);
}

}  // namespace echoscan
