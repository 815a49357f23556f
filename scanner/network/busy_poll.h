// Busy polling of an interface: its interrupts wait while AF_XDP's senders poll its queues
// themselves.
//
// A socket that prefers busy polling (SO_PREFER_BUSY_POLL, Linux 5.11) changes little until the
// interface holds its interrupts back; that is two values in sysfs, for the whole interface and for
// good. This owner writes them and puts back what it found. They are the ones that the kernel's and
// DPDK's documents advise: interrupts stay off for 2 empty polls, and a timer polls after 200 us if
// nobody else does, by which a reply may be stamped late. Rejected: the netlink interface, which
// knows single queues, but not before Linux 6.13. A process that is killed (SIGKILL) leaves them:
// docs/design.md has the command that does away with them.
#pragma once

#include <string>

namespace echoscan {

class BusyPolling {
 public:
  static constexpr const char* kDeferPolls = "2";
  static constexpr const char* kFlushTimeoutNs = "200000";

  // For the interface with this directory in sysfs, as in /sys/class/net/eth0. Throws UserError
  // with code environment when there are no such settings or they may not be written; then nothing
  // has changed.
  explicit BusyPolling(const std::string& directory);
  BusyPolling(const BusyPolling&) = delete;
  BusyPolling& operator=(const BusyPolling&) = delete;
  // Puts back what it found, or warns that it could not.
  ~BusyPolling();

 private:
  std::string defer_path_;
  std::string flush_path_;
  std::string defer_before_;
  std::string flush_before_;
};

}  // namespace echoscan
