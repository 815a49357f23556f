#include "scanner/process/sandbox.h"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "scanner/process/landlock.h"
#include "scanner/process/log.h"
#include "scanner/process/system_call_filter.h"
#include "scanner/process/system_error.h"
#include "scanner/process/thread_call.h"

namespace echoscan {
namespace {

using CapabilitySets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

// Of the calling thread.
CapabilitySets read_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  CapabilitySets sets{};
  syscall(SYS_capget, &header, sets.data());
  return sets;
}

int write_capabilities(const CapabilitySets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return syscall(SYS_capset, &header, sets.data()) == 0 ? 0 : errno;
}

// As long as it lives the calling thread has no capability in force.
class WithoutCapabilities {
 public:
  WithoutCapabilities() : before_(read_capabilities()) {
    CapabilitySets none = before_;
    for (auto& set : none) set.effective = 0;
    write_capabilities(none);
  }
  ~WithoutCapabilities() { write_capabilities(before_); }
  WithoutCapabilities(const WithoutCapabilities&) = delete;
  WithoutCapabilities& operator=(const WithoutCapabilities&) = delete;

 private:
  CapabilitySets before_;
};

struct Capability {
  unsigned number;
  const char* name;
};
using Capabilities = std::vector<Capability>;

// Linux before 5.19, where unprivileged users may not use bpf(2): no command is answered then.
bool bpf_takes_a_capability() {
  const WithoutCapabilities none;
  bpf_attr attributes{};
  attributes.info.bpf_fd = UINT32_MAX;
  return syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attributes, sizeof(attributes)) < 0 &&
         errno == EPERM;
}

// Root without capabilities may write where any user may who owns the folder.
bool needs_roots_rights(const SandboxPlan& plan) {
  if (plan.user || geteuid() != 0) return false;
  const WithoutCapabilities none;
  return plan.has_foreign_files || find_forbidden(plan.folders) ||
         (!plan.naming_folder.empty() && find_forbidden(std::span(&plan.naming_folder, 1)));
}

// Those that are needed and that this process has.
Capabilities capabilities_to_keep(const SandboxPlan& plan) {
  Capabilities needed;
  if (bpf_takes_a_capability()) needed.push_back({CAP_BPF, "CAP_BPF"});
  if (needs_roots_rights(plan))
    needed.insert(needed.end(), {{CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
                                 {CAP_CHOWN, "CAP_CHOWN"},
                                 {CAP_FOWNER, "CAP_FOWNER"}});
  const CapabilitySets sets = read_capabilities();
  std::erase_if(needed, [&sets](const Capability& capability) {
    return (sets[CAP_TO_INDEX(capability.number)].permitted & CAP_TO_MASK(capability.number)) == 0;
  });
  return needed;
}

// What each thread does in a signal handler; written before they do.
struct Confinement {
  CapabilitySets capabilities{};
  int landlock_rules = -1;
};
Confinement confinement;

int confine_thread() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  if (confinement.landlock_rules >= 0)
    if (const int error = obey_landlock_rules(confinement.landlock_rules); error != 0) return error;
  return write_capabilities(confinement.capabilities);
}

// Otherwise they go with the user number.
int keep_capabilities_of_another_user() {
  return prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0 ? 0 : errno;
}

void call_or_throw(int (*work)(), const char* what) {
  if (const tl::expected<void, Refusal> done = call_in_all_threads(work); !done)
    throw std::system_error(done.error().error, std::generic_category(),
                            fmt::format("{} ({})", what, done.error().reason));
}

std::string names_of(const Capabilities& kept) {
  if (kept.empty()) return "no capabilities";
  std::string names;
  for (const Capability& capability : kept)
    names += (names.empty() ? "" : ", ") + std::string(capability.name);
  return names + " and no other capability";
}

std::string names_of(const std::vector<std::string>& folders) {
  if (folders.empty()) return "no new files";
  std::string names;
  for (const std::string& folder : folders)
    names += fmt::format("{}'{}'", names.empty() ? "files only in " : ", ", folder);
  return names;
}

}  // namespace

void enter_sandbox(const SandboxPlan& plan) {
  tzset();  // reads the zone's file while it can be read
  const Capabilities kept = capabilities_to_keep(plan);
  confinement = {};
  for (const Capability& capability : kept) {
    __user_cap_data_struct& set = confinement.capabilities[CAP_TO_INDEX(capability.number)];
    set.permitted |= CAP_TO_MASK(capability.number);
    set.effective |= CAP_TO_MASK(capability.number);
  }
  const tl::expected<FileDescriptor, Refusal> rules =
      make_landlock_rules(plan.folders, plan.naming_folder);
  if (rules) confinement.landlock_rules = rules->get();
  if (plan.user) {
    if (!kept.empty()) call_or_throw(keep_capabilities_of_another_user, "keep CAP_BPF");
    become(*plan.user);
  }
  call_or_throw(confine_thread, "give capabilities up");
  const tl::expected<void, Refusal> filtered = filter_system_calls();
  log_info("confined: {}{}, {}, {}", plan.user ? fmt::format("user {}, ", plan.user->name) : "",
           names_of(kept),
           rules ? names_of(plan.folders) : fmt::format("no Landlock ({})", rules.error().reason),
           filtered ? "system calls filtered"
                    : fmt::format("no filter of system calls ({})", filtered.error().reason));
}

}  // namespace echoscan
