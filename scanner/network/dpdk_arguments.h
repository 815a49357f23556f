// The arguments that DPDK is started with: ours, and what `--dpdk-args` adds to them.
//
// DPDK probes every network card of the machine unless it is told which: so there is always -a,
// or --no-pci beside a --vdev, whatever is added. It leaves nothing behind (--in-memory), opens no
// socket (--no-telemetry), and its one lcore may run on all CPUs, since it pins the thread that
// starts it for good. What would print help and exit inside of the library is refused here. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace echoscan {

// What DPDK's arguments depend on.
struct DpdkSurroundings {
  std::vector<int> cpus;                   // that this process may run on
  std::uint64_t free_huge_page_bytes = 0;  // 0: ordinary pages are used, if they will do
  bool needs_huge_pages = false;           // the card's driver cannot do without
  unsigned queues = 1;                     // to send by, and to receive by
};

// So much memory that many queues of ours need, with what DPDK itself takes.
constexpr std::uint64_t dpdk_memory_bytes(unsigned queues) {
  return std::uint64_t{64 + 40 * queues} << 20;
}

// `device` is the PCI address of the card, or the name of a device that `extra` makes by --vdev.
// The first argument stands for the program. Why it cannot be, a sentence.
tl::expected<std::vector<std::string>, std::string> make_dpdk_arguments(
    const std::string& device, const std::string& extra, const DpdkSurroundings& surroundings);

// Why DPDK must not get one of `extra`, a sentence; nothing where it may get all.
std::optional<std::string> why_refused(const std::string& extra);

// Whether -i names an interface of the kernel's: neither a PCI address nor a device that `extra`
// makes, and a name that an interface can have.
bool is_kernel_name(const std::string& name, const std::string& extra);
// The device that `extra` makes over an interface of the kernel's: net_af_xdp0 of
// "--vdev=net_af_xdp0,iface=eth0".
std::optional<std::string> device_over(const std::string& interface, const std::string& extra);

// Whether they make DPDK use ordinary pages.
bool is_without_huge_pages(std::span<const std::string> arguments);

}  // namespace echoscan
