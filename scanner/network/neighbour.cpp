#include "scanner/network/neighbour.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>

#include "scanner/network/netlink.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kAnswerPollNs = 2 * kMillisecondNs;
constexpr std::uint64_t kRoomPollNs = 50 * kMillisecondNs;
constexpr std::uint16_t kDiscardPort = 9;  // RFC 863

struct Neighbour {
  std::uint16_t state = NUD_NONE;
  std::optional<MacAddress> mac;
};

Neighbour find_neighbour(int interface_index, Ipv4 address) {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETNEIGH, 0);
  auto* header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ndmsg)));
  header->ndm_family = AF_INET;
  header->ndm_ifindex = interface_index;
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

const char* why_no_gateway(NoGateway reason) {
  return reason == NoGateway::no_answer
             ? "does not answer"
             : "cannot be asked for: the kernel's neighbour table, which is one for all network "
               "namespaces, is full (sysctl net.ipv4.neigh.default.gc_thresh3)";
}

FileDescriptor open_datagrams(const std::string& interface_name) {
  FileDescriptor udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!udp) throw_system_error("open a UDP socket");
  setsockopt(udp.get(), SOL_SOCKET, SO_BINDTODEVICE, interface_name.c_str(),
             static_cast<socklen_t>(interface_name.size()));
  const int on = 1;
  setsockopt(udp.get(), IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
  return udp;
}

bool send_datagram(int datagrams, Ipv4 address) noexcept {
  // That the one before found nobody is told here, in place of sending this one (sock_error() in
  // net/core/sock.c); asking for the error takes it away.
  int error = 0;
  socklen_t error_size = sizeof(error);
  getsockopt(datagrams, SOL_SOCKET, SO_ERROR, &error, &error_size);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(kDiscardPort);
  to.sin_addr.s_addr = htonl(address.value);
  return sendto(datagrams, "", 0, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to),
                sizeof(to)) >= 0 ||
         errno != ENOBUFS;
}

tl::expected<GatewayMac, NoGateway> resolve_gateway(const Interface& interface, Ipv4 gateway,
                                                    Clock& clock, unsigned timeout_ms) {
  constexpr std::uint16_t kConfirmed = NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP;
  const std::uint64_t deadline_ns = clock.now_ns() + timeout_ms * kMillisecondNs;
  Neighbour neighbour = find_neighbour(interface.index, gateway);
  // An entry that exists may be wrong, and fails before the right one can be asked for; and a
  // router may be deaf for the 3 s that a question lasts, behind a port that has just come up.
  int questions = 2;
  const FileDescriptor datagrams = open_datagrams(interface.name);
  bool has_room = true;
  for (;;) {
    if (neighbour.mac && (neighbour.state & kConfirmed) != 0)
      return GatewayMac{*neighbour.mac, true};
    if (clock.now_ns() >= deadline_ns) break;
    if ((neighbour.state & (NUD_STALE | NUD_DELAY)) != 0) probe_neighbour(interface, gateway);
    if (neighbour.state == NUD_STALE) send_datagram(datagrams.get(), gateway);
    if (neighbour.state == NUD_NONE || neighbour.state == NUD_FAILED) {
      if (questions == 0) return tl::unexpected(NoGateway::no_answer);
      has_room = send_datagram(datagrams.get(), gateway);
      // Room may be made at any time, and then it was no question.
      if (has_room) --questions;
    }
    clock.wait_until(clock.now_ns() + (has_room ? kAnswerPollNs : kRoomPollNs));
    neighbour = find_neighbour(interface.index, gateway);
  }
  if (neighbour.mac) return GatewayMac{*neighbour.mac, false};
  return tl::unexpected(has_room ? NoGateway::no_answer : NoGateway::table_full);
}

bool kernel_sends_to(int interface_index, Ipv4 address, const MacAddress& mac) noexcept try {
  const Neighbour neighbour = find_neighbour(interface_index, address);
  const bool is_waited_for = (neighbour.state & (NUD_INCOMPLETE | NUD_FAILED)) != 0;
  return neighbour.state == NUD_NONE || (!is_waited_for && neighbour.mac == mac);
} catch (const std::exception&) {
  return true;  // what keeps the kernel from answering says nothing about the neighbour
}

}  // namespace echoscan
