#include "scanner/process/system_call_filter.h"

#include <linux/bpf.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace echoscan {
namespace {

// Whatever their arguments are. Data plane, control, outputs, the metrics' server, and what
// malloc, threads and signals are made of.
constexpr std::array kCalls{
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64),
    SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(dup),
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime), SCMP_SYS(pselect6), SCMP_SYS(select),
    // Sockets that are there.
    SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg), SCMP_SYS(bind), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(shutdown),
    SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    // Files. Landlock says which.
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(fstat), SCMP_SYS(lstat),
    SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
    SCMP_SYS(flock), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
    SCMP_SYS(fchmod), SCMP_SYS(fchown), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
    SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(getdents64),
    SCMP_SYS(copy_file_range), SCMP_SYS(sendfile),
    // Memory that is not executable, see below.
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(msync),
    // Threads, time and signals.
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid), SCMP_SYS(getpid),
    SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname),
    SCMP_SYS(sysinfo), SCMP_SYS(getcpu), SCMP_SYS(getrandom), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(wait4), SCMP_SYS(getrusage),
    SCMP_SYS(prlimit64), SCMP_SYS(exit), SCMP_SYS(exit_group)};

// With what is there already: programs, maps and links.
constexpr std::array kBpfCommands{BPF_MAP_LOOKUP_ELEM,    BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM,
                                  BPF_MAP_GET_NEXT_KEY,   BPF_PROG_TEST_RUN,   BPF_PROG_QUERY,
                                  BPF_OBJ_GET_INFO_BY_FD, BPF_LINK_CREATE,     BPF_LINK_DETACH};

// Questions about interfaces and the terminal. What SIOCETHTOOL could change takes CAP_NET_ADMIN.
constexpr std::array<unsigned long, 10> kDeviceRequests{
    SIOCETHTOOL,   SIOCGIFNAME, SIOCGIFINDEX, SIOCGIFMTU, SIOCGIFFLAGS,
    SIOCGIFHWADDR, TIOCGWINSZ,  TCGETS,       FIONBIO,    FIONREAD};

constexpr std::array kThreadSettings{PR_SET_NAME, PR_GET_NAME, PR_SET_TIMERSLACK, PR_SET_VMA};

// The kernel's routes and neighbours; and sockets that ioctl(2) asks about interfaces.
constexpr std::array<std::pair<int, int>, 3> kSockets{
    {{AF_NETLINK, SOCK_RAW}, {AF_INET, SOCK_DGRAM}, {AF_UNIX, SOCK_DGRAM}}};
constexpr int kNetlinkRoute = 0;
constexpr scmp_datum_t kSocketKinds = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK

struct FilterRelease {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterRelease>;

// Adds rules and keeps the first error, a negative errno.
class Rules {
 public:
  explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}

  template <typename... Conditions>
  void allow(int call, Conditions... conditions) {
    add(SCMP_ACT_ALLOW, call, conditions...);
  }
  template <typename... Conditions>
  void add(std::uint32_t action, int call, Conditions... conditions) {
    const std::array<scmp_arg_cmp, sizeof...(Conditions)> list{conditions...};
    note(seccomp_rule_add_array(filter_, action, call, list.size(), list.data()));
  }
  void note(int result) {
    if (error_ == 0) error_ = result;
  }
  [[nodiscard]] int error() const { return error_; }

 private:
  scmp_filter_ctx filter_;
  int error_ = 0;
};

scmp_arg_cmp equals(unsigned argument, scmp_datum_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}

scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

void add_calls_with_arguments(Rules& rules) {
  for (const auto command : kBpfCommands) rules.allow(SCMP_SYS(bpf), equals(0, command));
  for (const auto request : kDeviceRequests) rules.allow(SCMP_SYS(ioctl), equals(1, request));
  for (const auto setting : kThreadSettings)
    rules.allow(SCMP_SYS(prctl), equals(0, static_cast<scmp_datum_t>(setting)));
  for (const auto& [family, kind] : kSockets)
    rules.allow(SCMP_SYS(socket), equals(0, static_cast<scmp_datum_t>(family)),
                masked(1, kSocketKinds, static_cast<scmp_datum_t>(kind)), equals(2, kNetlinkRoute));
  // An ordinary thread, and no process. What clone3 is asked stands in memory, where no filter can
  // look; told that there is none, glibc takes clone.
  rules.allow(SCMP_SYS(clone), masked(0, CLONE_THREAD, CLONE_THREAD));
  rules.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    rules.allow(call, masked(2, PROT_EXEC, 0));
  rules.allow(SCMP_SYS(tgkill), equals(0, static_cast<scmp_datum_t>(getpid())));
}

}  // namespace

tl::expected<void, Refusal> filter_system_calls() {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return refused("libseccomp has no filter", ENOMEM);
  Rules rules(filter.get());
  rules.note(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1));
  // A tree instead of a list: the calls that send are not behind a hundred others.
  rules.note(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
  for (const int call : kCalls) rules.allow(call);
  add_calls_with_arguments(rules);
  if (rules.error() == 0) rules.note(seccomp_load(filter.get()));
  if (rules.error() == 0) return {};
  return refused(std::strerror(-rules.error()), -rules.error());
}

}  // namespace echoscan
