// dpdk_arguments: what DPDK is started with, and that it never is without being told which card;
// pci_card: what sysfs says of a card.
#include "scanner/network/dpdk_arguments.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "scanner/network/pci_card.h"

namespace echoscan::dpdk_arguments_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCard = "0000:01:00.0";

DpdkSurroundings with_huge_pages() {
  return {{0, 3}, std::uint64_t{1} << 30, true, 1};
}

// The arguments in one line; of what is refused, the sentence.
std::string made(const std::string& device, const std::string& extra,
                 const DpdkSurroundings& surroundings = with_huge_pages()) {
  const auto arguments = make_dpdk_arguments(device, extra, surroundings);
  return arguments ? fmt::format("{}", fmt::join(*arguments, " ")) : arguments.error();
}

TEST(DpdkArguments, ACardIsTheOnlyOneThatIsProbed) {
  EXPECT_EQ(made(kCard, ""), "echoscan --no-telemetry --lcores=0@(0,3) --in-memory -a0000:01:00.0");
  EXPECT_EQ(made(kCard, "--log-level=8"),
            "echoscan --no-telemetry --lcores=0@(0,3) --in-memory -a0000:01:00.0 --log-level=8");
  // One with arguments of its own takes our place.
  EXPECT_EQ(made(kCard, "-a 0000:01:00.0,promisc=1"),
            "echoscan --no-telemetry --lcores=0@(0,3) --in-memory -a 0000:01:00.0,promisc=1");
  // One that is allowed besides does not.
  EXPECT_EQ(made(kCard, "-a0000:02:00.0"),
            "echoscan --no-telemetry --lcores=0@(0,3) --in-memory -a0000:01:00.0 -a0000:02:00.0");
  EXPECT_EQ(made(kCard, "--lcores=0@1"),
            "echoscan --no-telemetry --in-memory -a0000:01:00.0 --lcores=0@1");
}

TEST(DpdkArguments, ADeviceThatIsMadeComesWithNoCard) {
  EXPECT_EQ(made("net_null0", "--vdev=net_null0,size=60"),
            "echoscan --no-telemetry --lcores=0@(0,3) --in-memory --no-pci "
            "--vdev=net_null0,size=60");
  EXPECT_EQ(made("net_null0", "--vdev net_null0 -a0000:02:00.0"),
            "echoscan --no-telemetry --lcores=0@(0,3) --in-memory --vdev net_null0 "
            "-a0000:02:00.0");
  EXPECT_NE(made("eth0", "").find("no PCI address"), std::string::npos);
  EXPECT_NE(made("net_null0", "--vdev=net_null01").find("no PCI address"), std::string::npos);
}

TEST(DpdkArguments, OrdinaryPagesWhereThereAreNoOthers) {
  const DpdkSurroundings poor{{0}, 0, false, 1};
  EXPECT_EQ(made(kCard, "", poor),
            "echoscan --no-telemetry --lcores=0@(0) --no-huge --no-shconf -m104 -a0000:01:00.0");
  EXPECT_NE(made(kCard, "", {{0}, 0, false, 4}).find("-m224"), std::string::npos);
  EXPECT_EQ(made(kCard, "--no-huge -m 512"),
            "echoscan --no-telemetry --lcores=0@(0,3) --no-shconf -a0000:01:00.0 --no-huge -m 512");
  EXPECT_TRUE(is_without_huge_pages(*make_dpdk_arguments(kCard, "", poor)));
  EXPECT_FALSE(is_without_huge_pages(*make_dpdk_arguments(kCard, "", with_huge_pages())));
  // Whose driver cannot do without is refused elsewhere, with the number that is needed.
  EXPECT_EQ(made(kCard, "", {{0}, 0, true, 1}),
            "echoscan --no-telemetry --lcores=0@(0) --in-memory -a0000:01:00.0");
}

TEST(DpdkArguments, WhatPrintsAndExitsIsRefused) {
  for (const char* extra : {"-h", "--help", "-v", "--version", "--log-level=help",
                            "--proc-type=secondary", "--proc-type secondary", "--"})
    EXPECT_NE(made(kCard, extra).find("--dpdk-args"), std::string::npos) << extra;
  EXPECT_EQ(made(kCard, "--log-level=hello").find("--dpdk-args"), std::string::npos);
}

TEST(DpdkArguments, AnInterfaceOfTheKernelsIsNoDevice) {
  for (const char* name : {"eth0", "enp1s0f0np0", "eth0.7", "net_af_xdp1"})
    EXPECT_TRUE(is_kernel_name(name, "--vdev=net_af_xdp0,iface=eth0")) << name;
  for (const char* name : {"", kCard, "01:00.0", "net_af_xdp0", "eth0:1", "a/b"})
    EXPECT_FALSE(is_kernel_name(name, "--vdev=net_af_xdp0,iface=eth0")) << name;
  EXPECT_EQ(device_over("eth0", "--vdev=net_af_xdp0,iface=eth0"), "net_af_xdp0");
  EXPECT_EQ(device_over("eth1", "--vdev net_null0 --vdev net_af_xdp1,iface=eth1,queue_count=2"),
            "net_af_xdp1");
  for (const char* extra : {"", "--vdev=net_af_xdp0,iface=eth01", "--vdev=net_af_xdp0,xiface=eth0"})
    EXPECT_FALSE(device_over("eth0", extra)) << extra;
}

