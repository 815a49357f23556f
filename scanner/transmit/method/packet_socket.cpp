#include "scanner/transmit/method/packet_socket.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include "scanner/process/system_error.h"

namespace echoscan {

FileDescriptor open_packet_socket(const Interface& interface) {
  // Protocol 0: this socket receives nothing.
  FileDescriptor opened(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!opened) throw_system_error("open a packet socket");
  bypass_queueing_discipline(opened.get());
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = interface.index;
  if (bind(opened.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw_system_error("bind the packet socket");
  return opened;
}

void bypass_queueing_discipline(int socket) {
  set_socket_option(socket, SOL_PACKET, PACKET_QDISC_BYPASS, int{1},
                    "bypass the queueing discipline");
}

}  // namespace echoscan
