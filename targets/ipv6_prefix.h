// IPv6 addresses and prefixes, as far as a list of IPv4 targets has to know them: to leave them
// out.
//
// Published lists have both families in one file, so that an entry of the other one is counted and
// no error. Only what the C library reads as IPv6 is that: `1.2.3.4:80` was taken for it by its
// colon, and an exclusion list would have lost an address. And an IPv4 address that is written
// in IPv6's form (`::ffff:192.0.2.1`) is never left out, since it names what can be probed.
#pragma once

#include <optional>
#include <string_view>

#include "targets/address.h"

namespace echoscan {

// Whether a text is an IPv6 address, a prefix, or a range of two addresses, that stands for no IPv4
// address.
bool is_ipv6_target(std::string_view text);

// The IPv4 address, or the first one of the block, that an IPv6 address or prefix stands for.
std::optional<Ipv4> embedded_ipv4(std::string_view text);

}  // namespace echoscan
