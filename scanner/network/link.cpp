#include "scanner/network/link.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "scanner/process/system_error.h"

namespace echoscan {

InterfaceLink::InterfaceLink(const Interface& interface)
    : name_(interface.name),
      index_(interface.index),
      socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  if (!socket_) throw_system_error("open a UDP socket");
}

bool InterfaceLink::is_up() const {
  if (!is_running()) return false;
  ethtool_value carrier{};
  carrier.cmd = ETHTOOL_GLINK;
  ifreq question{};
  name_.copy(question.ifr_name, IFNAMSIZ - 1);
  question.ifr_data = reinterpret_cast<char*>(&carrier);
  // Some tunnels do not answer; then the flag decides.
  return ioctl(socket_.get(), SIOCETHTOOL, &question) != 0 || carrier.data != 0;
}

bool InterfaceLink::is_gone() const {
  ifreq question{};
  name_.copy(question.ifr_name, IFNAMSIZ - 1);
  return ioctl(socket_.get(), SIOCGIFFLAGS, &question) != 0 && errno == ENODEV;
}

bool InterfaceLink::is_running() const {
  constexpr unsigned kUp = IFF_UP | IFF_RUNNING;
  ifreq question{};
  name_.copy(question.ifr_name, IFNAMSIZ - 1);
  if (ioctl(socket_.get(), SIOCGIFFLAGS, &question) != 0) return false;
  return (static_cast<unsigned>(question.ifr_flags) & kUp) == kUp;
}

}  // namespace echoscan
