// The watch on settings of the interface that somebody may change under a scan: its MTU and its
// transmit queues.
//
// Neither costs a probe by itself: a packet that does not fit is refused, and what the kernel takes
// nothing of for 30 s ends the scan with its error; a queue of AF_XDP cannot be taken away, and
// other methods have the kernel pick one. So it is said, and nothing is repaired. Rejected: to end
// the scan at once, since who sets something anew often sets it back. Like the control, whose part
// it is, it takes time as an argument.
#pragma once

#include <cstdint>
#include <optional>

#include "scanner/account/event_log.h"
#include "scanner/network/link.h"

namespace echoscan {

class SettingsWatch {
 public:
  static constexpr std::uint64_t kLookNs = 200'000'000;

  // Both must outlive the watch.
  SettingsWatch(const Link& link, EventLog& events) : link_(link), events_(events) {}

  // Call it about every 10 ms.
  void look(std::uint64_t now_ns);

 private:
  void note_mtu(std::uint64_t now_ns, int mtu);
  void note_queues(std::uint64_t now_ns, unsigned queues);

  const Link& link_;
  EventLog& events_;
  std::optional<LinkSettings> settings_;  // as they were last seen
  std::uint64_t looked_ns_ = 0;           // 0: not yet
};

}  // namespace echoscan
