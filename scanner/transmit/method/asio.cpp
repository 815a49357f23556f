#include "scanner/transmit/method/asio.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/icmp.hpp>

#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

namespace asio = boost::asio;

constexpr int kIcmpFilter = 1;  // <linux/icmp.h> cannot be had beside <netinet/in.h>
constexpr std::uint32_t kNoMessages = 0xffffffff;

}  // namespace

struct AsioTransmitter::Socket {
  asio::io_context io;
  asio::ip::icmp::socket socket{io, asio::ip::icmp::v4()};
};

AsioTransmitter::AsioTransmitter(const Interface& interface, const FrameTemplate& frame_template,
                                 Clock& clock)
    : OneByOneTransmitter(frame_template, clock), socket_(std::make_unique<Socket>()) {
  socket_->socket.non_blocking(true);
  const int descriptor = socket_->socket.native_handle();
  set_socket_option(descriptor, SOL_RAW, kIcmpFilter, kNoMessages, "filter the ICMP socket");
  set_socket_option(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_DO},
                    "set \"do not fragment\"");
  set_socket_option(descriptor, IPPROTO_IP, IP_RECVERR, int{1}, "see what the kernel drops");
  if (setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, interface.name.c_str(),
                 static_cast<socklen_t>(interface.name.size())) != 0)
    throw_system_error("bind the ICMP socket");
}

AsioTransmitter::~AsioTransmitter() = default;

int AsioTransmitter::send_frame(std::span<const std::uint8_t> frame, Ipv4 target) {
  const std::span<const std::uint8_t> message = frame.subspan(PROBE_ICMP_OFFSET);
  boost::system::error_code error;
  socket_->socket.send_to(asio::buffer(message.data(), message.size()),
                          asio::ip::icmp::endpoint(asio::ip::address_v4(target.value), 0), 0,
                          error);
  return error.value();
}

}  // namespace echoscan
