#include "scanner/network/bond.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <exception>
#include <utility>

#include "scanner/network/netlink.h"

namespace echoscan {
namespace {

constexpr std::uint64_t kBondMillisecondNs = 1'000'000;
// A monitor by ARP takes a port for failed after two or three of its intervals without an answer.
constexpr std::uint64_t kArpIntervals = 4;
// How late the monitor runs on a machine under load.
constexpr std::uint64_t kLateNs = 100 * kBondMillisecondNs;
// A VLAN of a VLAN of a bond, and one more.
constexpr int kLayersMax = 4;

struct Layer {
  Bond bond;
  bool is_bond = false;
  int below = 0;  // the interface that it stands on; 0: none, or one in another namespace
};

// 0 for what is too short.
std::uint32_t get_u32(const nlattr& attribute) {
  return mnl_attr_get_payload_len(&attribute) < sizeof(std::uint32_t)
             ? 0
             : mnl_attr_get_u32(&attribute);
}

std::uint64_t unnoticed_ns(const nlattr& settings) {
  std::uint64_t ms = 0;
  for_each_nested(settings, [&ms](const nlattr& attribute) {
    const std::uint64_t value = get_u32(attribute);
    switch (mnl_attr_get_type(&attribute)) {
      case IFLA_BOND_MIIMON:
        ms += 2 * value;
        break;
      case IFLA_BOND_DOWNDELAY:
        ms += value;
        break;
      case IFLA_BOND_ARP_INTERVAL:
        ms += kArpIntervals * value;
        break;
      default:
        break;
    }
  });
  return ms * kBondMillisecondNs + kLateNs;
}

void read_kind(const nlattr& info, Layer& layer) {
  for_each_nested(info, [&layer](const nlattr& attribute) {
    const std::uint16_t type = mnl_attr_get_type(&attribute);
    if (type == IFLA_INFO_KIND) {
      layer.is_bond = is_text(attribute, "bond");
    } else if (type == IFLA_INFO_DATA && layer.is_bond) {
      layer.bond.unnoticed_ns = unnoticed_ns(attribute);
    }
  });
}

Layer ask_layer(int index) {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETLINK, 0);
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  header->ifi_family = AF_UNSPEC;
  header->ifi_index = index;
  Layer layer;
  layer.bond.index = index;
  bool is_elsewhere = false;
  netlink.exchange(request, [&](const nlmsghdr& message) {
    for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
      const std::uint16_t type = mnl_attr_get_type(&attribute);
      if (type == IFLA_IFNAME) layer.bond.name = mnl_attr_get_str(&attribute);
      if (type == IFLA_LINK) layer.below = static_cast<int>(get_u32(attribute));
      if (type == IFLA_LINK_NETNSID) is_elsewhere = true;
      if (type == IFLA_LINKINFO) read_kind(attribute, layer);
    });
  });
  if (is_elsewhere) layer.below = 0;
  return layer;
}

// Whether the attribute says that the port is one of a bond's, and what it says of it.
void read_port(const nlattr& info, BondPort& port, bool& is_port) {
  for_each_nested(info, [&](const nlattr& attribute) {
    const std::uint16_t type = mnl_attr_get_type(&attribute);
    if (type == IFLA_INFO_SLAVE_KIND) is_port = is_text(attribute, "bond");
    if (type != IFLA_INFO_SLAVE_DATA || !is_port) return;
    for_each_nested(attribute, [&port](const nlattr& value) {
      const std::uint16_t what = mnl_attr_get_type(&value);
      if (what == IFLA_BOND_SLAVE_STATE && mnl_attr_get_payload_len(&value) > 0)
        port.carries = mnl_attr_get_u8(&value) == 0;  // BOND_STATE_ACTIVE
      if (what == IFLA_BOND_SLAVE_LINK_FAILURE_COUNT) port.failures = get_u32(value);
    });
  });
}

}  // namespace

std::optional<Bond> find_bond(const Interface& interface) {
  int index = interface.index;
  for (int layers = 0; index != 0 && layers < kLayersMax; ++layers) {
    const Layer layer = ask_layer(index);
    if (layer.is_bond) return layer.bond;
    index = layer.below;
  }
  return std::nullopt;
}

// The kernel leaves out what is not the bond's; older ones do not.
std::vector<BondPort> read_bond_ports(const Bond& bond) noexcept try {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETLINK, NLM_F_DUMP);
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  header->ifi_family = AF_UNSPEC;
  const auto master = static_cast<std::uint32_t>(bond.index);
  mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  mnl_attr_put_u32(request, IFLA_MASTER, master);
  std::vector<BondPort> ports;
  netlink.exchange(request, [&ports, master](const nlmsghdr& message) {
    BondPort port;
    bool is_port = false;
    bool is_this_ones = false;
    for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
      const std::uint16_t type = mnl_attr_get_type(&attribute);
      if (type == IFLA_IFNAME) port.name = mnl_attr_get_str(&attribute);
      if (type == IFLA_MASTER) is_this_ones = get_u32(attribute) == master;
      if (type == IFLA_LINKINFO) read_port(attribute, port, is_port);
    });
    if (is_port && is_this_ones) ports.push_back(std::move(port));
  });
  return ports;
} catch (const std::exception&) {
  return {};  // no socket, no memory: it is asked again at the next look
}

}  // namespace echoscan
