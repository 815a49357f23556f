#include "scanner/process/thread_call.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <thread>

namespace echoscan {
namespace {

constexpr auto kPatience = std::chrono::seconds(5);
constexpr auto kLook = std::chrono::microseconds(50);

struct FolderClose {
  void operator()(DIR* folder) const { closedir(folder); }
};

std::atomic<int (*)()> work_to_do{nullptr};
std::atomic<unsigned> works_done = 0;
std::atomic<int> first_error = 0;

void note_error(int error) {
  int none = 0;
  if (error != 0) first_error.compare_exchange_strong(none, error);
}

void do_work(int) {
  const int saved = errno;
  if (int (*const work)() = work_to_do.load()) {
    note_error(work());
    works_done.fetch_add(1);
  }
  errno = saved;
}

// The handler, for as long as it is needed.
class Handler {
 public:
  explicit Handler(int (*work)()) {
    first_error.store(0);
    work_to_do.store(work);
    struct sigaction action {};
    action.sa_handler = do_work;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(kThreadCallSignal, &action, &before_);
  }
  ~Handler() {
    sigaction(kThreadCallSignal, &before_, nullptr);
    work_to_do.store(nullptr);
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

 private:
  struct sigaction before_ {};
};

bool signal_thread(pid_t thread, int signal) {
  return syscall(SYS_tgkill, getpid(), thread, signal) == 0;
}

// False: the thread lives and does not answer. One that ends needs not.
bool call_in(pid_t thread) {
  const unsigned before = works_done.load();
  if (!signal_thread(thread, kThreadCallSignal)) return true;
  const auto given_up = std::chrono::steady_clock::now() + kPatience;
  while (works_done.load() == before) {
    if (!signal_thread(thread, 0)) return true;
    if (std::chrono::steady_clock::now() > given_up) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

}  // namespace

tl::expected<void, Refusal> call_in_all_threads(int (*work)()) {
  // Opened before the work, which may be that nothing can be opened.
  const std::unique_ptr<DIR, FolderClose> folder(opendir("/proc/self/task"));
  if (!folder)
    return refused(fmt::format("/proc/self/task cannot be read: {}", std::strerror(errno)), errno);
  const Handler handler(work);
  note_error(work());
  std::set<pid_t> called{gettid()};
  for (bool is_new = true; is_new;) {
    is_new = false;
    rewinddir(folder.get());
    while (const dirent* entry = readdir(folder.get())) {
      const pid_t thread = std::atoi(entry->d_name);
      if (thread <= 0 || !called.insert(thread).second) continue;
      is_new = true;
      if (!call_in(thread)) return refused(fmt::format("thread {} does not answer", thread), EBUSY);
    }
  }
  if (const int error = first_error.load(); error != 0) return refused(std::strerror(error), error);
  return {};
}

}  // namespace echoscan
