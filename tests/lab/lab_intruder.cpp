// Somebody who has taken a scan over, where it is preloaded (LD_PRELOAD): a thread of the process
// that tries what an attacker would, as soon as the process has entered its sandbox.
//
// LAB_INTRUDER is "REPORT OUTSIDE INSIDE": the report's file, a folder that is none of the scan's
// and one that is. The report is opened before, since nothing outside can be opened later. It gets
// a line for each attempt: its name, and the errno's name or "done". The thread begins when the
// process does, before any sandbox, so that it finds out whether threads are forgotten.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

FILE* report = nullptr;

void note(const char* what, long result) {
  const char* end = result >= 0 ? "done" : strerrorname_np(errno);
  std::fprintf(report, "%s %s\n", what, end);
}

// As for clone(2) with no stack of its own: fork(2) without glibc's preparations.
long make_process() {
  const long child = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) _exit(0);
  if (child > 0) waitpid(static_cast<pid_t>(child), nullptr, 0);
  return child;
}

long connect_to_loopback() {
  const int stream = socket(AF_INET, SOCK_STREAM, 0);
  if (stream < 0) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  return connect(stream, reinterpret_cast<sockaddr*>(&address), sizeof(address));
}

long command_bpf(int command) {
  bpf_attr attributes{};
  if (command == BPF_MAP_CREATE) {
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = attributes.value_size = 4;
    attributes.max_entries = 1;
  }
  return syscall(SYS_bpf, command, &attributes, sizeof(attributes));
}

// What the kernel answers to a new address of ours, -1 and errno.
long add_address() {
  struct {
    nlmsghdr header;
    ifaddrmsg address;
  } request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = RTM_NEWADDR;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.address.ifa_family = AF_INET;
  const int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (netlink < 0 || send(netlink, &request, sizeof(request), 0) < 0) return -1;
  struct {
    nlmsghdr header;
    nlmsgerr error;
    std::array<char, 512> rest;
  } answer{};
  if (recv(netlink, &answer, sizeof(answer), 0) < 0) return -1;
  errno = -answer.error.error;
  return answer.error.error;
}

long switch_interface_off() {
  ifreq request{};
  std::strcpy(request.ifr_name, "lab0");
  const int any = socket(AF_INET, SOCK_DGRAM, 0);
  return any < 0 ? -1 : ioctl(any, SIOCSIFFLAGS, &request);
}

long execute() {
  std::array<char*, 2> arguments{const_cast<char*>("/bin/true"), nullptr};
  return execve("/bin/true", arguments.data(), nullptr);
}

long make_executable_memory() {
  return mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
              0) == MAP_FAILED
             ? -1
             : 0;
}

long make_memory_executable() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? -1 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

long read_memory_of(pid_t process) {
  std::array<char, 16> bytes{};
  iovec here{bytes.data(), bytes.size()};
  iovec there{reinterpret_cast<void*>(0x1000), bytes.size()};
  return process_vm_readv(process, &here, 1, &there, 1, 0);
}

long open_file(const std::string& path, int flags) {
  return open(path.c_str(), flags | O_CLOEXEC, 0600);
}

long type_into_terminal() {
  char letter = 'x';
  return ioctl(STDIN_FILENO, TIOCSTI, &letter);
}

void try_files(const std::string& outside, const std::string& inside) {
  note("make_inside", open_file(inside + "/mine", O_WRONLY | O_CREAT));
  note("read_outside", open_file(outside + "/secret", O_RDONLY));
  note("read_passwd", open_file("/etc/passwd", O_RDONLY));
  note("make_outside", open_file(outside + "/made", O_WRONLY | O_CREAT));
  note("remove_outside", unlink((outside + "/secret").c_str()));
  note("rename_outside", rename((inside + "/mine").c_str(), (outside + "/mine").c_str()));
  note("list_outside", open_file(outside, O_RDONLY | O_DIRECTORY));
  note("chmod_outside", chmod((outside + "/secret").c_str(), 0777));
  note("link_inside", symlink("/etc/passwd", (inside + "/link").c_str()));
  note("device_inside", mknod((inside + "/device").c_str(), S_IFCHR | 0600, 0x0101));
}

void try_processes() {
  note("execute", execute());
  note("make_process", make_process());
  note("signal_parent", kill(getppid(), 0));
  note("trace_parent", ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr));
  note("read_parent", read_memory_of(getppid()));
  note("executable_memory", make_executable_memory());
  note("memory_executable", make_memory_executable());
  note("type", type_into_terminal());
}

void try_privileges() {
  note("become_root", setresuid(0, 0, 0));
  note("become_other", setresuid(4242, 4242, 4242));
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> all{};
  for (auto& set : all) set.permitted = set.effective = 1U << CAP_NET_ADMIN;
  note("take_capabilities", syscall(SYS_capset, &header, all.data()));
  note("mount", mount("none", "/mnt", "tmpfs", 0, nullptr));
  note("unshare", unshare(CLONE_NEWUSER));
  note("lift_filter", prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
}

void try_network() {
  note("packet_socket", socket(AF_PACKET, SOCK_RAW, 0));
  note("raw_socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  note("connect", connect_to_loopback());
  note("load_program", command_bpf(BPF_PROG_LOAD));
  note("make_map", command_bpf(BPF_MAP_CREATE));
  note("pin", command_bpf(BPF_OBJ_PIN));
  note("add_address", add_address());
  note("switch_interface_off", switch_interface_off());
}

// The filter refuses prctl's questions, and this is one.
bool is_confined() {
  return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) < 0;
}

void intrude(const std::string& outside, const std::string& inside) {
  for (int looks = 0; looks < 20'000 && !is_confined(); ++looks) usleep(1000);
  if (!is_confined()) std::fprintf(report, "no_sandbox done\n");
  try_files(outside, inside);
  try_processes();
  try_privileges();
  try_network();
  std::fprintf(report, "end done\n");
  std::fclose(report);
}

[[gnu::constructor]] void begin() {
  const char* text = std::getenv("LAB_INTRUDER");
  if (text == nullptr) return;
  std::array<char, 256> path{};
  std::array<char, 256> outside{};
  std::array<char, 256> inside{};
  if (std::sscanf(text, "%255s %255s %255s", path.data(), outside.data(), inside.data()) != 3)
    return;
  report = std::fopen(path.data(), "we");
  if (report == nullptr) return;
  std::thread(intrude, std::string(outside.data()), std::string(inside.data())).detach();
}

}  // namespace
