#include "scanner/account/status_file.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "output/sink/file_place.h"
#include "output/sink/output_file.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {

struct StatusFile::Shared {
  explicit Shared(std::string file) : path(std::move(file)) {}

  void run();
  void write(const std::string& text);

  const std::string path;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<std::string> next;  // mutex guards this and the next two
  bool is_closing = false;
  bool is_writing = false;
  std::atomic<bool> is_given_up = false;
  bool has_warned = false;  // the thread's alone
};

void StatusFile::Shared::run() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [this] { return is_closing || next; });
    if (!next) return;
    const std::string text = *std::exchange(next, std::nullopt);
    is_writing = true;
    lock.unlock();
    write(text);
    lock.lock();
    is_writing = false;
    changed.notify_all();
  }
}

void StatusFile::Shared::write(const std::string& text) {
  std::string reason;
  try {
    reason = replace_file(path, text, OutputMode::document);
  } catch (const std::exception& error) {
    reason = error.what();
  }
  if (reason.empty() || has_warned || is_given_up.load()) return;
  has_warned = true;
  log_warning("--status-file: {}; the scan goes on, and this is said once", reason);
}

StatusFile::StatusFile(const std::string& path) : shared_(std::make_shared<Shared>(path)) {
  if (const tl::expected<FilePlace, std::string> place = find_place(path);
      place && (place->is_opened || place->name.empty()))
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("--status-file: '{}' is no regular file, which could be replaced", path));
  std::thread([shared = shared_] { shared->run(); }).detach();
}

StatusFile::~StatusFile() {
  Shared& shared = *shared_;
  std::unique_lock lock(shared.mutex);
  shared.is_closing = true;
  shared.changed.notify_all();
  if (!shared.changed.wait_for(lock, std::chrono::milliseconds(kPatienceMs),
                               [&shared] { return !shared.next && !shared.is_writing; }))
    shared.is_given_up.store(true);
}

void StatusFile::put(std::string text) noexcept {
  const std::lock_guard lock(shared_->mutex);
  shared_->next = std::move(text);
  shared_->changed.notify_all();
}

}  // namespace echoscan
