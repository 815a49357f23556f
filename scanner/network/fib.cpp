#include "scanner/network/fib.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "scanner/network/netlink.h"
#include "scanner/network/own_address.h"
#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

// The ranges that the kernel's ip_route_output_key() treats specially, whatever the tables say.
constexpr std::array<AddressRange, 5> kKernelPrefixes{{
    {{0x00000000}, {0x00ffffff}},  // this network
    {{0x00000000}, {0x00000000}},  // this host
    {{0xe0000000}, {0xefffffff}},  // multicast
    {{0xe0000000}, {0xe00000ff}},  // multicast on the link
    {{0xffffffff}, {0xffffffff}},  // limited broadcast
}};

constexpr int kDumpsMax = 20;

AddressRange prefix_range(Ipv4 address, unsigned length) {
  const auto hosts = static_cast<std::uint32_t>((std::uint64_t{1} << (32 - length)) - 1);
  return {Ipv4{address.value & ~hosts}, Ipv4{address.value | hosts}};
}

// Appends the destination prefix of each message of a dump; `length_of` gives its length from the
// message's header. A prefix of length 0 covers everything and is no boundary.
template <typename Header, typename LengthOf>
void dump_prefixes(std::uint16_t type, std::uint16_t destination_attribute, LengthOf length_of,
                   std::vector<AddressRange>& prefixes) {
  int error = EINTR;
  // A table that changes meanwhile cuts the list short (NLM_F_DUMP_INTR).
  for (int attempt = 0; error == EINTR && attempt < kDumpsMax; ++attempt) {
    Netlink netlink;
    nlmsghdr* request = netlink.prepare(type, NLM_F_DUMP);
    // Both headers begin with the family.
    auto* header = static_cast<std::uint8_t*>(mnl_nlmsg_put_extra_header(request, sizeof(Header)));
    *header = AF_INET;
    error = netlink.exchange(request, [&](const nlmsghdr& message) {
      const auto& answer = *static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
      const unsigned length = length_of(answer);
      if (length == 0 || length > 32) return;
      for_each_attribute(message, sizeof(Header), [&](const nlattr& attribute) {
        if (mnl_attr_get_type(&attribute) == destination_attribute)
          prefixes.push_back(prefix_range(get_ipv4(attribute), length));
      });
    });
  }
  // A kernel without policy routing knows no rules.
  if (error != 0 && error != EOPNOTSUPP && error != EAFNOSUPPORT)
    throw_system_error("list the routes and rules", error);
}

Way::Kind refusal_of(int error) {
  switch (error) {
    case EINVAL:
      return Way::Kind::blackhole;
    case EHOSTUNREACH:
      return Way::Kind::unreachable;
    case EACCES:
      return Way::Kind::prohibit;
    case ENETUNREACH:
      return Way::Kind::no_route;
    default:
      throw_system_error("ask for a route", error);
  }
}

Way::Kind kind_of(unsigned char route_type) {
  if (route_type == RTN_LOCAL) return Way::Kind::local;
  if (route_type == RTN_BROADCAST || route_type == RTN_ANYCAST) return Way::Kind::broadcast;
  if (route_type == RTN_MULTICAST) return Way::Kind::multicast;
  return Way::Kind::direct;
}

// RTA_VIA: a family of two bytes, then the address.
void read_via(const nlattr& attribute, Way& way) {
  std::array<std::uint8_t, 2 + sizeof(Ipv6)> via{};
  if (mnl_attr_get_payload_len(&attribute) != via.size()) return;
  std::memcpy(via.data(), mnl_attr_get_payload(&attribute), via.size());
  Ipv6 router;
  std::copy(via.begin() + 2, via.end(), router.bytes.begin());
  way.next_hop = router;
}

Way read_way(const nlmsghdr& message) {
  Way way;
  const auto& header = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
  way.kind = kind_of(header.rtm_type);
  for_each_attribute(message, sizeof(rtmsg), [&way](const nlattr& attribute) {
    const std::uint16_t type = mnl_attr_get_type(&attribute);
    if (type == RTA_OIF) way.interface_index = static_cast<int>(mnl_attr_get_u32(&attribute));
    if (type == RTA_GATEWAY) way.next_hop = get_ipv4(attribute);
    if (type == RTA_VIA) read_via(attribute, way);
    if (type == RTA_PREFSRC || type == RTA_SRC) way.source = get_ipv4(attribute);
  });
  if (way.kind == Way::Kind::direct && way.next_hop.index() != 0) way.kind = Way::Kind::gateway;
  return way;
}

