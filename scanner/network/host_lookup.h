// Names of hosts, looked up by getaddrinfo(3) through Boost.Asio, so that /etc/hosts, mDNS and
// search domains count as they do for every other program.
//
// Many names are asked for at once, kLookupsMax at most, since what takes long is a server that
// does not answer, and a resolver does not like to be flooded. Rejected: a DNS library, which would
// know of DNS alone, and asynchronous getaddrinfo_a(3), which starts a thread a name as well.
#pragma once

#include <string>
#include <vector>

#include "targets/host_name.h"

namespace echoscan {

inline constexpr std::size_t kLookupsMax = 32;

// All IPv4 addresses of each name, in the names' order, each address once and as the resolver has
// them. Returns when the last name is answered: with glibc's resolver after 10 s a server at most.
std::vector<HostAddresses> look_up_hosts(const std::vector<std::string>& names);

}  // namespace echoscan
