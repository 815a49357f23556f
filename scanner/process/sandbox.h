// What this process gives up once all is open, so that whoever takes it over has little of it.
//
// User number, capabilities, new files outside the outputs' folders, and system calls that a scan
// does not make: each is refused by the kernel in every thread and for good. Nothing has to be kept
// for what a scan repairs later. The right to attach the reply filter again lies in the program's
// descriptor, that to receive and send in the sockets', so that no helper process with privileges
// is needed (Linux 5.19; before, bpf(2) itself takes CAP_BPF, which is then kept). The interrupts
// of --busy-poll are put back by a child process, interrupt_keeper.h. docs/security.md has what
// each stands against.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/process/scan_user.h"

namespace echoscan {

struct SandboxPlan {
  std::optional<ScanUser> user;      // to become; nullopt: it stays who it is
  std::vector<std::string> folders;  // in which files are written, renamed and removed
  bool has_foreign_files = false;    // some of these are another user's, and stay so
  std::string naming_folder = {};    // below which folders are renamed and removed; empty: nowhere
};

// Enters it, in all threads and for good, and logs what was given up. What the kernel does not have
// (Landlock), or what a container refuses, is said and done without. Throws std::system_error when
// the user or the capabilities cannot be given up.
void enter_sandbox(const SandboxPlan& plan);

}  // namespace echoscan
