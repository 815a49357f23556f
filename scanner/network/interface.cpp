#include "scanner/network/interface.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "scanner/network/driver_facts.h"
#include "scanner/network/ethtool.h"
#include "scanner/network/netlink.h"
#include "scanner/process/log.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kLinkPollNs = 5'000'000;
constexpr std::uint64_t kLinkSettleNs = 50'000'000;

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
  } else if (type == IFLA_MTU) {
    link.mtu = mnl_attr_get_u32(&attribute);
  } else if (type == IFLA_NUM_TX_QUEUES) {
    link.queues = std::max(1U, mnl_attr_get_u32(&attribute));
  } else if (type == IFLA_STATS64) {
    rtnl_link_stats64 stats{};
    std::memcpy(&stats, mnl_attr_get_payload(&attribute),
                std::min<std::size_t>(sizeof(stats), mnl_attr_get_payload_len(&attribute)));
    link.tx_packets = stats.tx_packets;
    link.rx_packets = stats.rx_packets;
    link.rx_drops = {stats.rx_dropped, stats.rx_missed_errors, stats.rx_fifo_errors};
  }
}

// rtnetlink gives the number of allocated queues, an upper bound; ethtool knows how many are in
// use.
void read_ethtool(Interface& link) {
  if (const std::optional<Channels> channels = read_channels(link.name))
    link.queues = std::max(1U, channels->in_use);
  link.driver = read_driver(link.name);
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

std::vector<std::string> interface_names() {
  std::vector<std::string> names;
  const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> all(if_nameindex(),
                                                                              if_freenameindex);
  if (all == nullptr) return names;
  for (const struct if_nameindex* entry = all.get(); entry->if_index != 0; ++entry)
    names.emplace_back(entry->if_name);
  return names;
}

Interface find_interface(const std::string& name) {
  if (name.size() < IFNAMSIZ) {
    if (std::optional<Interface> link = ask_link(0, name)) return *link;
  }
  throw UserError(ExitCode::environment, fmt::format("there is no interface '{}'; there are: {}",
                                                     name, fmt::join(interface_names(), ", ")));
}

Interface find_interface(int index) {
  if (std::optional<Interface> link = ask_link(index, "")) return *link;
  throw UserError(ExitCode::environment, fmt::format("interface number {} went away", index));
}

std::optional<std::uint64_t> read_tx_packets(int index) noexcept try {
  const std::optional<Interface> link = ask_link(index, "");
  return link ? std::optional(link->tx_packets) : std::nullopt;
} catch (const std::exception&) {
  return std::nullopt;  // no socket, no memory: the count is one of many, and not worth the ledger
}

std::optional<std::uint64_t> read_rx_packets(int index) noexcept try {
  const std::optional<Interface> link = ask_link(index, "");
  return link ? std::optional(link->rx_packets) : std::nullopt;
} catch (const std::exception&) {
  return std::nullopt;
}

std::optional<ReceiveDrops> read_receive_drops(int index) noexcept try {
  const std::optional<Interface> link = ask_link(index, "");
  return link ? std::optional(link->rx_drops) : std::nullopt;
} catch (const std::exception&) {
  return std::nullopt;
}

std::map<std::string, std::uint64_t> read_rx_packets_by_name() noexcept try {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETLINK, NLM_F_DUMP);
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  header->ifi_family = AF_UNSPEC;
  std::map<std::string, std::uint64_t> counts;
  netlink.exchange(request, [&counts](const nlmsghdr& message) {
    Interface link;
    for_each_attribute(message, sizeof(ifinfomsg),
                       [&link](const nlattr& attribute) { read_attribute(attribute, link); });
    counts[link.name] = link.rx_packets;
  });
  return counts;
} catch (const std::exception&) {
  return {};
}

std::uint64_t wait_for_carrier(const Interface& before, Clock& clock, double timeout_s) {
  const std::uint64_t start_ns = clock.now_ns();
  const bool is_steady = driver_facts(before.driver).has_steady_link;
  bool has_gone = false;
  bool is_announced = false;
  while (true) {
    const Interface now = find_interface(before.index);
    const std::uint64_t waited_ns = clock.now_ns() - start_ns;
    has_gone = has_gone || !now.has_carrier || now.carrier_changes != before.carrier_changes;
    const bool may_still_go = !has_gone && waited_ns < kLinkSettleNs && !is_steady;
    if (now.has_carrier && !may_still_go) {
      if (is_announced) log_info("the link is up after {:.1f} s", to_seconds(waited_ns));
      return has_gone ? waited_ns : 0;
    }
    if (!now.has_carrier && !is_announced) {
      log_info("waiting for the link of {}: some drivers restart it for XDP", before.name);
      is_announced = true;
    }
    if (to_seconds(waited_ns) > timeout_s)
      throw UserError(
          ExitCode::environment,
          fmt::format("the link of {} is down, for {} s now; is the cable in, is the other end up?",
                      before.name, timeout_s));
    clock.wait_until(clock.now_ns() + kLinkPollNs);
  }
}

}  // namespace echoscan
