// The kernel's neighbour table: the MAC address behind an address on the link.
//
// Where the entry of a gateway is missing or stale, a datagram and a probe make the kernel resolve
// it, in bounded time, so that nobody has to be told to ping it first. That is set-up; while a scan
// runs, arp_probe.h asks, and the table is read where the kernel writes the MACs.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "scanner/network/interface.h"
#include "scanner/network/mac_address.h"
#include "scanner/process/clock.h"
#include "scanner/process/file_descriptor.h"
#include "targets/address.h"

namespace echoscan {

struct GatewayMac {
  MacAddress mac;
  bool is_confirmed = false;  // the gateway has just answered; else the entry is an old one
};

enum class NoGateway {
  no_answer,   // nobody answers for that address
  table_full,  // nobody was asked: the kernel's table, one for all namespaces, has no room
};
// For people, behind "the gateway A": a clause.
const char* why_no_gateway(NoGateway reason);

// The MAC of `gateway`. The kernel resolves it first if it has to, for at most `timeout_ms`.
tl::expected<GatewayMac, NoGateway> resolve_gateway(const Interface& interface, Ipv4 gateway,
                                                    Clock& clock, unsigned timeout_ms);
// A socket for datagrams that leave by that interface. Throws std::system_error.
FileDescriptor open_datagrams(const std::string& interface_name);
// Makes the kernel ask for the MAC of an address of which it knows nothing: any datagram to it does
// that. This one goes to the discard port, and whether it arrives does not matter. False: the
// kernel has no room for another neighbour. It says so to sockets that want to hear of errors
// (IP_RECVERR), and to others that the datagram has left (net/ipv4/udp.c, udp_send_skb).
bool send_datagram(int datagrams, Ipv4 address) noexcept;
// Whether a packet that the kernel sends to that neighbour just now goes to `mac`. An address that
// it knows nothing of is asked for with the next packet, and true. Throws nothing; true where the
// kernel does not say.
bool kernel_sends_to(int interface_index, Ipv4 neighbour, const MacAddress& mac) noexcept;

}  // namespace echoscan
