// A network interface: what the kernel says of it, and the wait for its link.
//
// Facts come by rtnetlink and, for channels and driver, by the ethtool ioctl: both work without
// privileges and inside any namespace. Attaching an XDP program makes several drivers restart their
// link (ixgbe 10 s, igb 1 s); carrier_changes shows a restart even when a poll misses the gap.
// Set-up only, except where it says that nothing is thrown.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scanner/network/mac_address.h"
#include "scanner/process/clock.h"

namespace echoscan {

// What an interface has dropped of what came in, by its own count. Drivers differ in which they
// count by, and `dropped` has frames in it that nobody on this host takes.
struct ReceiveDrops {
  std::uint64_t dropped = 0;      // rx_dropped: by driver or kernel
  std::uint64_t missed = 0;       // rx_missed_errors: the card's rings were full
  std::uint64_t fifo_errors = 0;  // rx_fifo_errors: so was its memory
};

struct Interface {
  std::string name;
  int index = 0;
  MacAddress mac;
  bool is_ethernet = false;
  bool is_loopback = false;
  bool is_up = false;        // administratively
  bool has_carrier = false;  // up, and something is at the other end
  std::uint32_t carrier_changes = 0;
  std::uint32_t mtu = 0;
  std::uint64_t tx_packets = 0;  // the interface's own count; some drivers leave AF_XDP out
  std::uint64_t rx_packets = 0;  // likewise
  ReceiveDrops rx_drops;
  unsigned queues = 1;  // that can send: "combined" in ethtool's words
  std::string driver;   // empty when it does not say
};

// The names of all interfaces of the namespace; empty when the kernel does not say.
std::vector<std::string> interface_names();
// Throws UserError when there is no such interface.
Interface find_interface(const std::string& name);
Interface find_interface(int index);

// How many packets the interface itself counts as sent; nothing when it is gone, or the kernel does
// not say. Throws nothing.
std::optional<std::uint64_t> read_tx_packets(int index) noexcept;
// The same of those received.
std::optional<std::uint64_t> read_rx_packets(int index) noexcept;
// What it has dropped of what came in.
std::optional<ReceiveDrops> read_receive_drops(int index) noexcept;
// How many packets each interface of the namespace counts as received, by name; empty when the
// kernel does not say. Throws nothing.
std::map<std::string, std::uint64_t> read_rx_packets_by_name() noexcept;

// Waits for the link to be up: at least 50 ms, in case a driver is about to take it down (some
// cannot, see driver_facts.h), and up to `timeout_s` in all for it to come back. Throws UserError
// when it does not. `before` was read before the change that may make the link restart. Returns for
// how many nanoseconds it waited; 0 if the link never went.
std::uint64_t wait_for_carrier(const Interface& before, Clock& clock, double timeout_s);

}  // namespace echoscan
