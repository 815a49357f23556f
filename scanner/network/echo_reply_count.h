// How many ICMP echo replies the kernel itself has received: its own figure (InEchoReps in
// /proc/net/snmp), beside what a reply filter has seen.
//
// It counts what reaches its ICMP layer over all interfaces of the network namespace: what XDP
// drops, a firewall or the reverse path filter drop, or has a wrong checksum is not in it, and
// other processes' pings are. Rejected: rtnetlink's counters of an interface, which do not know
// ICMP.
#pragma once

#include <cstdint>
#include <optional>

#include "scanner/process/file_descriptor.h"

namespace echoscan {

class EchoReplyCount {
 public:
  // Where there is no such file, read() says nothing.
  EchoReplyCount();

  // Since the namespace exists; nothing when the kernel does not say. About 30 us; throws nothing,
  // allocates nothing.
  [[nodiscard]] std::optional<std::uint64_t> read() const noexcept;

 private:
  FileDescriptor file_;
};

}  // namespace echoscan
