// Busy polling of an interface: its interrupts wait while AF_XDP's senders poll its queues
// themselves.
//
// A socket that prefers busy polling (SO_PREFER_BUSY_POLL, Linux 5.11) changes little until the
// interface holds its interrupts back. Two values in sysfs make it do so, for the whole interface
// and until they are changed again. This owner writes them and puts back what it found. The values
// are those that the kernel's and DPDK's documents advise: interrupts stay off for 2 empty polls,
// and a timer polls after 200 us if nobody else does, so that a reply may be stamped that late.
// Rejected: the netlink interface, which sets single queues, but only from Linux 6.13 on. SIGKILL
// leaves the values in place; docs/design.md has the command that resets them.
#pragma once

#include <string>

namespace echoscan {

class BusyPolling {
 public:
  static constexpr const char* kDeferPolls = "2";
  static constexpr const char* kFlushTimeoutNs = "200000";

  // `interface` is its name. Throws UserError with code environment, and changes nothing, when the
  // settings do not exist or may not be written.
  explicit BusyPolling(const std::string& interface);
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
