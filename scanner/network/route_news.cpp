#include "scanner/network/route_news.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

// So many messages are thrown away at a time: who changes routes without end does not stop the
// control.
constexpr int kMessagesMax = 256;

}  // namespace

RouteNews::RouteNews()
    : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)) {
  if (!socket_) throw_system_error("open a netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw_system_error("bind a netlink socket");
  for (const int group : {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV4_IFADDR, RTNLGRP_LINK})
    if (setsockopt(socket_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
      throw_system_error("listen for changes of routes");
  // Linux 5.3; before that there are no such objects.
  constexpr int nexthop = RTNLGRP_NEXTHOP;
  setsockopt(socket_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nexthop, sizeof(nexthop));
}

bool RouteNews::has_news() noexcept {
  bool is_any = false;
  for (int i = 0; i < kMessagesMax; ++i) {
    char byte;
    if (recv(socket_.get(), &byte, sizeof(byte), 0) < 0 && errno != ENOBUFS) break;
    is_any = true;
  }
  return is_any;
}

}  // namespace echoscan
