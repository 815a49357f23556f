#include "scanner/network/pci_card.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace echoscan {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kUserSpaceDrivers = {"vfio-pci", "uio_pci_generic",
                                                               "igb_uio"};
constexpr std::string_view kNetworkClass = "0x02";
constexpr std::string_view kSharedVendor = "15b3:";  // Mellanox

// The first line of a file; empty when it cannot be read.
std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// The last part of what a link leads to; empty when there is none.
std::string name_behind(const fs::path& link) {
  std::error_code error;
  return fs::read_symlink(link, error).filename().string();
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::uint64_t number_in(const fs::path& file) {
  const std::string text = first_line(file);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string without_0x(const std::string& text) {
  return text.starts_with("0x") ? text.substr(2) : text;
}

}  // namespace

bool PciCard::is_for_user_space() const {
  return std::ranges::count(kUserSpaceDrivers, driver) > 0;
}

bool PciCard::needs_huge_pages() const {
  return is_for_user_space() && driver != kUserSpaceDrivers.front();
}

bool PciCard::is_shared() const {
  return device.starts_with(kSharedVendor);
}

std::optional<std::string> parse_pci_address(std::string_view text) {
  constexpr std::string_view kForm = "xxxx:xx:xx.d";
  std::string address = text.size() == kForm.size() ? "" : "0000:";
  address += text;
  if (address.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < address.size(); ++i) {
    const auto c = static_cast<unsigned char>(address[i]);
    const bool fits = kForm[i] == 'x'   ? std::isxdigit(c) != 0
                      : kForm[i] == 'd' ? c >= '0' && c <= '7'
                                        : address[i] == kForm[i];
    if (!fits) return std::nullopt;
    address[i] = static_cast<char>(std::tolower(c));
  }
  return address;
}

std::optional<PciCard> find_pci_card(const std::string& address, const std::string& sysfs) {
  const fs::path folder = fs::path(sysfs) / "bus/pci/devices" / address;
  std::error_code error;
  if (!fs::exists(folder, error)) return std::nullopt;
  PciCard card;
  card.address = address;
  card.driver = name_behind(folder / "driver");
  card.device =
      without_0x(first_line(folder / "vendor")) + ":" + without_0x(first_line(folder / "device"));
  card.iommu_group = name_behind(folder / "iommu_group");
  card.is_network_card = first_line(folder / "class").starts_with(kNetworkClass);
  card.interfaces = names_in(folder / "net");
  // virtio's interfaces belong to a device of its own on the card.
  for (const std::string& name : names_in(folder))
    if (name.starts_with("virtio"))
      for (std::string& interface : names_in(folder / name / "net"))
        card.interfaces.push_back(std::move(interface));
  return card;
}

std::optional<PciCard> find_card_of(const std::string& interface, const std::string& sysfs) {
  std::error_code error;
  // Virtio's interfaces are on a device of its own, which is on the card.
  fs::path device = fs::canonical(fs::path(sysfs) / "class/net" / interface / "device", error);
  if (error) return std::nullopt;
  for (; device.has_relative_path(); device = device.parent_path())
    if (const auto address = parse_pci_address(device.filename().string()))
      return find_pci_card(*address, sysfs);
  return std::nullopt;
}

std::uint64_t free_huge_page_bytes(const std::string& sysfs) {
  constexpr std::string_view kPrefix = "hugepages-";
  const fs::path folder = fs::path(sysfs) / "kernel/mm/hugepages";
  std::uint64_t bytes = 0;
  for (const std::string& name : names_in(folder)) {
    if (!name.starts_with(kPrefix)) continue;
    std::uint64_t kilobytes = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), kilobytes);
    bytes += kilobytes * 1024 * number_in(folder / name / "free_hugepages");
  }
  return bytes;
}

}  // namespace echoscan
