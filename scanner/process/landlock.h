// What files a process may still open and write: Landlock rules, for the kernels that have it.
//
// Files that are open stay so. From then on the folders of the outputs, and what is in them, are
// all that can be opened, made, renamed or removed; TCP connections cannot be made either. There is
// no library for Landlock in Debian 12, and its header there is that of Linux 6.1, so that the
// three system calls and the numbers of newer kernels stand in the .cpp file. Source:
// Documentation/userspace-api/landlock.rst.
#pragma once

#include <span>
#include <string>
#include <tl/expected.hpp>

#include "scanner/process/file_descriptor.h"
#include "scanner/process/refusal.h"

namespace echoscan {

// A set of rules: `folders` may be written in, and folders below `naming_folder`, unless that is
// empty, renamed and removed. Refused with ENOSYS or EOPNOTSUPP where the kernel
// has no Landlock, and with another errno, and a reason with its name, where a folder cannot be
// opened.
tl::expected<FileDescriptor, Refusal> make_landlock_rules(std::span<const std::string> folders,
                                                          const std::string& naming_folder);

// Puts the calling thread, and those that it will begin, under the rules; 0 or an errno. It needs
// no_new_privs. A signal handler may call it.
int obey_landlock_rules(int rules);

}  // namespace echoscan
