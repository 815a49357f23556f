// What the kernel's forwarding information base says of destinations: the way of each, or why it
// has none.
//
// The kernel is asked and never imitated: rules, tables, metrics and next-hop objects are its
// business (`ip route get` asks the same). What makes that cheap is the dump of all prefixes, of
// every table and of the rules: they nest, so that all addresses below the same innermost prefix
// have the same answer, and one question does for them. A dump of 1,000,000 routes takes 1.4 s, a
// question 4 us. Two things no dump shows: equal-cost routes, where the kernel picks by a hash of
// each destination (any of them is right), and what it has learnt by ICMP redirects. Set-up only.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "targets/prefix.h"

namespace echoscan {

struct Ipv6 {
  std::array<std::uint8_t, 16> bytes{};  // in network order

  friend auto operator<=>(const Ipv6&, const Ipv6&) = default;
};

struct Way {
  enum class Kind : std::uint8_t {
    gateway,      // by next_hop
    direct,       // to the destination itself: on the link, or through a tunnel
    local,        // this host's own address
    broadcast,    // of a network that this host is on
    multicast,    // a group
    blackhole,    // refused, from here on: EINVAL
    unreachable,  // EHOSTUNREACH
    prohibit,     // EACCES
    no_route,     // ENETUNREACH
  };

  Kind kind = Kind::no_route;
  int interface_index = 0;                            // 0 where it is refused
  std::variant<std::monostate, Ipv4, Ipv6> next_hop;  // RFC 5549: an IPv6 router for IPv4
  std::optional<Ipv4> source;                         // that the kernel would send from

  friend auto operator<=>(const Way&, const Way&) = default;
};

// Whether the kernel sends nothing to there.
bool is_refusal(Way::Kind kind);
// "blackhole"; for people and for JSON.
const char* kind_name(Way::Kind kind);
// The address of the next hop as text; empty when there is none.
std::string next_hop_text(const Way& way);

// Where the answers may change: the prefix of each route of each table, of each rule, and of what
// the kernel treats apart by itself. Ascending by first address, the wider before the narrower;
// each once. Throws std::system_error.
std::vector<AddressRange> list_fib_prefixes();

// What narrows a question.
struct WayQuestion {
  std::optional<Ipv4> source;  // sent from this address: rules by source hold
  int interface_index = 0;     // out of this one only, if not 0
};

// The way of each destination, in their order. With an interface, "no route" where no route leads
// out of it: the kernel itself would then take the destination for a neighbour. Throws
// std::system_error.
std::vector<Way> ask_ways(std::span<const Ipv4> destinations, const WayQuestion& question);

}  // namespace echoscan
