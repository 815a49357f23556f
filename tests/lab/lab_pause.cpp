// Stops one thread of a process for a while: lab_pause PID NAME SECONDS
//
// SIGSTOP stops all threads of a process, and no scheduler keeps one of them off the CPUs for sure.
// ptrace does. It waits for a thread that is not there yet, as a loop in a shell comes too late for
// a scan of a second. Exit status 1 where the process ends before, or it cannot be stopped.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

constexpr useconds_t kLookUs = 1000;

// 0: there is none.
pid_t find_thread(const std::string& pid, const std::string& name) {
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + pid + "/task", error)) {
    std::ifstream in(thread.path() / "comm");
    std::string comm;
    if (std::getline(in, comm) && comm == name)
      return static_cast<pid_t>(std::stoi(thread.path().filename()));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: lab_pause PID THREAD SECONDS\n";
    return 2;
  }
  pid_t thread = 0;
  while ((thread = find_thread(argv[1], argv[2])) == 0 &&
         std::filesystem::exists(std::string("/proc/") + argv[1] + "/task"))
    usleep(kLookUs);
  if (thread == 0 || ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0 ||
      ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0 ||
      waitpid(thread, nullptr, __WALL) != thread)
    return 1;
  usleep(static_cast<useconds_t>(std::atof(argv[3]) * 1e6));
  return ptrace(PTRACE_DETACH, thread, nullptr, nullptr) == 0 ? 0 : 1;
}
