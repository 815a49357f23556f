#include "scanner/transmit/method/ping_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "scanner/process/system_error.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

// Replies come to this socket too, and nobody reads them there.
constexpr int kReceiveBufferBytes = 0;

}  // namespace

PingSocketTransmitter::PingSocketTransmitter(const Interface& interface,
                                             const FrameTemplate& frame_template, Clock& clock)
    : OneByOneTransmitter(frame_template, clock),
      socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP)) {
  if (!socket_ && errno == EACCES)
    throw UserError(ExitCode::environment,
                    "net.ipv4.ping_group_range does not let this group open ping sockets");
  if (!socket_) throw_system_error("open a ping socket");
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes,
             sizeof(kReceiveBufferBytes));
  set_socket_option(socket_.get(), IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_DO},
                    "set \"do not fragment\"");
  set_socket_option(socket_.get(), IPPROTO_IP, IP_RECVERR, int{1}, "see what the kernel drops");
  if (setsockopt(socket_.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.name.c_str(),
                 static_cast<socklen_t>(interface.name.size())) != 0)
    throw_system_error("bind the ping socket");
}

int PingSocketTransmitter::send_frame(std::span<const std::uint8_t> frame, Ipv4) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::memcpy(&address.sin_addr, frame.data() + PROBE_IP_DESTINATION_OFFSET,
              sizeof(address.sin_addr));
  const std::span<const std::uint8_t> message = frame.subspan(PROBE_ICMP_OFFSET);
  const auto sent = sendto(socket_.get(), message.data(), message.size(), MSG_DONTWAIT,
                           reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return sent < 0 ? errno : 0;
}

}  // namespace echoscan
