// A network card as a device on the PCI bus, and what this machine has for driving it in user
// space.
//
// All of it comes from sysfs, by reading alone: which driver holds the card, behind which IOMMU
// group it is, and how many huge pages are free. Cards are never bound or unbound by us: whoever
// takes the wrong one from the kernel loses the machine's network. Rejected: dpdk-devbind.py's
// rules, which need Python and a database of devices for the same few files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace echoscan {

struct PciCard {
  std::string address;                  // "0000:01:00.0"
  std::string driver;                   // the kernel's that holds it; empty: none does
  std::string device;                   // "8086:1572", vendor and device
  std::string iommu_group;              // empty: there is no IOMMU for it
  std::vector<std::string> interfaces;  // the kernel's names for it
  bool is_network_card = false;

  // Whether its driver hands it to a process: vfio-pci, uio_pci_generic, igb_uio.
  [[nodiscard]] bool is_for_user_space() const;
  // Whether a process needs physical addresses, and so huge pages, to drive it.
  [[nodiscard]] bool needs_huge_pages() const;
  // Whether DPDK drives it beside the kernel's driver, which keeps its interface: Mellanox's.
  [[nodiscard]] bool is_shared() const;
};

// "0000:01:00.0" of that or of "01:00.0"; nothing for another text.
std::optional<std::string> parse_pci_address(std::string_view text);

// Nothing when there is no such device. `sysfs` is where it is mounted.
std::optional<PciCard> find_pci_card(const std::string& address, const std::string& sysfs = "/sys");

// The card that an interface of the kernel's is on; nothing when it is on none.
std::optional<PciCard> find_card_of(const std::string& interface,
                                    const std::string& sysfs = "/sys");

// Free huge pages of all sizes, in bytes.
std::uint64_t free_huge_page_bytes(const std::string& sysfs = "/sys");

}  // namespace echoscan