TEST(PciCard, AddressesAreOfOneForm) {
  EXPECT_EQ(parse_pci_address("01:00.0"), "0000:01:00.0");
  EXPECT_EQ(parse_pci_address("0000:01:0A.7"), "0000:01:0a.7");
  for (const char* other : {"", "eth0", "01:00", "01:00.8", "0000:01:00.00", "0000-01:00.0",
                            "g000:01:00.0", "net_af_xdp0", "0000:01:00.0,x"})
    EXPECT_FALSE(parse_pci_address(other)) << other;
}

// A card as sysfs has it, in a folder of the test's.
class Sysfs {
 public:
  Sysfs() : root_(fs::path(std::getenv("TEST_TMPDIR")) / "sysfs") {
    fs::remove_all(root_);
    fs::create_directories(device());
  }
  void write(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << "\n";
  }
  // Its vendor and device, "0x8086" and "0x1572".
  void write_card(const std::string& vendor, const std::string& device_id) {
    const std::string folder = std::string("bus/pci/devices/") + kCard;
    write(folder + "/vendor", vendor);
    write(folder + "/device", device_id);
    write(folder + "/class", "0x020000");
    write(folder + "/net/eth0/mtu", "1500");
    write(folder + "/virtio3/net/eth1/mtu", "1500");
  }
  void link(const std::string& from, const std::string& to) {
    fs::create_symlink(to, device() / from);
  }
  [[nodiscard]] fs::path device() const { return root_ / "bus/pci/devices" / kCard; }
  [[nodiscard]] std::string path() const { return root_.string(); }

 private:
  fs::path root_;
};

TEST(PciCard, SaysWhoHoldsIt) {
  Sysfs sysfs;
  sysfs.write_card("0x8086", "0x1572");
  sysfs.link("driver", "../../../bus/pci/drivers/i40e");
  const auto card = find_pci_card(kCard, sysfs.path());
  ASSERT_TRUE(card);
  EXPECT_EQ(card->driver, "i40e");
  EXPECT_EQ(card->device, "8086:1572");
  EXPECT_EQ(card->iommu_group, "");
  EXPECT_EQ(card->interfaces, (std::vector<std::string>{"eth0", "eth1"}));
  EXPECT_TRUE(card->is_network_card);
  EXPECT_FALSE(card->is_for_user_space());
  fs::remove(sysfs.device() / "driver");
  sysfs.link("driver", "../../../bus/pci/drivers/vfio-pci");
  sysfs.link("iommu_group", "../../../kernel/iommu_groups/17");
  EXPECT_EQ(find_pci_card(kCard, sysfs.path())->iommu_group, "17");
  EXPECT_TRUE(find_pci_card(kCard, sysfs.path())->is_for_user_space());
  EXPECT_FALSE(find_pci_card(kCard, sysfs.path())->needs_huge_pages());
  fs::remove(sysfs.device() / "driver");
  sysfs.link("driver", "../../../bus/pci/drivers/uio_pci_generic");
  EXPECT_TRUE(find_pci_card(kCard, sysfs.path())->needs_huge_pages());
  EXPECT_FALSE(find_pci_card("0000:02:00.0", sysfs.path()));
}

TEST(PciCard, IsFoundByTheKernelsInterface) {
  Sysfs sysfs;
  const fs::path folder = fs::path("../../../bus/pci/devices") / kCard;
  sysfs.write_card("0x15b3", "0x1017");
  sysfs.write("class/net/lo/mtu", "65536");
  const auto name = [&sysfs](const std::string& interface, const fs::path& device) {
    const fs::path place = fs::path(sysfs.path()) / "class/net" / interface;
    fs::create_directories(place);
    fs::create_symlink(device, place / "device");
  };
  name("eth0", folder);
  name("eth1", folder / "virtio3");
  for (const char* interface : {"eth0", "eth1"}) {
    const auto card = find_card_of(interface, sysfs.path());
    ASSERT_TRUE(card) << interface;
    EXPECT_EQ(card->address, kCard);
    EXPECT_TRUE(card->is_shared());
  }
  EXPECT_FALSE(find_card_of("lo", sysfs.path()));
  EXPECT_FALSE(find_card_of("none", sysfs.path()));
  sysfs.write_card("0x8086", "0x1572");
  EXPECT_FALSE(find_card_of("eth1", sysfs.path())->is_shared());
}

TEST(PciCard, HugePagesOfAllSizesAreCounted) {
  Sysfs sysfs;
  EXPECT_EQ(free_huge_page_bytes(sysfs.path()), 0U);
  sysfs.write("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "96");
  sysfs.write("kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "1");
  EXPECT_EQ(free_huge_page_bytes(sysfs.path()), (std::uint64_t{96} << 21) + (1U << 30));
}

}  // namespace
}  // namespace echoscan::dpdk_arguments_test
