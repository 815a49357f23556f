#include "scanner/network/route.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "scanner/network/netlink.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/process/system_error.h"
#include "targets/target_set.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kPollNs = 2 * kMillisecondNs;
constexpr std::uint16_t kDiscardPort = 9;  // RFC 863

struct InterfaceAddress {
  Ipv4 address;
  unsigned prefix_length = 32;
  bool is_secondary = false;
  bool is_global = false;
};

std::vector<InterfaceAddress> list_addresses(const Interface& interface) {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETADDR, NLM_F_DUMP);
  auto* header = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifaddrmsg)));
  header->ifa_family = AF_INET;
  std::vector<InterfaceAddress> addresses;
  const int error = netlink.exchange(request, [&](const nlmsghdr& message) {
    const auto& answer = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&message));
    if (static_cast<int>(answer.ifa_index) != interface.index) return;
    InterfaceAddress entry;
    entry.prefix_length = answer.ifa_prefixlen;
    entry.is_secondary = (answer.ifa_flags & IFA_F_SECONDARY) != 0;
    entry.is_global = answer.ifa_scope == RT_SCOPE_UNIVERSE;
    for_each_attribute(message, sizeof(ifaddrmsg), [&entry](const nlattr& attribute) {
      if (mnl_attr_get_type(&attribute) == IFA_LOCAL) entry.address = get_ipv4(attribute);
    });
    addresses.push_back(entry);
  });
  if (error != 0) throw_system_error("list the addresses", error);
  return addresses;
}

struct Neighbour {
  std::uint16_t state = NUD_NONE;
  std::optional<MacAddress> mac;
};

Neighbour find_neighbour(const Interface& interface, Ipv4 address) {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETNEIGH, 0);
  auto* header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ndmsg)));
  header->ndm_family = AF_INET;
  header->ndm_ifindex = interface.index;
  put_ipv4(request, NDA_DST, address);
  Neighbour neighbour;
  netlink.exchange(request, [&neighbour](const nlmsghdr& message) {
    neighbour.state = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&message))->ndm_state;
    for_each_attribute(message, sizeof(ndmsg), [&neighbour](const nlattr& attribute) {
      if (mnl_attr_get_type(&attribute) != NDA_LLADDR || mnl_attr_get_payload_len(&attribute) != 6)
        return;
      MacAddress mac;
      std::memcpy(mac.bytes.data(), mnl_attr_get_payload(&attribute), 6);
      neighbour.mac = mac;
    });
  });
  return neighbour;
}

// Makes the kernel ask for the MAC of an address of which it knows nothing: any datagram to it does
// that. This one goes to the discard port, and whether it arrives does not matter.
void send_datagram(const Interface& interface, Ipv4 address) {
  const FileDescriptor udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!udp) throw_system_error("open a UDP socket");
  setsockopt(udp.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.name.c_str(),
             static_cast<socklen_t>(interface.name.size()));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(kDiscardPort);
  to.sin_addr.s_addr = htonl(address.value);
  sendto(udp.get(), "", 0, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
}

// Makes the kernel confirm an entry at once; of itself it would trust a stale one for 5 s more.
// Needs CAP_NET_ADMIN; without it the datagram alone has the same effect, later.
void probe_neighbour(const Interface& interface, Ipv4 address) {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_REPLACE);
  auto* header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ndmsg)));
  header->ndm_family = AF_INET;
  header->ndm_ifindex = interface.index;
  header->ndm_state = NUD_PROBE;
  put_ipv4(request, NDA_DST, address);
  netlink.exchange(request, [](const nlmsghdr&) {});
}

}  // namespace

std::optional<Route> find_route(Ipv4 destination, int interface_index) {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETROUTE, 0);
  auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtmsg)));
  header->rtm_family = AF_INET;
  header->rtm_dst_len = 32;
  put_ipv4(request, RTA_DST, destination);
  if (interface_index != 0)
    mnl_attr_put_u32(request, RTA_OIF, static_cast<std::uint32_t>(interface_index));
  Route route;
  const int error = netlink.exchange(request, [&route](const nlmsghdr& message) {
    for_each_attribute(message, sizeof(rtmsg), [&route](const nlattr& attribute) {
      const std::uint16_t type = mnl_attr_get_type(&attribute);
      if (type == RTA_OIF) route.interface_index = static_cast<int>(mnl_attr_get_u32(&attribute));
      if (type == RTA_GATEWAY) route.gateway = get_ipv4(attribute);
      if (type == RTA_PREFSRC) route.source = get_ipv4(attribute);
    });
  });
  if (error != 0) return std::nullopt;
  return route;
}

std::optional<Ipv4> find_source_address(const Interface& interface) {
  std::optional<Ipv4> second_best;
  for (const InterfaceAddress& entry : list_addresses(interface)) {
    if (entry.is_global && !entry.is_secondary) return entry.address;
    if (!second_best) second_best = entry.address;
  }
  return second_best;
}

bool owns_address(const Interface& interface, Ipv4 address) {
  for (const InterfaceAddress& entry : list_addresses(interface))
    if (entry.address == address) return true;
  return false;
}

bool is_own_address(Ipv4 address) noexcept {
  const FileDescriptor udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(address.value);
  // What else keeps a socket from being made or bound says nothing about the address.
  return bind(udp.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) == 0 ||
         errno != EADDRNOTAVAIL;
}

std::vector<AddressRange> connected_networks(const Interface& interface) {
  std::vector<AddressRange> networks;
  for (const InterfaceAddress& entry : list_addresses(interface)) {
    const auto hosts =
        static_cast<std::uint32_t>((std::uint64_t{1} << (32 - entry.prefix_length)) - 1);
    networks.push_back({Ipv4{entry.address.value & ~hosts}, Ipv4{entry.address.value | hosts}});
  }
  return merge_ranges(std::move(networks));
}

std::optional<GatewayMac> resolve_gateway(const Interface& interface, Ipv4 gateway, Clock& clock,
                                          unsigned timeout_ms) {
  constexpr std::uint16_t kConfirmed = NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP;
  const std::uint64_t deadline_ns = clock.now_ns() + timeout_ms * kMillisecondNs;
  Neighbour neighbour = find_neighbour(interface, gateway);
  // An entry that exists may be wrong, and fails before the right one can be asked for: that takes
  // a second question.
  int questions = neighbour.mac ? 2 : 1;
  while (clock.now_ns() < deadline_ns) {
    if (neighbour.mac && (neighbour.state & kConfirmed) != 0)
      return GatewayMac{*neighbour.mac, true};
    if ((neighbour.state & (NUD_STALE | NUD_DELAY)) != 0) probe_neighbour(interface, gateway);
    if (neighbour.state == NUD_STALE) send_datagram(interface, gateway);
    if (neighbour.state == NUD_NONE || neighbour.state == NUD_FAILED) {
      if (questions-- == 0) return std::nullopt;
      send_datagram(interface, gateway);
    }
    clock.wait_until(clock.now_ns() + kPollNs);
    neighbour = find_neighbour(interface, gateway);
  }
  if (neighbour.mac) return GatewayMac{*neighbour.mac, false};
  return std::nullopt;
}

}  // namespace echoscan
