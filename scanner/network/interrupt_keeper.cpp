#include "scanner/network/interrupt_keeper.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

namespace echoscan {
namespace {

// Of what the parent has open the child needs its own files alone; a reply filter that the child
// held would outlive a scan that is killed.
void close_all_but(std::vector<int> kept) {
  std::ranges::sort(kept);
  unsigned next = 0;
  for (const int descriptor : kept) {
    const auto number = static_cast<unsigned>(descriptor);
    if (number > next) syscall(SYS_close_range, next, number - 1, 0);
    next = number + 1;
  }
  syscall(SYS_close_range, next, ~0U, 0);
}

void keep_net_admin_alone() {
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  sets[CAP_TO_INDEX(CAP_NET_ADMIN)].permitted = CAP_TO_MASK(CAP_NET_ADMIN);
  sets[CAP_TO_INDEX(CAP_NET_ADMIN)].effective = CAP_TO_MASK(CAP_NET_ADMIN);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  syscall(SYS_capset, &header, sets.data());
}

}  // namespace

tl::expected<InterruptKeeper, Refusal> InterruptKeeper::start(const InterruptSettings& settings,
                                                              const InterruptValues& found,
                                                              InterruptNote* note) {
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return refused(std::strerror(errno), errno);
  const FileDescriptor end(pipe_ends[0]);
  FileDescriptor order(pipe_ends[1]);
  // Signals are the scan's to obey: Ctrl-C comes to both.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = fork();
  const int error = errno;
  if (child != 0) pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) return refused(std::strerror(error), error);
  if (child > 0) return InterruptKeeper(child, std::move(order));

  std::vector<int> kept = settings.descriptors();
  kept.push_back(end.get());
  if (note != nullptr) kept.push_back(note->descriptor());
  close_all_but(std::move(kept));
  keep_net_admin_alone();
  prctl(PR_SET_NAME, "interrupts");
  char byte = 0;
  while (read(end.get(), &byte, 1) != 0 && errno == EINTR) {
  }
  const tl::expected<void, Refusal> written = settings.write(found);
  // With the interface its settings are gone.
  if (note != nullptr && (written || written.error().error == ENODEV)) note->remove();
  _exit(written ? 0 : written.error().error);
}

InterruptKeeper::InterruptKeeper(InterruptKeeper&& other) noexcept
    : child_(std::exchange(other.child_, 0)), order_(std::move(other.order_)) {}

InterruptKeeper& InterruptKeeper::operator=(InterruptKeeper&& other) noexcept {
  std::swap(child_, other.child_);
  std::swap(order_, other.order_);
  return *this;
}

InterruptKeeper::~InterruptKeeper() {
  put_back();
}

tl::expected<void, Refusal> InterruptKeeper::put_back() {
  if (child_ == 0) return {};
  order_ = FileDescriptor();
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = 0;
  if (!WIFEXITED(status)) return refused("the process that keeps them was killed", ECHILD);
  if (const int error = WEXITSTATUS(status); error != 0)
    return refused(std::strerror(error), error);
  return {};
}

}  // namespace echoscan
