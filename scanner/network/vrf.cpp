#include "scanner/network/vrf.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <utility>

#include "scanner/network/netlink.h"

namespace echoscan {

std::vector<std::string> vrf_names() {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETLINK, NLM_F_DUMP);
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  header->ifi_family = AF_UNSPEC;
  std::vector<std::string> names;
  netlink.exchange(request, [&names](const nlmsghdr& message) {
    std::string name;
    bool is_vrf = false;
    for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
      if (mnl_attr_get_type(&attribute) == IFLA_IFNAME) name = mnl_attr_get_str(&attribute);
      if (mnl_attr_get_type(&attribute) != IFLA_LINKINFO) return;
      for_each_nested(attribute, [&is_vrf](const nlattr& info) {
        is_vrf |= mnl_attr_get_type(&info) == IFLA_INFO_KIND && is_text(info, "vrf");
      });
    });
    if (is_vrf) names.push_back(std::move(name));
  });
  return names;
}

}  // namespace echoscan
