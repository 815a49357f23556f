// The names of hosts that a list may hold, and what is asked about them.
//
// A list is addresses: what a name stands for today may be another's tomorrow, so that a name is an
// error unless its reader was told to look names up. What inet_aton(3) takes for an address is no
// name (`10`, `0x7f000001`, `192.0.2.0x4`), since getaddrinfo(3) would answer 0.0.0.10. Whoever
// looks up is outside of this room, which asks no network: a function. Rejected: looking up each
// name as it is read, which takes 20 ms a name where many at once take no longer than the slowest.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "targets/address.h"

namespace echoscan {

// All IPv4 addresses of a name, at least one; or why there is none, a clause.
using HostAddresses = tl::expected<std::vector<Ipv4>, std::string>;
// Those of each of the names, in their order.
using HostLookup = std::function<std::vector<HostAddresses>(const std::vector<std::string>&)>;

// A line of a list that begins with a name, with the label behind it; "" without one.
struct HostLine {
  std::string_view name;
  std::string_view label;
};

// Whether a text may be the name of a host, of letters, digits, `-`, `_` and dots. Names of a
// single word are names, too.
bool is_host_name(std::string_view text);
// Whether a text ends in a number, as an address does and no name: its last part decides.
bool ends_in_number(std::string_view text);

// Reads a line without its end; nullopt where it does not begin with a name, and where the label
// holds what is written as a target or may be a second name.
std::optional<HostLine> read_host_line(std::string_view line);

}  // namespace echoscan
