#include "scanner/network/link.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "scanner/network/own_address.h"
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

InterfaceLink::InterfaceLink(const Interface& interface, std::vector<Ipv4> sources,
                             std::vector<int> further)
    : name_(interface.name),
      index_(interface.index),
      sources_(std::move(sources)),
      further_(std::move(further)),
      bond_(find_bond(interface)),
      socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  if (!socket_) throw_system_error("open a UDP socket");
  std::erase_if(sources_, [](Ipv4 source) { return !is_own_address(source); });
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

std::optional<LinkSettings> InterfaceLink::settings() const {
  ifreq question{};
  if (!ask_name(socket_.get(), index_, question) ||
      ioctl(socket_.get(), SIOCGIFMTU, &question) != 0)
    return std::nullopt;
  LinkSettings settings{question.ifr_mtu, 0};
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (!ask_name(socket_.get(), index_, question)) return std::nullopt;
  question.ifr_data = reinterpret_cast<char*>(&channels);
  if (ioctl(socket_.get(), SIOCETHTOOL, &question) == 0)
    settings.transmit_queues = channels.tx_count + channels.combined_count;
  return settings;
}

std::optional<Ipv4> InterfaceLink::lost_source() const {
  return sources_.empty() ? std::nullopt : find_foreign_address(sources_);
}

std::optional<std::uint64_t> InterfaceLink::tx_packets() const {
  std::optional<std::uint64_t> sum = read_tx_packets(index_);
  for (const int index : further_) {
    const std::optional<std::uint64_t> packets = read_tx_packets(index);
    sum = sum && packets ? std::optional(*sum + *packets) : std::nullopt;
  }
  return sum;
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
