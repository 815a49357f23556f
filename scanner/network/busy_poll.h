// Busy polling of an interface: its interrupts wait while AF_XDP's senders poll its queues
// themselves.
//
// A socket that prefers busy polling (SO_PREFER_BUSY_POLL, Linux 5.11) changes little until the
// interface holds its interrupts back (interrupt_settings.h). This owner makes it do so, and puts
// back what it found. The values are those that the kernel's and DPDK's documents advise:
// interrupts stay off for 2 empty polls, and a timer polls after 200 us if nobody else does, so
// that a reply may be stamped that late. A child process does that (interrupt_keeper.h), for a scan
// that is killed, too. Only when both are killed the settings stay, and a note of what was found
// (interrupt_note.h), which the next scan on that interface acts upon.
#pragma once

#include <optional>

#include "scanner/network/interface.h"
#include "scanner/network/interrupt_keeper.h"
#include "scanner/network/interrupt_note.h"
#include "scanner/network/interrupt_settings.h"

namespace echoscan {

// What a killed scan has left on the interface; nullopt: nothing, or somebody has changed it since.
// Takes no privilege, and changes nothing.
std::optional<InterruptNote::Content> find_held_back(const Interface& interface);

// Puts back what a killed scan has left on the interface, and says so; or that it cannot.
void put_back_interrupts(const Interface& interface);

class BusyPolling {
 public:
  static constexpr const char* kDeferPolls = "2";
  static constexpr const char* kFlushTimeoutNs = "200000";

  // Call put_back_interrupts() first. Throws UserError with code environment, and changes nothing,
  // when the settings do not exist or may not be written, or while another scan has changed them.
  explicit BusyPolling(const Interface& interface);
  BusyPolling(const BusyPolling&) = delete;
  BusyPolling& operator=(const BusyPolling&) = delete;
  // Puts back what it found, or warns that it could not.
  ~BusyPolling();

 private:
  std::optional<InterruptKeeper> keeper_;
  InterruptValues found_;
};

}  // namespace echoscan
