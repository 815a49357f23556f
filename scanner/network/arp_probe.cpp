#include "scanner/network/arp_probe.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>
#include <system_error>
#include <utility>

#include "scanner/network/arp_peer.h"
#include "scanner/network/neighbour.h"
#include "scanner/process/log.h"
#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

// More than a message takes.
constexpr std::size_t kFrameBytes = 60;

// Without a protocol until it has its interface: the kernel would hear ARP of all interfaces, and
// wait 15 ms for all CPUs to have left that off (packet_do_bind() in net/packet/af_packet.c).
FileDescriptor open_arp_socket(int interface_index) {
  FileDescriptor opened(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!opened) throw_system_error("open a packet socket for ARP");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ARP);
  address.sll_ifindex = interface_index;
  if (bind(opened.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw_system_error("bind the packet socket for ARP");
  return opened;
}

}  // namespace

ArpProbe::ArpProbe(std::vector<Gateway> gateways, const std::vector<Standby>& standby)
    : gateways_(std::move(gateways)) {
  for (const Gateway& gateway : gateways_) open(gateway.interface_index, gateway.interface_name);
  for (const Standby& interface : standby) open(interface.index, interface.name);
}

void ArpProbe::open(int index, const std::string& name) {
  if (sockets_.contains(index)) return;
  sockets_.emplace(index, Sockets{open_arp_socket(index), open_datagrams(name)});
}

void ArpProbe::add(const Gateway& gateway) {
  gateways_.push_back(gateway);
  try {
    open(gateway.interface_index, gateway.interface_name);
  } catch (const std::system_error& error) {
    log_warning("the gateway {} cannot be watched: {}", to_string(gateway.address), error.what());
  }
}

void ArpProbe::ask(std::size_t gateway, const std::optional<MacAddress>& to) {
  const Gateway& asked = gateways_[gateway];
  const ArpMessage question{
      false, asked.interface_mac, asked.asked_from.value_or(Ipv4{}), {}, asked.address};
  const ArpFrame frame = write_arp(question, to.value_or(kEverybodysMac));
  const auto sockets = sockets_.find(asked.interface_index);
  if (sockets != sockets_.end())
    send(sockets->second.arp.get(), frame.bytes.data(), frame.length, MSG_DONTWAIT);
}

void ArpProbe::have_kernel_ask(std::size_t gateway) {
  const auto sockets = sockets_.find(gateways_[gateway].interface_index);
  if (sockets != sockets_.end())
    send_datagram(sockets->second.datagram.get(), gateways_[gateway].address);
}

bool ArpProbe::kernel_sends_to(std::size_t gateway, const MacAddress& mac) {
  return echoscan::kernel_sends_to(gateways_[gateway].interface_index, gateways_[gateway].address,
                                   mac);
}

std::optional<GatewayProbe::Claim> ArpProbe::next_claim() {
  for (const auto& [interface_index, sockets] : sockets_) {
    std::array<std::uint8_t, kFrameBytes> frame;
    sockaddr_ll from{};
    while (true) {
      socklen_t from_bytes = sizeof(from);
      const ssize_t bytes = recvfrom(sockets.arp.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                                     reinterpret_cast<sockaddr*>(&from), &from_bytes);
      if (bytes < 0) break;
      if (from.sll_pkttype == PACKET_OUTGOING) continue;
      const std::optional<ArpMessage> message =
          read_arp(std::span(frame).first(static_cast<std::size_t>(bytes)));
      if (!message) continue;
      for (std::size_t i = 0; i < gateways_.size(); ++i) {
        if (gateways_[i].interface_index == interface_index &&
            gateways_[i].address == message->sender)
          return Claim{i, message->sender_mac, message->is_answer_to(gateways_[i].interface_mac)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace echoscan
