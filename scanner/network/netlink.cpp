#include "scanner/network/netlink.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace echoscan {
namespace {

constexpr std::size_t kBufferBytes = 32768;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

void Netlink::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Netlink::Netlink()
    : socket_(mnl_socket_open(NETLINK_ROUTE)), buffer_(std::make_unique<char[]>(kBufferBytes)) {
  if (!socket_) fail("open a netlink socket");
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) fail("bind a netlink socket");
}

nlmsghdr* Netlink::prepare(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr* request = mnl_nlmsg_put_header(buffer_.get());
  request->nlmsg_type = type;
  request->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  request->nlmsg_seq = ++sequence_;
  return request;
}

int Netlink::exchange(nlmsghdr* request, const std::function<void(const nlmsghdr&)>& on_message) {
  // Without a dump or an acknowledgement the kernel's one answer has no end marker.
  const bool one_answer = (request->nlmsg_flags & (NLM_F_DUMP | NLM_F_ACK)) == 0;
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0)
    fail("send a netlink request");
  struct Context {
    const std::function<void(const nlmsghdr&)>& on_message;
  } context{on_message};
  const auto callback = [](const nlmsghdr* message, void* data) -> int {
    static_cast<Context*>(data)->on_message(*message);
    return MNL_CB_OK;
  };
  int result = MNL_CB_OK;
  do {
    const ssize_t bytes = mnl_socket_recvfrom(socket_.get(), buffer_.get(), kBufferBytes);
    if (bytes < 0) fail("read a netlink answer");
    result = mnl_cb_run(buffer_.get(), static_cast<std::size_t>(bytes), sequence_,
                        mnl_socket_get_portid(socket_.get()), callback, &context);
    if (result < 0) return errno;
  } while (result > MNL_CB_STOP && !one_answer);
  return 0;
}

void for_each_attribute(const nlmsghdr& message, std::size_t header_bytes,
                        const std::function<void(const nlattr&)>& on_attribute) {
  const auto callback = [](const nlattr* attribute, void* data) -> int {
    (*static_cast<const std::function<void(const nlattr&)>*>(data))(*attribute);
    return MNL_CB_OK;
  };
  mnl_attr_parse(&message, static_cast<unsigned>(header_bytes), callback,
                 const_cast<std::function<void(const nlattr&)>*>(&on_attribute));
}

void put_ipv4(nlmsghdr* request, std::uint16_t type, Ipv4 address) {
  mnl_attr_put_u32(request, type, htonl(address.value));
}

Ipv4 get_ipv4(const nlattr& attribute) {
  return Ipv4{ntohl(mnl_attr_get_u32(&attribute))};
}

}  // namespace echoscan