// The question for one destination, as ping's packets would put it.
void put_question(nlmsghdr* request, Ipv4 destination, const WayQuestion& question,
                  std::uint32_t flags) {
  auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtmsg)));
  header->rtm_family = AF_INET;
  header->rtm_dst_len = 32;
  header->rtm_flags = flags;
  put_ipv4(request, RTA_DST, destination);
  if (question.source) {
    header->rtm_src_len = 32;
    put_ipv4(request, RTA_SRC, *question.source);
  }
  if (question.interface_index != 0)
    mnl_attr_put_u32(request, RTA_OIF, static_cast<std::uint32_t>(question.interface_index));
  mnl_attr_put_u8(request, RTA_IP_PROTO, IPPROTO_ICMP);
}

}  // namespace

bool is_refusal(Way::Kind kind) {
  return kind >= Way::Kind::blackhole;
}

bool is_unroutable(const Way& way) {
  return is_refusal(way.kind) || way.kind == Way::Kind::broadcast ||
         way.kind == Way::Kind::multicast;
}

const char* kind_name(Way::Kind kind) {
  switch (kind) {
    case Way::Kind::gateway:
      return "gateway";
    case Way::Kind::direct:
      return "direct";
    case Way::Kind::local:
      return "local";
    case Way::Kind::broadcast:
      return "broadcast";
    case Way::Kind::multicast:
      return "multicast";
    case Way::Kind::blackhole:
      return "blackhole";
    case Way::Kind::unreachable:
      return "unreachable";
    case Way::Kind::prohibit:
      return "prohibit";
    case Way::Kind::no_route:
      break;
  }
  return "no route";
}

std::string next_hop_text(const Way& way) {
  if (const Ipv4* router = std::get_if<Ipv4>(&way.next_hop)) return to_string(*router);
  const Ipv6* router = std::get_if<Ipv6>(&way.next_hop);
  if (!router) return "";
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(AF_INET6, router->bytes.data(), text.data(), text.size());
}

std::vector<AddressRange> list_fib_prefixes() {
  std::vector<AddressRange> prefixes(kKernelPrefixes.begin(), kKernelPrefixes.end());
  dump_prefixes<rtmsg>(
      RTM_GETROUTE, RTA_DST, [](const rtmsg& route) { return unsigned{route.rtm_dst_len}; },
      prefixes);
  dump_prefixes<fib_rule_hdr>(
      RTM_GETRULE, FRA_DST, [](const fib_rule_hdr& rule) { return unsigned{rule.dst_len}; },
      prefixes);
  std::sort(prefixes.begin(), prefixes.end(), [](const AddressRange& a, const AddressRange& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

std::vector<Way> ask_ways(std::span<const Ipv4> destinations, const WayQuestion& question) {
  if (question.source && !is_own_address(*question.source)) {
    std::vector<Way> ways = ask_ways(destinations, {std::nullopt, question.interface_index});
    for (Way& way : ways)
      if (way.source) way.source = question.source;
    return ways;
  }
  std::vector<Way> ways(destinations.size());
  Netlink netlink;
  const auto ask = [&](std::uint32_t flags, const Netlink::OnAnswer& on_answer) {
    netlink.exchange_each(
        RTM_GETROUTE, destinations.size(),
        [&](std::size_t i, nlmsghdr* request) {
          put_question(request, destinations[i], question, flags);
        },
        on_answer);
  };
  ask(0, [&ways](std::size_t i, int error, const nlmsghdr* answer) {
    ways[i] = answer ? read_way(*answer) : Way{refusal_of(error), 0, {}, {}};
    if (is_refusal(ways[i].kind)) ways[i].source = std::nullopt;
  });
  if (question.interface_index == 0) return ways;
  // Asks again whether a route is behind the answer. A kernel before 4.13 does not know the flag
  // and gives the same answer.
  ask(RTM_F_FIB_MATCH, [&ways](std::size_t i, int error, const nlmsghdr*) {
    if (error != 0 && !is_refusal(ways[i].kind)) ways[i] = {Way::Kind::no_route, 0, {}, {}};
  });
  return ways;
}

}  // namespace echoscan
