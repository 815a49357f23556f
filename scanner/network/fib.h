// What the kernel's forwarding information base says of destinations: the way of each, or why it
// has none.
//
// The kernel is asked and never imitated: rules, tables, metrics and next-hop objects are its
// business (`ip route get` asks the same). A dump of all prefixes, of every table and of the rules,
// makes that cheap: prefixes nest, so that all addresses with the same innermost prefix have the
// same answer, and one question does for them. A dump of 1,000,000 routes takes 1.4 s, a question
// 4 us. A dump does not show two things: which of several equal-cost routes a destination takes, by
// a hash of the kernel's (any of them is right), and what ICMP redirects have taught. Set-up only.
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
    direct,       // straight to the destination: on the link, or through a tunnel
    local,        // this host's own address
    broadcast,    // of a network that this host is on
    multicast,    // a group
    blackhole,    // refused, as are all below: EINVAL
    unreachable,  // EHOSTUNREACH
    prohibit,     // EACCES
    no_route,     // ENETUNREACH
  };

  Kind kind = Kind::no_route;
  int interface_index = 0;                            // 0 where it is refused
  std::variant<std::monostate, Ipv4, Ipv6> next_hop;  // RFC 5549: an IPv6 router for IPv4
  std::optional<Ipv4> source;                         // which the kernel would send from

  friend auto operator<=>(const Way&, const Way&) = default;
};

// Whether the kernel refuses to send: blackhole, unreachable, prohibit or no_route.
bool is_refusal(Way::Kind kind);
// Whether a scan sends nothing by such a way: it is a refusal, or the address is no host's.
bool is_unroutable(const Way& way);
// "blackhole"; for people and for JSON.
const char* kind_name(Way::Kind kind);
// The address of the next hop as text; empty when there is none.
std::string next_hop_text(const Way& way);

// The prefixes at whose ends the answer may change: of each route of each table, of each rule, and
// of the ranges that the kernel treats specially without a route. Ascending by first address, the
// wider before the narrower; each once. Throws std::system_error.
std::vector<AddressRange> list_fib_prefixes();

// What narrows a question.
struct WayQuestion {
  // Sent from this address: rules by source hold. The kernel answers only for an address of this
  // host; for another one it is asked without, and the ways have it all the same.
  std::optional<Ipv4> source;
  int interface_index = 0;  // out of this one only, if not 0
};

// The way of each destination, in their order. Where the question names an interface and no route
// leads out of it, the way is no_route, although the kernel itself would take the destination for a
// neighbour. Throws std::system_error.
std::vector<Way> ask_ways(std::span<const Ipv4> destinations, const WayQuestion& question);

}  // namespace echoscan
