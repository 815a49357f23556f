#include "scanner/transmit/method/ping_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::size_t kIcmpOffset = PROBE_ETHERNET_BYTES + PROBE_IPV4_BYTES;
constexpr std::size_t kDestinationOffset = PROBE_ETHERNET_BYTES + 16;
// Replies come to this socket and are not wanted.
constexpr int kReceiveBufferBytes = 0;

}  // namespace

PingSocketTransmitter::PingSocketTransmitter(const Interface& interface,
                                             const FrameTemplate& frame_template, Clock& clock)
    : OneByOneTransmitter(frame_template, clock),
      socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP)) {
  if (!socket_ && errno == EACCES)
    throw UserError(ExitCode::environment,
                    "net.ipv4.ping_group_range does not let this group open ping sockets");
  if (!socket_) throw std::system_error(errno, std::generic_category(), "open a ping socket");
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes,
             sizeof(kReceiveBufferBytes));
  const int do_not_fragment = IP_PMTUDISC_DO;
  const int see_drops = 1;
  if (setsockopt(socket_.get(), IPPROTO_IP, IP_MTU_DISCOVER, &do_not_fragment,
                 sizeof(do_not_fragment)) != 0 ||
      setsockopt(socket_.get(), IPPROTO_IP, IP_RECVERR, &see_drops, sizeof(see_drops)) != 0 ||
      setsockopt(socket_.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.name.c_str(),
                 static_cast<socklen_t>(interface.name.size())) != 0)
    throw std::system_error(errno, std::generic_category(), "set up the ping socket");
}

int PingSocketTransmitter::send_frame(std::span<const std::uint8_t> frame, Ipv4) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::memcpy(&address.sin_addr, frame.data() + kDestinationOffset, sizeof(address.sin_addr));
  const std::span<const std::uint8_t> message = frame.subspan(kIcmpOffset);
  const auto sent = sendto(socket_.get(), message.data(), message.size(), MSG_DONTWAIT,
                           reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return sent < 0 ? errno : 0;
}

}  // namespace echoscan
