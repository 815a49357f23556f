#include "scanner/network/own_address.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <array>
#include <exception>
#include <vector>

#include "scanner/network/fib.h"
#include "scanner/network/netlink.h"
#include "scanner/process/system_error.h"

namespace echoscan {
namespace {

struct InterfaceAddress {
  Ipv4 address;
  bool is_secondary = false;
  bool is_global = false;
};

std::vector<InterfaceAddress> list_addresses(const Interface& interface) {
  Netlink netlink;
  nlmsghdr* request = netlink.prepare(RTM_GETADDR, NLM_F_DUMP);
  auto* header = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifaddrmsg)));
  header->ifa_family = AF_INET;
  std::vector<InterfaceAddress> addresses;
  const int error = netlink.exchange(request, [&](const nlmsghdr& message) {
    const auto& answer = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&message));
    if (static_cast<int>(answer.ifa_index) != interface.index) return;
    InterfaceAddress entry;
    entry.is_secondary = (answer.ifa_flags & IFA_F_SECONDARY) != 0;
    entry.is_global = answer.ifa_scope == RT_SCOPE_UNIVERSE;
    for_each_attribute(message, sizeof(ifaddrmsg), [&entry](const nlattr& attribute) {
      if (mnl_attr_get_type(&attribute) == IFA_LOCAL) entry.address = get_ipv4(attribute);
    });
    addresses.push_back(entry);
  });
  if (error != 0) throw_system_error("list the addresses", error);
  return addresses;
}

}  // namespace

std::optional<Ipv4> find_source_address(const Interface& interface) {
  std::optional<Ipv4> second_best;
  for (const InterfaceAddress& entry : list_addresses(interface)) {
    if (entry.is_global && !entry.is_secondary) return entry.address;
    if (!second_best) second_best = entry.address;
  }
  return second_best;
}

bool owns_address(const Interface& interface, Ipv4 address) {
  for (const InterfaceAddress& entry : list_addresses(interface))
    if (entry.address == address) return true;
  return false;
}

bool is_own_address(Ipv4 address) noexcept {
  return !find_foreign_address(std::array{address});
}

std::vector<Ipv4> own_addresses_of(std::span<const Ipv4> addresses) {
  const std::vector<Way> ways = ask_ways(addresses, {});
  std::vector<Ipv4> own;
  for (std::size_t i = 0; i < addresses.size(); ++i)
    if (ways[i].kind == Way::Kind::local) own.push_back(addresses[i]);
  return own;
}

std::optional<Ipv4> find_foreign_address(std::span<const Ipv4> addresses) noexcept try {
  const std::vector<Way> ways = ask_ways(addresses, {});
  for (std::size_t i = 0; i < addresses.size(); ++i)
    if (ways[i].kind != Way::Kind::local) return addresses[i];
  return std::nullopt;
} catch (const std::exception&) {
  return std::nullopt;  // what keeps the kernel from answering says nothing about the addresses
}

}  // namespace echoscan
