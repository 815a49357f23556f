// The way to the targets: interface, source address and gateway, as the kernel's own routing gives
// them.
//
// One scan has one way. The kernel's route of a target decides it, so that policy routing and
// several default routes are handled as the kernel does, and not guessed from a table (zmap takes
// the first route with a gateway). The gateway's MAC comes from the kernel too: where its entry is
// missing or stale, a datagram and a probe make the kernel resolve it, in bounded time, so that
// nobody has to be told to ping it first. Set-up only.
#pragma once

#include <optional>
#include <vector>

#include "scanner/network/interface.h"
#include "scanner/network/mac_address.h"
#include "scanner/process/clock.h"
#include "targets/address.h"
#include "targets/prefix.h"

namespace echoscan {

struct Route {
  int interface_index = 0;
  std::optional<Ipv4> gateway;  // none: the destination is on the link itself
  std::optional<Ipv4> source;
};

// The route to `destination`, out of the given interface when interface_index is not 0; nullopt
// when the kernel has none.
std::optional<Route> find_route(Ipv4 destination, int interface_index);

// The IPv4 address that `interface` sends from when no route says so; nullopt when it has none.
std::optional<Ipv4> find_source_address(const Interface& interface);
// Whether `address` is one of the interface's own.
bool owns_address(const Interface& interface, Ipv4 address);
// Whether `address` is this host's own, on whichever interface: whether a socket may be bound to it
// (with net.ipv4.ip_nonlocal_bind it may be to any). Throws nothing.
bool is_own_address(Ipv4 address) noexcept;
// The networks that the interface is directly on, merged: no gateway leads to them.
std::vector<AddressRange> connected_networks(const Interface& interface);

struct GatewayMac {
  MacAddress mac;
  bool is_confirmed = false;  // the gateway has just answered; else the entry is an old one
};

// The MAC of `gateway`. The kernel resolves it first if it has to, for at most `timeout_ms`.
// nullopt when nobody answers for that address.
std::optional<GatewayMac> resolve_gateway(const Interface& interface, Ipv4 gateway, Clock& clock,
                                          unsigned timeout_ms);

}  // namespace echoscan
