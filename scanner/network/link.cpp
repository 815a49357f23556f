#include "scanner/network/link.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "scanner/network/route.h"
#include "scanner/process/system_error.h"

namespace echoscan {

namespace {

// A question about the interface with that index, by the name that it has now: a scan goes on when
// its interface is renamed. False when there is none.
bool ask_name(int socket, int index, ifreq& question) {
  question = {};
  question.ifr_ifindex = index;
  return ioctl(socket, SIOCGIFNAME, &question) == 0;
}

}  // namespace

InterfaceLink::InterfaceLink(const Interface& interface, std::optional<Ipv4> source)
    : name_(interface.name),
      index_(interface.index),
      source_(source && is_own_address(*source) ? source : std::nullopt),
      socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  if (!socket_) throw_system_error("open a UDP socket");
}

bool InterfaceLink::is_up() const {
  if (!is_running()) return false;
  ethtool_value carrier{};
  carrier.cmd = ETHTOOL_GLINK;
  ifreq question{};
  if (!ask_name(socket_.get(), index_, question)) return false;
  question.ifr_data = reinterpret_cast<char*>(&carrier);
  // Some tunnels do not answer; then the flag decides.
  return ioctl(socket_.get(), SIOCETHTOOL, &question) != 0 || carrier.data != 0;
}

std::string InterfaceLink::current_name() const {
  ifreq question{};
  return ask_name(socket_.get(), index_, question) ? question.ifr_name : "";
}

std::optional<Ipv4> InterfaceLink::lost_source() const {
  return source_ && !is_own_address(*source_) ? source_ : std::nullopt;
}

bool InterfaceLink::is_running() const {
  constexpr unsigned kUp = IFF_UP | IFF_RUNNING;
  ifreq question{};
  if (!ask_name(socket_.get(), index_, question) ||
      ioctl(socket_.get(), SIOCGIFFLAGS, &question) != 0)
    return false;
  return (static_cast<unsigned>(question.ifr_flags) & kUp) == kUp;
}

}  // namespace echoscan
