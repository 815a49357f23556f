#include "scanner/interface.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "scanner/file_descriptor.h"
#include "scanner/netlink.h"
#include "scanner/user_error.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kPollNs = 5 * kMillisecondNs;

void read_attribute(const nlattr& attribute, Interface& link) {
  const std::uint16_t type = mnl_attr_get_type(&attribute);
  if (type == IFLA_IFNAME) {
    link.name = mnl_attr_get_str(&attribute);
  } else if (type == IFLA_ADDRESS && mnl_attr_get_payload_len(&attribute) == 6) {
    std::memcpy(link.mac.bytes.data(), mnl_attr_get_payload(&attribute), 6);
  } else if (type == IFLA_CARRIER) {
    link.has_carrier = mnl_attr_get_u8(&attribute) != 0;
  } else if (type == IFLA_CARRIER_CHANGES) {
    link.carrier_changes = mnl_attr_get_u32(&attribute);
  } else if (type == IFLA_NUM_TX_QUEUES) {
    link.queues = std::max(1U, mnl_attr_get_u32(&attribute));
  } else if (type == IFLA_STATS64) {
    rtnl_link_stats64 stats{};
    std::memcpy(&stats, mnl_attr_get_payload(&attribute),
                std::min<std::size_t>(sizeof(stats), mnl_attr_get_payload_len(&attribute)));
    link.tx_packets = stats.tx_packets;
  }
}

template <typename Request>
bool ask_ethtool(const std::string& name, std::uint32_t command, Request& request) {
  const FileDescriptor socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  request.cmd = command;
  ifreq question{};
  name.copy(question.ifr_name, IFNAMSIZ - 1);
  question.ifr_data = reinterpret_cast<char*>(&request);
  return socket_fd && ioctl(socket_fd.get(), SIOCETHTOOL, &question) == 0;
}

// The number of allocated queues is only an upper bound; the channels in use are ethtool's to say.
void read_ethtool(Interface& link) {
  ethtool_channels channels{};
  if (ask_ethtool(link.name, ETHTOOL_GCHANNELS, channels))
    link.queues = std::max({1U, channels.combined_count, channels.tx_count});
  ethtool_drvinfo driver{};
  if (ask_ethtool(link.name, ETHTOOL_GDRVINFO, driver)) link.driver = driver.driver;
}

std::optional<Interface> ask_link(int index, const std::string& name) {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETLINK, 0);
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  header->ifi_family = AF_UNSPEC;
  header->ifi_index = index;
  if (index == 0) mnl_attr_put_strz(request, IFLA_IFNAME, name.c_str());
  Interface link;
  const int error = netlink.exchange(request, [&link](const nlmsghdr& message) {
    const auto& answer = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    link.index = answer.ifi_index;
    link.is_ethernet = answer.ifi_type == ARPHRD_ETHER;
    link.is_loopback = (answer.ifi_flags & IFF_LOOPBACK) != 0;
    link.is_up = (answer.ifi_flags & IFF_UP) != 0;
    for_each_attribute(message, sizeof(ifinfomsg),
                       [&link](const nlattr& attribute) { read_attribute(attribute, link); });
  });
  if (error != 0) return std::nullopt;
  read_ethtool(link);
  return link;
}

}  // namespace

Interface find_interface(const std::string& name) {
  if (name.size() < IFNAMSIZ) {
    if (std::optional<Interface> link = ask_link(0, name)) return *link;
  }
  throw UserError(ExitCode::environment,
                  fmt::format("there is no interface '{}'; `ip link` lists what there is", name));
}

Interface find_interface(int index) {
  if (std::optional<Interface> link = ask_link(index, "")) return *link;
  throw UserError(ExitCode::environment, fmt::format("interface number {} went away", index));
}

std::uint64_t wait_for_carrier(const Interface& before, Clock& clock, unsigned settle_ms,
                               double timeout_s) {
  const std::uint64_t start_ns = clock.now_ns();
  bool has_gone = false;
  while (true) {
    const Interface now = find_interface(before.index);
    const std::uint64_t waited_ns = clock.now_ns() - start_ns;
    has_gone = has_gone || !now.has_carrier || now.carrier_changes != before.carrier_changes;
    const bool may_still_go = !has_gone && waited_ns < settle_ms * kMillisecondNs;
    if (now.has_carrier && !may_still_go) return has_gone ? waited_ns : 0;
    if (static_cast<double>(waited_ns) > timeout_s * 1e9)
      throw UserError(
          ExitCode::environment,
          fmt::format("the link of {} is down, for {} s now; is the cable in, is the other end up?",
                      before.name, timeout_s));
    clock.wait_until(clock.now_ns() + kPollNs);
  }
}

}  // namespace echoscan
