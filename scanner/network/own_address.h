// The addresses of this host: which one an interface sends from, and whether it has one at all.
//
// Which interface has an address is rtnetlink's to say; whether the host has it the kernel's
// routing, which also knows networks that are local by a route. Rejected: to bind a socket to it,
// which net.ipv4.ip_nonlocal_bind lets succeed for any. Set-up only, but for what throws nothing.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "scanner/network/interface.h"
#include "targets/address.h"

namespace echoscan {

// The IPv4 address that `interface` sends from when no route says so; nullopt when it has none.
std::optional<Ipv4> find_source_address(const Interface& interface);
// Whether `address` is one of the interface's own.
bool owns_address(const Interface& interface, Ipv4 address);
// Whether the kernel takes packets for `address` as this host's own, on whichever interface; true
// where it does not say. Throws nothing.
bool is_own_address(Ipv4 address) noexcept;
// Those of the addresses that are this host's, asked for in one go. Throws std::system_error.
std::vector<Ipv4> own_addresses_of(std::span<const Ipv4> addresses);
// The first that is not, as is_own_address() says it.
std::optional<Ipv4> find_foreign_address(std::span<const Ipv4> addresses) noexcept;

}  // namespace echoscan
